"""RFC 8030 for application servers: accept a message, cancel it. Handlers for http_face's router.

Every answer is open to pages of all origins (CORS): whoever knows an endpoint may send to it.
"""

import logging
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from push_service.faults import Faults
from push_service.hub import Hub, SubscriptionEndedError
from push_service.model import GOOGLE_HOSTS, Message, Subscription
from push_service.web import Request, Response, Router, refused
from push_service.wire import errors
from push_service.wire.errors import Refusal
from push_service.wire.headers import MAX_BODY, read_draft
from push_service.wire.vapid import Claims, Verifier

log = logging.getLogger(__name__)

# Ours, and the vendors' own paths: Chromium's endpoints are made of a host and path of Google's.
PATHS = ("/push/", "/fcm/send/", "/wp/", "/preprod/wp/", "/wpush/v2/")

# Senders sign for the origin that the browser published.
GOOGLE = tuple(f"https://{host}" for host in GOOGLE_HOSTS)

RETRY_SECONDS = 120
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
    """`public_url` begins the URLs that are given out; `origins` are those of our own ports."""

    def __init__(
        self,
        hub: Hub,
        faults: Faults,
        *,
        public_url: str,
        origins: Sequence[str],
        max_body: int = MAX_BODY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hub = hub
        self._faults = faults
        self._public_url = public_url.rstrip("/")
        self._own_audiences = tuple(dict.fromkeys([_origin(public_url), *origins]))
        self._max_body = max_body
        self._clock = clock
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

    def post(self, request: Request) -> Response:
        """Request delivery of a message (RFC 8030 §5)."""
        token = request.segment
        subscription = self._hub.subscription(token)
        try:
            message = self._accept(token, subscription, request)
        except Refusal as refusal:
            return self._refuse(token, subscription, refusal)
        location = f"{self._public_url}/message/{message.id}"
        headers = ("Location", location), ("TTL", str(message.draft.ttl)), *_EXPOSED
        return Response(201, b"", headers)

    def delete(self, request: Request) -> Response:
        """Take a message back that no browser has acknowledged yet."""
        if not self._hub.cancel(request.segment):
            return refused(Refusal(errors.NO_MESSAGE), _EXPOSED)
        return Response(204, b"", _CORS)

    def preflight(self, _request: Request) -> Response:
        return Response(204, b"", _PREFLIGHT)

    def _accept(self, token: str, subscription: Subscription | None, request: Request) -> Message:
        if fault := self._faults.refusal(token):
            raise _Injected(fault.status, fault.retry_after)
        if subscription is None:
            raise Refusal(errors.NO_ENDPOINT)
        if subscription.ended:
            raise Refusal(errors.ENDED)
        draft = read_draft(request.headers, request.body, self._max_body)
        claims = self._authenticate(subscription, request)
        try:
            return self._hub.accept(subscription, draft, claims.as_json() if claims else None)
        except SubscriptionEndedError as error:
            raise Refusal(errors.ENDED) from error

    def _authenticate(self, subscription: Subscription, request: Request) -> Claims | None:
        if subscription.key is None:
            return None  # whoever knows the endpoint may send
        return self._verifier.verify(
            request.header("authorization"),
            request.header("crypto-key"),
            key=subscription.key,
            audiences=self._audiences(subscription),
            now=self._clock(),
        )

    def _audiences(self, subscription: Subscription) -> Sequence[str]:
        if subscription.kind == "mcs":
            return *GOOGLE, *self._own_audiences
        return self._own_audiences

    def _refuse(self, token: str, subscription: Subscription | None, refusal: Refusal) -> Response:
        error = refusal.error
        agent_id = subscription.user_agent_id if subscription else None
        detail = {"status": error.status, "errno": error.errno, "why": refusal.why}
        detail["injected"] = isinstance(refusal, _Injected)
        self._hub.reporter.refused(token[:TOKEN_SHOWN], agent_id, step=error.step, detail=detail)
        log.info("refused a message: %d %s", error.status, refusal.why)
        headers = dict(_STATUS_HEADERS.get(error.status, ()))
        if isinstance(refusal, _Injected) and refusal.retry_after is not None:
            headers["Retry-After"] = str(refusal.retry_after)
        return refused(refusal, (*headers.items(), *_EXPOSED))


class _Injected(Refusal):
    """The fault `accept` is on."""

    def __init__(self, status: int, retry_after: int | None) -> None:
        self.retry_after = retry_after
        super().__init__(errors.of_status(status))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
