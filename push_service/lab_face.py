"""The journal and the faults over HTTP, for learners and tests. Mounted only with `--lab`.

docs/push-service.md lists the routes. All of them need the lab secret or a run token, which shows
and breaks only what concerns the endpoints that it names.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from push_service.connection import BATCH
from push_service.faults import NAMES, BadFaultError, Faults, fault_from_json
from push_service.hub import Hub
from push_service.journal import Event, Journal
from push_service.lab_devices import LabDevices, NoLabDeviceError
from push_service.model import FullError, Message, Subscription
from push_service.reporter import BROWSERS
from push_service.web import Request, Response, Router
from push_service.wire import base64url, run_token
from push_service.wire.dialects import JSON
from push_service.wire.run_token import Grant

#: So long a stream is silent at most: a reader who hears nothing for longer knows that we hang.
ALIVE_SECONDS = 5.0
MAX_CURSOR_DIGITS = 18
CLOSE_CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}  # RFC 6455 §7.4
MAX_REASON = 123  # RFC 6455 §5.5: 125 bytes with the code


@dataclass(frozen=True, slots=True)
class _View:
    """The part of the journal that a grant shows."""

    endpoints: frozenset[str] | None
    user_agents: frozenset[str] = frozenset()
    since: float = 0.0

    def shows(self, event: Event) -> bool:
        if self.endpoints is None:
            return True
        if event.at < self.since:
            return False
        if event.token is not None:
            return event.token in self.endpoints
        return event.user_agent in self.user_agents


class _NotAllowedError(Exception):
    """There is no valid token with the request."""


class _BadWishError(ValueError):
    """The text says what is wrong with the request."""


class LabFace:
    """`origins` are those of the pages that may read us; `endpoint_of` is the push API's."""

    def __init__(
        self,
        hub: Hub,
        journal: Journal,
        faults: Faults,
        *,
        secret: str,
        origins: Sequence[str],
        endpoint_of: Callable[[str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hub = hub
        self._journal = journal
        self._faults = faults
        self._secret = secret
        self._origins = origins
        self._endpoint_of = endpoint_of
        self._devices = LabDevices(hub)
        self._clock = clock

    def add_to(self, router: Router) -> None:
        routes: dict[str, dict[str, Callable[[Request, Grant], Response]]] = {
            "/lab/journal": {"GET": self._get_journal},
            "/lab/reset": {"POST": self._reset},
            "/lab/subscriptions": {"GET": self._get_subscriptions, "POST": self._subscribe},
            "/lab/receive/<token>": {"POST": self._receive},
            "/lab/acknowledge/<token>": {"POST": self._acknowledge},
            "/lab/expire/<token>": {"POST": self._expire},
            "/lab/close/<token>": {"POST": self._close},
            "/lab/faults": {"GET": self._get_faults},
            "/lab/faults/<name>": {
                "GET": self._get_fault,
                "PUT": self._put_fault,
                "DELETE": self._delete_fault,
            },
        }
        for path, handlers in routes.items():
            for method, handler in handlers.items():
                router.add(method, path, self._guarded(handler))
            router.add("OPTIONS", path, self._preflight)

    # -- who may

    def _guarded(
        self, handler: Callable[[Request, Grant], Response]
    ) -> Callable[[Request], Response]:
        def guarded(request: Request) -> Response:
            try:
                response = handler(request, self._grant(request))
            except _NotAllowedError:
                response = _json(401, {"message": "The lab needs its secret or a run token."})
            except (BadFaultError, NoLabDeviceError, _BadWishError) as error:
                response = _json(400, {"message": str(error)})
            except FullError as error:
                response = _json(429, {"message": str(error)})
            headers = (*response.headers, *self._cors(request), ("Cache-Control", "no-store"))
            return Response(response.status, response.body, headers, response.stream)

        return guarded

    def _grant(self, request: Request) -> Grant:
        scheme, _, token = (request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer":
            token = request.parameter("token") or ""
        grant = run_token.verify(token.strip(), self._secret, self._clock())
        if grant is None:
            raise _NotAllowedError
        return grant

    def _cors(self, request: Request) -> Sequence[tuple[str, str]]:
        origin = request.header("origin")
        allowed = [("Access-Control-Allow-Origin", origin)] if origin in self._origins else []
        return [("Vary", "Origin"), *[(name, value or "") for name, value in allowed]]

    def _preflight(self, request: Request) -> Response:
        allowed = [
            ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE"),
            ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
        ]
        return Response(204, b"", (*self._cors(request), *allowed))

    # -- the journal

    def _get_journal(self, request: Request, grant: Grant) -> Response:
        cursor = _cursor(request)
        view = self._view(grant)
        if JSON in (request.header("accept") or ""):
            return self._page(cursor, view)
        stream = self._stream(cursor, view)
        return Response(200, headers=[("Content-Type", "text/event-stream")], stream=stream)

    def _page(self, cursor: int, view: _View) -> Response:
        events = self._journal.after(cursor)
        shown = [event.as_json() for event in events if view.shows(event)]
        reached = events[-1].id if events else max(cursor, self._journal.cursor)
        return _json(200, {"events": shown, "cursor": reached})

    def _stream(self, cursor: int, view: _View) -> Iterator[bytes]:
        yield b"retry: 1000\n\n"
        said = time.monotonic()
        while True:
            events = self._journal.after(cursor)
            text = b"".join(_event(event) for event in events if view.shows(event))
            # Of others there may be much to tell, and of this view nothing.
            if text or time.monotonic() - said >= ALIVE_SECONDS:
                yield text or b"event: alive\ndata:\n\n"
                said = time.monotonic()
            if events:
                cursor = events[-1].id
            else:
                self._journal.wait(cursor, max(0.0, said + ALIVE_SECONDS - time.monotonic()))

    def _view(self, grant: Grant) -> _View:
        if grant.endpoints is None:
            return _View(None)
        owned = (self._hub.subscription(token) for token in grant.endpoints)
        user_agents = frozenset(one.user_agent_id for one in owned if one)
        return _View(grant.endpoints, user_agents, grant.since)

    # -- the whole

    def _reset(self, _request: Request, grant: Grant) -> Response:
        """End every subscription, drop what is held, switch off every fault. A run may not."""
        if grant.endpoints is not None:
            raise _NotAllowedError
        # In this order: a fault that is switched off lets go of what it held.
        self._hub.unsubscribe_all("the lab was reset")
        self._faults.clear()
        return _json(200, {"cursor": self._journal.cursor})

    # -- subscriptions

    def _get_subscriptions(self, _request: Request, grant: Grant) -> Response:
        live = [one for one in self._hub.live_subscriptions() if _allows(grant, one.token)]
        return _json(200, {"subscriptions": [self._shown(one) for one in live]})

    def _shown(self, subscription: Subscription) -> dict[str, Any]:
        return {
            "token": subscription.token,
            "browser": BROWSERS[subscription.kind],
            "user_agent": subscription.user_agent_id,
            "created_at": subscription.created_at,
            "connected": self._hub.is_connected(subscription.user_agent_id),
            "held": self._hub.count_held(subscription),
        }

    def _subscribe(self, request: Request, grant: Grant) -> Response:
        """A lab device for the run; its former one ends."""
        try:
            made = self._devices.subscribe(grant, _key(_wish(request)))
        except ValueError as error:
            raise _BadWishError(str(error)) from error
        return _json(201, {"endpoint": self._endpoint_of(made.token), "token": made.token})

    def _receive(self, request: Request, grant: Grant) -> Response:
        """What is held for a lab device, handed over."""
        received = self._devices.receive(self._subscription(request, grant))
        return _json(200, {"messages": [_message(message) for message in received]})

    def _acknowledge(self, request: Request, grant: Grant) -> Response:
        """The lab device has these messages."""
        self._devices.acknowledge(self._subscription(request, grant), _ids(_wish(request)))
        return Response(204)

    def _expire(self, request: Request, grant: Grant) -> Response:
        """End a subscription as a vendor does: the sender gets 410, the browser hears nothing."""
        subscription = self._subscription(request, grant)
        self._hub.end_subscription(subscription.token, "expired in the lab")
        return _json(200, {"token": subscription.token})

    def _close(self, request: Request, grant: Grant) -> Response:
        """End the connection of the subscription's browser."""
        subscription = self._subscription(request, grant)
        code, reason = _close_code(_wish(request))
        closed = self._hub.close_connection(subscription.user_agent_id, code, reason)
        return _json(200, {"closed": closed, "code": code})

    def _subscription(self, request: Request, grant: Grant) -> Subscription:
        token = request.segment
        found = self._hub.subscription(token) if _allows(grant, token) else None
        if found is None:
            raise _BadWishError("there is no subscription with this token")
        return found

    # -- faults

    def _get_faults(self, _request: Request, grant: Grant) -> Response:
        return _json(200, {"faults": [self._state(grant, name) for name in NAMES]})

    def _get_fault(self, request: Request, grant: Grant) -> Response:
        return _json(200, self._state(grant, _known(request.segment)))

    def _put_fault(self, request: Request, grant: Grant) -> Response:
        fault = fault_from_json(_known(request.segment), _wish(request), grant.endpoints)
        self._faults.arm(grant.run, fault)
        return _json(200, self._state(grant, fault.name))

    def _delete_fault(self, request: Request, grant: Grant) -> Response:
        self._faults.disarm(grant.run, _known(request.segment))
        return Response(204)

    def _state(self, grant: Grant, name: str) -> dict[str, Any]:
        fault = self._faults.armed(grant.run, name)
        return {"name": name, "armed": fault is not None} | (fault.as_json() if fault else {})


def _known(name: str) -> str:
    if name not in NAMES:
        raise BadFaultError(f"there is no fault {name[:40]!r}; there are {', '.join(NAMES)}")
    return name


def _allows(grant: Grant, token: str) -> bool:
    return grant.endpoints is None or token in grant.endpoints


def _wish(request: Request) -> Any:
    try:
        return json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise _BadWishError("the body is not JSON") from error


def _key(wish: Any) -> str:
    if not isinstance(wish, dict) or not isinstance(wish.get("key"), str) or len(wish) > 1:
        raise _BadWishError('the body must be a JSON object like {"key": "BA1H…"}')
    return str(wish["key"])


def _ids(wish: Any) -> list[str]:
    ids = wish.get("ids") if isinstance(wish, dict) and len(wish) == 1 else None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise _BadWishError('the body must be a JSON object like {"ids": ["m_1"]}')
    return ids[:BATCH]


def _message(message: Message) -> dict[str, Any]:
    """As whoever holds the receiver's keys needs it, and nobody else can use it."""
    draft = message.draft
    return {
        "id": message.id,
        "accepted_at": message.accepted_at,
        "ttl": draft.ttl,
        "urgency": draft.urgency,
        "topic": draft.topic,
        "encoding": draft.encoding,
        "body": base64url.encode(draft.body),
    }


def _close_code(wish: Any) -> tuple[int, str]:
    """Code and reason; 1001, "going away", without a wish."""
    if not isinstance(wish, dict) or set(wish) - {"code", "reason"}:
        raise _BadWishError('the body must be a JSON object like {"code": 4774, "reason": ""}')
    code, reason = wish.get("code", 1001), wish.get("reason", "")
    if type(code) is not int or code not in CLOSE_CODES:
        raise _BadWishError("'code' must be one that may be sent: 1000-1003, 1007-1014, 3000-4999")
    printable = isinstance(reason, str) and (not reason or reason.isprintable())
    if not printable or len(reason.encode()) > MAX_REASON:
        raise _BadWishError(f"'reason' must be a text of at most {MAX_REASON} bytes")
    return code, reason


def _cursor(request: Request) -> int:
    """Where to go on: a reconnecting EventSource says it in a header."""
    text = request.header("last-event-id") or request.parameter("after") or "0"
    digits = text.isascii() and text.isdigit() and len(text) <= MAX_CURSOR_DIGITS
    return int(text) if digits else 0


def _event(event: Event) -> bytes:
    return f"id: {event.id}\ndata: {json.dumps(event.as_json())}\n\n".encode()


def _json(status: int, content: dict[str, Any]) -> Response:
    return Response(status, json.dumps(content).encode(), [("Content-Type", JSON)])
