"""The journal and the faults over HTTP, for learners and tests. Mounted only with `--lab`.

`GET /lab/journal` is a stream of server-sent events, or with `Accept: application/json` a page of
them; `?after=<cursor>` goes on from there. `GET /lab/faults`, and `GET`, `PUT`, `DELETE
/lab/faults/<name>`. All of it needs the lab secret or a run token, which shows and breaks only what
concerns the endpoints that it names. `POST /lab/reset` needs the secret.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from push_service.faults import NAMES, BadFaultError, Faults, fault_from_json
from push_service.hub import Hub
from push_service.journal import Event, Journal
from push_service.web import Request, Response, Router
from push_service.wire import run_token
from push_service.wire.dialects import JSON
from push_service.wire.run_token import Grant

ALIVE_SECONDS = 15.0
MAX_CURSOR_DIGITS = 18


@dataclass(frozen=True, slots=True)
class _View:
    """The part of the journal that a grant shows."""

    endpoints: frozenset[str] | None
    user_agents: frozenset[str] = frozenset()

    def shows(self, event: Event) -> bool:
        if self.endpoints is None:
            return True
        if event.token is not None:
            return event.token in self.endpoints
        return event.user_agent in self.user_agents


class _NotAllowedError(Exception):
    """There is no valid token with the request."""


class LabFace:
    """`origins` are those of the pages that may read us."""

    def __init__(
        self,
        hub: Hub,
        journal: Journal,
        faults: Faults,
        *,
        secret: str,
        origins: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hub = hub
        self._journal = journal
        self._faults = faults
        self._secret = secret
        self._origins = origins
        self._clock = clock

    def add_to(self, router: Router) -> None:
        routes: dict[str, dict[str, Callable[[Request, Grant], Response]]] = {
            "/lab/journal": {"GET": self._get_journal},
            "/lab/reset": {"POST": self._reset},
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
            except BadFaultError as error:
                response = _json(400, {"message": str(error)})
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
            ("Access-Control-Allow-Methods", "GET, PUT, DELETE"),
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
        while True:
            events = self._journal.after(cursor)
            if events:
                cursor = events[-1].id
                if text := b"".join(_event(event) for event in events if view.shows(event)):
                    yield text
            elif not self._journal.wait(cursor, ALIVE_SECONDS):
                yield b": still here\n\n"

    def _view(self, grant: Grant) -> _View:
        if grant.endpoints is None:
            return _View(None)
        owned = (self._hub.subscription(token) for token in grant.endpoints)
        return _View(grant.endpoints, frozenset(one.user_agent_id for one in owned if one))

    # -- the whole

    def _reset(self, _request: Request, grant: Grant) -> Response:
        """End every subscription, drop what is held, switch off every fault. A run may not."""
        if grant.endpoints is not None:
            raise _NotAllowedError
        # In this order: a fault that is switched off lets go of what it held.
        self._hub.unsubscribe_all("the lab was reset")
        self._faults.clear()
        return _json(200, {"cursor": self._journal.cursor})

    # -- faults

    def _get_faults(self, _request: Request, grant: Grant) -> Response:
        return _json(200, {"faults": [self._state(grant, name) for name in NAMES]})

    def _get_fault(self, request: Request, grant: Grant) -> Response:
        return _json(200, self._state(grant, _known(request.segment)))

    def _put_fault(self, request: Request, grant: Grant) -> Response:
        try:
            wish = json.loads(request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise BadFaultError("the body is not JSON") from error
        fault = fault_from_json(_known(request.segment), wish, grant.endpoints)
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


def _cursor(request: Request) -> int:
    """Where to go on: a reconnecting EventSource says it in a header."""
    text = request.header("last-event-id") or request.parameter("after") or "0"
    digits = text.isascii() and text.isdigit() and len(text) <= MAX_CURSOR_DIGITS
    return int(text) if digits else 0


def _event(event: Event) -> bytes:
    return f"id: {event.id}\ndata: {json.dumps(event.as_json())}\n\n".encode()


def _json(status: int, content: dict[str, Any]) -> Response:
    return Response(status, json.dumps(content).encode(), [("Content-Type", JSON)])
