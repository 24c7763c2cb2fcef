"""What a view of the API takes and who may call it: said beside the view, used by it, and read back
by `openapi`. What a view answers is its return annotation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from flask import request
from pydantic import BaseModel, Field

from app.errors import InvalidInput

View = TypeVar("View", bound=Callable[..., Any])

#: `program` is a visitor too, or somebody with a token; `lab-user` whoever is signed in at the
#: laboratory, or holds its secret; `operator` a visitor whom the settings name.
Caller = Literal["visitor", "program", "anybody", "lab-user", "lab-secret", "operator"]

#: What views answer without a body.
NoContent = tuple[Literal[""], Literal[204]]
#: RFC 3339, in UTC.
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


@dataclass(frozen=True, slots=True)
class Number:
    """A query parameter: a whole number from 0 to `most`."""

    name: str
    default: int
    most: int
    meaning: str

    def read(self) -> int:
        """The request's value; raises InvalidInput."""
        text = request.args.get(self.name, str(self.default))
        digits = text.isascii() and text.isdigit() and len(text) <= len(str(self.most))
        if not digits or int(text) > self.most:
            raise InvalidInput.field(self.name, f"Use a whole number from 0 to {self.most}.")
        return int(text)


@dataclass(frozen=True, slots=True)
class Header:
    """An optional request header of 1 to `longest` visible characters."""

    name: str
    longest: int
    meaning: str

    def read(self) -> str | None:
        """The request's value; raises InvalidInput."""
        text = request.headers.get(self.name)
        if text is not None and not (1 <= len(text) <= self.longest and text.isprintable()):
            raise InvalidInput.field(self.name, f"Use 1 to {self.longest} visible characters.")
        return text


@dataclass(frozen=True, slots=True)
class Description:
    """`bodies`: shapes of the JSON body, one of which it must have; none when there is no body."""

    bodies: tuple[type[BaseModel], ...] = ()
    query: tuple[Number, ...] = ()
    headers: tuple[Header, ...] = ()
    caller: Caller = "visitor"


_DESCRIPTIONS: dict[Callable[..., Any], Description] = {}


def takes(
    *bodies: type[BaseModel],
    query: tuple[Number, ...] = (),
    headers: tuple[Header, ...] = (),
    caller: Caller = "visitor",
) -> Callable[[View], View]:
    """Describe a view; stands between the route and the function."""

    def describe(view: View) -> View:
        _DESCRIPTIONS[view] = Description(bodies, query, headers, caller)
        return view

    return describe


def description_of(view: Callable[..., Any]) -> Description:
    """What was said of a view; of one without a word: a visitor calls it, without a body."""
    return _DESCRIPTIONS.get(view, Description())
