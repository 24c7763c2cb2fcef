"""The vendors' ways to say no: which status and which body a refusal gets. Used by web.

Each dialect is one table. Where its vendor's words are known (docs/push-service.md says from where)
they stand in the table; what is not in it gets the catalogue's status and sentence.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from push_service.wire import errors
from push_service.wire.errors import Error, Refusal

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
DAY = 86400

Table = Mapping[Error, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A refusal as it goes out."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one vendor's push service behaves towards application servers.

    `max_ttl` is for how many seconds it holds a message at most; `strict`: JWTs, topics and
    encodings are judged as Apple does.
    """

    name: str
    render: Callable[[Refusal], Rendered]
    max_ttl: int = 30 * DAY
    strict: bool = False


def _mozilla(refusal: Refusal) -> Rendered:
    error = refusal.error
    body = {
        "code": error.status,
        "errno": error.errno,
        "error": HTTPStatus(error.status).phrase,
        "message": refusal.why,
    }
    return Rendered(error.status, JSON, json.dumps(body).encode())


_FCM_WHERE = (
    "A valid push subscription endpoint should be specified in the URL as such: "
    "https://fcm.googleapis.com/wp/"
)
_FCM_FORMAT = (
    "authorization header had invalid format. authorization header should have the following "
    "format: t=jwtToken; k=base64(publicApplicationServerKey)"
)
_FCM_AUDIENCE = "aud claim in the token MUST include the origin of the push resource URL"
_FCM_LONG = "exp claim MUST NOT be more than 24 hours from the time of the request"
_FCM_OTHER_KEY = (
    "the VAPID credentials in the authorization header do not correspond to the credentials used "
    "to create the subscriptions."
)
_FCM: Table = {
    errors.NO_ENDPOINT: (404, _FCM_WHERE),
    errors.ENDED: (410, "push subscription has unsubscribed or expired."),
    errors.AUTHORIZATION_MISSING: (401, "authorization header must be specified."),
    errors.BAD_AUTHORIZATION: (403, _FCM_FORMAT),
    errors.BAD_PUBLIC_KEY: (403, "VAPID public key must be on the P-256 curve"),
    errors.BAD_JWT: (403, "invalid JWT provided"),
    errors.BAD_AUDIENCE: (403, _FCM_AUDIENCE),
    errors.EXPIRED_JWT: (403, "token has expired"),
    errors.LONG_JWT: (403, _FCM_LONG),
    errors.OTHER_KEY: (403, _FCM_OTHER_KEY),
    errors.TTL_MISSING: (400, "InvalidTtlParameter"),
    errors.BAD_TTL: (400, "InvalidTtlParameter"),
}


def _fcm(refusal: Refusal) -> Rendered:
    status, text = _FCM.get(refusal.error, (refusal.error.status, refusal.why))
    return Rendered(status, TEXT, f"{text}\n".encode())


_BAD_JWT = (403, "BadJwtToken")
_APPLE: Table = {
    errors.NO_ENDPOINT: (404, "BadPath"),
    errors.NO_MESSAGE: (404, "BadPath"),
    errors.ENDED: (410, "Unregistered"),
    errors.BAD_METHOD: (405, "MethodNotAllowed"),
    errors.TOO_LARGE: (413, "PayloadTooLarge"),
    errors.UNAUTHORIZED: _BAD_JWT,
    errors.AUTHORIZATION_MISSING: _BAD_JWT,
    errors.BAD_AUTHORIZATION: (403, "BadAuthorizationHeader"),
    errors.BAD_PUBLIC_KEY: (403, "BadVapidPublicKey"),
    errors.BAD_JWT: _BAD_JWT,
    errors.EXPIRED_JWT: _BAD_JWT,
    errors.LONG_JWT: _BAD_JWT,
    errors.BAD_AUDIENCE: _BAD_JWT,
    errors.BAD_SUBJECT: _BAD_JWT,
    errors.OTHER_KEY: (400, "VapidPkHashMismatch"),
    errors.TTL_MISSING: (400, "BadTtl"),
    errors.BAD_TTL: (400, "BadTtl"),
    errors.BAD_TOPIC: (400, "BadWebPushTopic"),
    errors.BAD_URGENCY: (400, "BadUrgency"),
    errors.OVERLOADED: (429, "TooManyRequests"),
    errors.TOO_MANY_HELD: (429, "TooManyRequests"),
    errors.BROKEN: (500, "InternalServerError"),
    errors.BACK_OFF: (503, "ServiceUnavailable"),
    errors.STORE_FULL: (503, "ServiceUnavailable"),
}


def _apple(refusal: Refusal) -> Rendered:
    status, reason = _APPLE.get(refusal.error, (refusal.error.status, "BadWebPushRequest"))
    return Rendered(status, JSON, json.dumps({"reason": reason}).encode())


MOZILLA = Dialect("mozilla", _mozilla)
FCM = Dialect("fcm", _fcm, max_ttl=28 * DAY)
APPLE = Dialect("apple", _apple, strict=True)
DIALECTS = {dialect.name: dialect for dialect in (MOZILLA, FCM, APPLE)}
