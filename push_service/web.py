"""Requests, answers, and which handler gets which: HTTP without a socket.

The faces add their handlers to a `Router`; http_face reads requests off its sockets and asks it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from push_service.model import StoreUnavailableError
from push_service.wire import errors
from push_service.wire.dialects import MOZILLA, Dialect
from push_service.wire.errors import Refusal
from push_service.wire.headers import Headers

RETRY = ("Retry-After", "5")  # the database is away, but seldom for long

MAX_PARAMETERS = 100

# Stands before the path in what a client tells a proxy; servers take it too (RFC 9112 §3.2.2).
_ORIGIN = re.compile(r"^https?://[^/?]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case; `raw_headers` is what the parser gave.

    `content` is None when more came than anybody here takes: whoever asks for `body` refuses it.
    """

    method: str
    target: str
    headers: Headers = field(default_factory=dict)
    content: bytes | None = b""
    raw_headers: Sequence[tuple[bytes, bytes]] = ()

    @property
    def path(self) -> str:
        return _ORIGIN.sub("", self.target).partition("?")[0]

    @property
    def segment(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def body(self) -> bytes:
        if self.content is None:
            raise Refusal(errors.TOO_LARGE)
        return self.content

    def header(self, name: str) -> str | None:
        """The first value of a header; `name` in lower case."""
        values = self.headers.get(name)
        return values[0] if values else None

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter; none of a query that has more than we read."""
        try:
            pairs = parse_qsl(self.target.partition("?")[2], max_num_fields=MAX_PARAMETERS)
        except ValueError:
            return None
        return next((value for key, value in pairs if key == name), None)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. With a `stream`, the body is what that yields, for as long as it does."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    stream: Iterator[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Takeover:
    """The handler wants the socket itself: called with it and the bytes read past the request."""

    serve: Callable[[Any, bytes], None]


Answer = Response | Takeover
Handler = Callable[[Request], Answer]


class Router:
    """Paths are exact, or end in one free segment: `/push/<token>`."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, Handler]] = {}
        self._free: dict[str, dict[str, Handler]] = {}

    def add(self, method: str, path: str, handler: Handler) -> None:
        prefix, free, _ = path.partition("<")
        (self._free if free else self._exact).setdefault(prefix, {})[method] = handler

    def answer(self, request: Request) -> Answer:
        """The handler's answer, or the refusal that says why there is none."""
        methods = self._methods(request.path)
        if methods is None:
            return refused(Refusal(errors.NOT_FOUND))
        handler = methods.get(request.method)
        if handler is None:
            return refused(Refusal(errors.BAD_METHOD), [("Allow", ", ".join(methods))])
        try:
            return handler(request)
        except Refusal as refusal:
            return refused(refusal)
        except StoreUnavailableError as error:
            return refused(Refusal(errors.BACK_OFF, str(error)), [RETRY])

    def _methods(self, path: str) -> dict[str, Handler] | None:
        prefix = path[: path.rfind("/") + 1]
        return self._exact.get(path) or self._free.get(prefix)


def refused(
    refusal: Refusal, headers: Sequence[tuple[str, str]] = (), dialect: Dialect = MOZILLA
) -> Response:
    """A refusal, as that vendor would say it."""
    rendered = dialect.render(refusal)
    content_type = ("Content-Type", rendered.content_type)
    return Response(rendered.status, rendered.body, (content_type, *headers))
