"""The catalogue of what may go wrong: code, status, sentence. Every layer raises these;
`web.problems` renders them as RFC 9457 problem+json, `static/js/errors.js` mirrors the codes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of the input and what is wrong with it, as a sentence that says what to do."""

    field: str
    reason: str


class Problem(Exception):
    """An answer other than success. Subclasses are the catalogue."""

    status = 500
    code = "internal"
    title = "Something went wrong on our side"
    #: What the answer says besides, by name.
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str = "", errors: Iterable[FieldError] = ()) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)


class InvalidInput(Problem):
    status = 422
    code = "invalid-input"
    title = "Some of what was sent cannot be used"

    @classmethod
    def field(cls, name: str, reason: str) -> "InvalidInput":
        return cls(reason, [FieldError(name, reason)])


class MalformedRequest(Problem):
    status = 400
    code = "malformed-request"
    title = "The request body is not what this address reads"


class UnsupportedMedia(Problem):
    status = 415
    code = "unsupported-media-type"
    title = "Send JSON, with the header Content-Type: application/json"


class TooLarge(Problem):
    status = 413
    code = "too-large"
    title = "The request is larger than this address reads"


class SignedOut(Problem):
    status = 401
    code = "signed-out"
    title = "Sign in first"


class InvalidToken(Problem):
    status = 401
    code = "invalid-token"
    title = "This API token is not known, or was revoked"
    #: RFC 6750 section 3.1.
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class ForeignOrigin(Problem):
    status = 403
    code = "foreign-origin"
    title = "This request came from another site"


class OperatorsOnly(Problem):
    status = 403
    code = "operators-only"
    title = "This is for operators"


class OperatorToken(Problem):
    """For programs, which cannot sign in."""

    status = 401
    code = "operator-token"
    title = "This needs an operator's token"
    headers = {"WWW-Authenticate": "Bearer"}


class NotFound(Problem):
    status = 404
    code = "not-found"
    title = "There is nothing here"


class NameTaken(Problem):
    status = 409
    code = "name-taken"
    title = "That name is taken"


class NotAGuest(Problem):
    status = 409
    code = "not-a-guest"
    title = "This is an account already: sign out to make another one"


class WrongPassword(Problem):
    status = 401
    code = "wrong-password"
    title = "Name and password do not fit together"


class EndpointOfAnotherSession(Problem):
    status = 409
    code = "endpoint-of-another-session"
    title = "This endpoint belongs to another device: unsubscribe in the browser and subscribe anew"


class VapidKeyUnknown(Problem):
    status = 409
    code = "vapid-key-unknown"
    title = (
        "The subscription was made with a key that is not ours: subscribe anew with the current key"
    )


class IdempotencyConflict(Problem):
    status = 409
    code = "idempotency-conflict"
    title = "This Idempotency-Key was used before with other content"


class RateLimited(Problem):
    status = 429
    code = "rate-limited"
    title = "Too many requests: wait a moment"

    def __init__(self, retry_after: int) -> None:
        """Asked again after so many seconds, it passes."""
        super().__init__()
        self.headers = {"Retry-After": str(retry_after)}


class TryAgain(Problem):
    status = 503
    code = "try-again"
    title = "The service is busy: try again in a moment"
    headers = {"Retry-After": "1"}
