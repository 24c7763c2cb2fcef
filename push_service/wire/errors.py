"""Every refusal of the push service: status, errno, sentence; and the body that carries it.

The wire parsers and the push API raise `Refusal`; the push API alone renders it. The numbers are
those of Mozilla's push service, whose dialect this is.
"""

import json
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
    """Somebody asked for what they do not get. `why` adds what is wrong in this very case."""

    def __init__(self, error: Error, why: str = "") -> None:
        self.error = error
        self.why = why or error.sentence
        super().__init__(self.why)


def mozilla_body(refusal: Refusal) -> bytes:
    """The JSON of Mozilla's dialect: code, errno, error, message."""
    error = refusal.error
    return json.dumps(
        {
            "code": error.status,
            "errno": error.errno,
            "error": HTTPStatus(error.status).phrase,
            "message": refusal.why,
        }
    ).encode()
