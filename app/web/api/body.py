"""Request bodies: bytes in, a validated value out, or a problem that names the field."""

import re
import unicodedata
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from app import clock
from app.errors import FieldError, InvalidInput, MalformedRequest, UnsupportedMedia

B = TypeVar("B", bound="Body")

MINUTE, FARTHEST = 60.0, 366 * 86400.0

#: How pydantic speaks of the length of a text whose characters were looked at first.
LENGTH = re.compile(r"Value should have (at (?:least|most) \d+) items? after validation, not \d+")

#: Control characters but tab and line ends: no text needs them and PostgreSQL refuses NUL.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _no_control_characters(value: str) -> str:
    if CONTROL.search(value):
        raise ValueError("must not contain control characters")
    return value


#: What Unicode calls a letter or a symbol, and yet nobody sees: fillers and the empty Braille cell.
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
#: Control, format (also of direction), surrogates, combining marks, separators.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})


def _something_to_see(value: str) -> str:
    if value and all(char in BLANKS or unicodedata.category(char) in UNSEEN for char in value):
        raise ValueError("Use at least one character that can be seen.")
    return value


Text = Annotated[str, AfterValidator(_no_control_characters)]
#: A text that is more than blanks and invisible characters.
Visible = Annotated[Text, AfterValidator(_something_to_see)]


def _moment(text: str) -> str:
    try:
        at = clock.parse_iso(text)
    except (ValueError, OverflowError):
        raise ValueError("Use a time such as 2027-01-31T08:00:00Z.") from None
    if not -MINUTE < at - clock.now() < FARTHEST:
        raise ValueError("Use a time in the future, within a year.")
    return text


#: A time to come, as RFC 3339 text with its zone. One that is just over counts as now.
Moment = Annotated[
    str, Field(max_length=40, json_schema_extra={"format": "date-time"}), AfterValidator(_moment)
]


class Body(BaseModel):
    """Base of all request bodies. Unknown fields are refused: they are mostly typing errors. So are
    other types than the named ones: `"5"` and `true` are no numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def read(shape: type[B]) -> B:
    """The request's JSON body as `shape`.

    Raises UnsupportedMedia, MalformedRequest (not JSON) or InvalidInput (names each field)."""
    return check(shape, read_json())


def read_json() -> Any:
    """The request's JSON body, not checked yet. Raises UnsupportedMedia, MalformedRequest."""
    if request.mimetype != "application/json":
        raise UnsupportedMedia()
    try:
        return from_json(request.get_data(), allow_inf_nan=False)
    except ValueError as error:
        raise MalformedRequest(f"Not JSON: {error}.") from None


def check(shape: type[B], value: Any) -> B:
    """`value` as `shape`; raises InvalidInput."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise _problem(error) from None


def _problem(error: ValidationError) -> InvalidInput:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return InvalidInput(
        "Mend the fields that are named and send it again.",
        [FieldError(_path(item["loc"]), _reason(item["msg"])) for item in found[:20]],
    )


def _path(location: tuple[Any, ...]) -> str:
    """`notifications.3.title`; the whole body is `body`. Long names are cut: they are input."""
    return ".".join(str(part)[:60] for part in location) or "body"


def _reason(message: str) -> str:
    return LENGTH.sub(r"Use \1 characters.", message.removeprefix("Value error, "))
