"""RFC 8030 for application servers: accept a message, cancel it. Handlers for http_face's router.

Every answer is open to pages of all origins (CORS): whoever knows an endpoint may send to it.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from push_service.evidence import shown_body, shown_headers
from push_service.faults import Faults
from push_service.hub import Hub, SubscriptionEndedError
from push_service.limits import Limits, Rate
from push_service.model import (
    GOOGLE_HOSTS,
    Draft,
    FullError,
    Message,
    StoreUnavailableError,
    Subscription,
)
from push_service.web import Answer, Request, Response, Router, Takeover, refused
from push_service.wire import errors
from push_service.wire.dialects import MOZILLA, Dialect
from push_service.wire.errors import Refusal
from push_service.wire.headers import read_draft
from push_service.wire.vapid import Claims, Verifier

log = logging.getLogger(__name__)

# Ours, and the vendors' own paths: Chromium's endpoints are made of a host and path of Google's.
PATHS = ("/push/", "/fcm/send/", "/wp/", "/preprod/wp/", "/wpush/v2/")

# Senders sign for the origin that the browser published.
GOOGLE = tuple(f"https://{host}" for host in GOOGLE_HOSTS)

RETRY_SECONDS = 120
UNAVAILABLE_SECONDS = 5
TOKEN_SHOWN = 64

_REQUEST_HEADERS = (
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Crypto-Key",
    "Encryption",
    "Prefer",
    "TTL",
    "Topic",
    "Urgency",
)
_CORS = (("Access-Control-Allow-Origin", "*"),)
_EXPOSED = (
    *_CORS,
    ("Access-Control-Expose-Headers", "Location, TTL, Retry-After, WWW-Authenticate"),
)
_PREFLIGHT = (
    *_CORS,
    ("Access-Control-Allow-Methods", "POST, DELETE"),
    ("Access-Control-Allow-Headers", ", ".join(_REQUEST_HEADERS)),
    ("Access-Control-Max-Age", "86400"),
)
_STATUS_HEADERS = {
    401: (("WWW-Authenticate", "vapid"),),
    410: (("Cache-Control", "max-age=86400"),),
    429: (("Retry-After", str(RETRY_SECONDS)),),
    503: (("Retry-After", str(RETRY_SECONDS)),),
}


class PushApi:
    """`public_url` begins the URLs that are given out; `origins` are those of our own ports;
    `dialect` says how refusals sound."""

    def __init__(
        self,
        hub: Hub,
        faults: Faults,
        *,
        public_url: str,
        origins: Sequence[str],
        limits: Limits | None = None,
        dialect: Dialect = MOZILLA,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._hub = hub
        self._faults = faults
        self._public_url = public_url.rstrip("/")
        self._own_audiences = tuple(dict.fromkeys([_origin(public_url), *origins]))
        self._limits = limits or Limits()
        self._dialect = dialect
        self._clock = clock
        self._sleep = sleep
        self._subscription_rate = Rate(self._limits.subscription_rate, clock)
        self._sender_rate = Rate(self._limits.sender_rate, clock)
        self._verifier = Verifier()

    def add_to(self, router: Router) -> None:
        for path in PATHS:
            router.add("POST", f"{path}<token>", self.post)
            router.add("OPTIONS", f"{path}<token>", self.preflight)
        router.add("DELETE", "/message/<message_id>", self.delete)
        router.add("OPTIONS", "/message/<message_id>", self.preflight)

    def endpoint_of(self, token: str) -> str:
        """The URL that Firefox publishes for a subscription."""
        return f"{self._public_url}/wpush/v2/{token}"

    def post(self, request: Request) -> Answer:
        """Request delivery of a message (RFC 8030 §5)."""
        token = request.segment
        if fault := self._faults.take("drop", token):
            return self._drop(request, stored=fault.stored)
        answer = self._answer(token, request)
        if fault := self._faults.take("delay", token):
            self._sleep(fault.seconds)
        return answer

    def _drop(self, request: Request, *, stored: bool) -> Takeover:
        """Hang up without a word: the sender cannot know whether the message was stored."""
        if stored:
            self._answer(request.segment, request)
        self._hub.reporter.dropped(request.segment[:TOKEN_SHOWN], stored=stored)
        return Takeover(lambda socket, _leftover: socket.close())

    def _answer(self, token: str, request: Request) -> Response:
        subscription = self._hub.subscription(token)
        try:
            message = self._accept(token, subscription, request)
        except Refusal as refusal:
            return self._refuse(token, subscription, refusal, request)
        location = f"{self._public_url}/message/{message.id}"
        headers = ("Location", location), ("TTL", str(message.draft.ttl)), *_EXPOSED
        return Response(201, b"", headers)

    def delete(self, request: Request) -> Response:
        """Take a message back that no browser has acknowledged yet."""
        if not self._hub.cancel(request.segment):
            return refused(Refusal(errors.NO_MESSAGE), _EXPOSED, self._dialect)
        return Response(204, b"", _CORS)

    def preflight(self, _request: Request) -> Response:
        return Response(204, b"", _PREFLIGHT)

    def _accept(self, token: str, subscription: Subscription | None, request: Request) -> Message:
        if fault := self._faults.take("accept", token):
            raise _Injected(fault.status, fault.retry_after)
        if subscription is None:
            raise Refusal(errors.NO_ENDPOINT)
        if subscription.ended:
            raise Refusal(errors.ENDED)
        draft = read_draft(
            request.headers,
            request.body,
            self._limits.max_body,
            self._dialect.max_ttl,
            strict=self._dialect.strict,
        )
        claims = self._authenticate(subscription, request)
        self._check_rate(subscription)
        return self._store(subscription, draft, claims, self._evidence(request)["headers"])

    def _store(
        self,
        subscription: Subscription,
        draft: Draft,
        claims: Claims | None,
        headers: Mapping[str, str],
    ) -> Message:
        shown = claims.as_json() if claims else None
        try:
            return self._hub.accept(subscription, draft, shown, headers)
        except SubscriptionEndedError as error:
            raise Refusal(errors.ENDED) from error
        except FullError as error:
            full = errors.STORE_FULL if error.everywhere else errors.TOO_MANY_HELD
            raise Refusal(full, str(error)) from error
        except StoreUnavailableError as error:
            raise Refusal(errors.BACK_OFF, retry_after=UNAVAILABLE_SECONDS) from error

    def _check_rate(self, subscription: Subscription) -> None:
        """Only what is rightly signed counts: nobody uses up what belongs to somebody else."""
        sender = (subscription.key or b"").hex()
        wait = self._subscription_rate.take(subscription.token)
        wait = wait or (self._sender_rate.take(sender) if sender else 0.0)
        if wait:
            raise Refusal(errors.OVERLOADED, retry_after=math.ceil(wait))

    def _authenticate(self, subscription: Subscription, request: Request) -> Claims | None:
        if subscription.key is None:
            return None  # whoever knows the endpoint may send
        return self._verifier.verify(
            request.header("authorization"),
            request.header("crypto-key"),
            key=subscription.key,
            audiences=self._audiences(subscription),
            now=self._clock(),
            strict=self._dialect.strict,
        )

    def _audiences(self, subscription: Subscription) -> Sequence[str]:
        if subscription.kind == "mcs":
            return *GOOGLE, *self._own_audiences
        return self._own_audiences

    def _refuse(
        self, token: str, subscription: Subscription | None, refusal: Refusal, request: Request
    ) -> Response:
        answer = refused(refusal, _EXPOSED, self._dialect)
        injected = refusal.status if isinstance(refusal, _Injected) else None
        status = injected or answer.status
        headers = dict(_STATUS_HEADERS.get(status, ()))
        if refusal.retry_after is not None:
            headers["Retry-After"] = str(refusal.retry_after)
        self._report(token, subscription, refusal, {"status": status} | self._evidence(request))
        return Response(status, answer.body, (*answer.headers, *headers.items()))

    def _evidence(self, request: Request) -> dict[str, Any]:
        """What the journal shows of a request."""
        if not self._hub.reporter.listens:
            return {"headers": {}, "ciphertext": None}
        body = shown_body(request, self._limits.max_body)
        return {"headers": shown_headers(request), "ciphertext": body}

    def _report(
        self,
        token: str,
        subscription: Subscription | None,
        refusal: Refusal,
        received: Mapping[str, Any],
    ) -> None:
        error = refusal.error
        agent_id = subscription.user_agent_id if subscription else None
        detail = {**received, "errno": error.errno, "why": refusal.why}
        detail["injected"] = isinstance(refusal, _Injected)
        self._hub.reporter.refused(token[:TOKEN_SHOWN], agent_id, step=error.step, detail=detail)
        log.info("refused a message: %d %s", detail["status"], refusal.why)


class _Injected(Refusal):
    """The fault `accept` is on: the status that it says, whatever the dialect."""

    def __init__(self, status: int, retry_after: int | None) -> None:
        self.status = status
        super().__init__(errors.of_status(status), retry_after=retry_after)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
