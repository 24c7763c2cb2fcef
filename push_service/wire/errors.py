"""Every refusal of the push service: status, errno, sentence. The catalogue, and nothing else.

The wire parsers, the hub and the push API raise `Refusal`; `wire.dialects` renders it as one of the
vendors would. Status and errno here are those of Mozilla's push service.
"""

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Error:
    """One line of the catalogue. `step` is where in the ten-step workflow it belongs: 8, the
    request was built wrongly; 9, the push service does not let it in."""

    status: int
    errno: int
    sentence: str
    step: int = 9


NO_ENDPOINT = Error(
    404, 102, "No subscription has this endpoint. Remove it, and subscribe again in the browser."
)
ENDED = Error(
    410, 106, "This subscription has ended. Remove the endpoint, and do not send to it again."
)
NO_MESSAGE = Error(404, 102, "There is no such message: delivered, expired, cancelled, or unknown.")
TOO_LARGE = Error(413, 104, "The body is too large.", 8)
UNAUTHORIZED = Error(401, 109, "The VAPID signature is missing or wrong.")
AUTHORIZATION_MISSING = Error(
    401, 109, "The Authorization header is missing: 'vapid t=<JWT>,k=<public key>'."
)
BAD_AUTHORIZATION = Error(
    401, 109, "The Authorization header must be 'vapid t=<JWT>,k=<public key>'."
)
BAD_PUBLIC_KEY = Error(401, 109, "The public key in the Authorization is no key.")
BAD_JWT = Error(401, 109, "The JWT is malformed, or its signature is wrong.")
EXPIRED_JWT = Error(401, 109, "The JWT has expired: 'exp' is in the past. Sign a new one.")
LONG_JWT = Error(401, 109, "The JWT's 'exp' is more than 24 hours ahead.")
BAD_AUDIENCE = Error(401, 109, "The JWT's 'aud' must be the origin of the endpoint.")
BAD_SUBJECT = Error(
    401, 109, "The JWT's 'sub' must be a mailto: or https: URL that names a public host."
)
OTHER_KEY = Error(
    401,
    109,
    "The JWT is signed by another key than the one the browser subscribed with. Sign with that "
    "key, or subscribe again with the new one.",
)
KEYS_MISSING = Error(400, 101, "Encryption keys are missing from the headers.", 8)
BAD_ENCRYPTION = Error(400, 110, "The encryption headers are wrong.", 8)
TTL_MISSING = Error(
    400, 111, "The TTL header is missing. Say for how many seconds to hold the message.", 8
)
BAD_TTL = Error(400, 112, "The TTL header must be a whole number of seconds, 0 or more.", 8)
BAD_TOPIC = Error(
    400, 113, "The Topic header must be 1 to 32 characters from A-Z, a-z, 0-9, '-' and '_'.", 8
)
BAD_URGENCY = Error(
    400, 115, "The Urgency header must be one of very-low, low, normal, high, and come once.", 8
)
BAD_REQUEST = Error(400, 100, "This is not a request that the push service understands.", 8)
BAD_METHOD = Error(405, 100, "The push service does not answer this method here.", 8)
NOT_FOUND = Error(404, 100, "There is nothing here.", 8)
TOO_SLOW = Error(408, 100, "The request took too long to arrive.", 8)
HEAD_TOO_LARGE = Error(431, 100, "The request's head is too large.", 8)
BACK_OFF = Error(503, 201, "The push service is unavailable. Try again after Retry-After.")
OVERLOADED = Error(429, 201, "Too many requests. Try again after Retry-After.")
TOO_MANY_HELD = Error(
    429, 201, "Too much is held for this device already. Try again once it has been online."
)
STORE_FULL = Error(503, 201, "The push service can hold no more messages at present.")
BROKEN = Error(500, 999, "The push service failed. That is its own fault, not the sender's.")

BY_STATUS = {
    400: BAD_REQUEST,
    401: UNAUTHORIZED,
    404: NO_ENDPOINT,
    410: ENDED,
    413: TOO_LARGE,
    429: OVERLOADED,
    500: BROKEN,
    503: BACK_OFF,
}


def of_status(status: int) -> Error:
    """The catalogue's error of a status; what it lacks is made up, without a number of its own."""
    return BY_STATUS.get(status) or Error(status, 999, HTTPStatus(status).description)


class Refusal(Exception):
    """Somebody asked for what they do not get.

    `why` adds what is wrong in this very case, `retry_after` is in seconds.
    """

    def __init__(self, error: Error, why: str = "", retry_after: int | None = None) -> None:
        self.error = error
        self.why = why or error.sentence
        self.retry_after = retry_after
        super().__init__(self.why)
