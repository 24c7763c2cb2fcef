"""The HTTP session under every Web Push request: kept-alive connections with hard limits, because
the other side is chosen by whoever subscribed. Called by webpush.

The time limit is for the whole request, no redirect is followed, no proxy or other setting is taken
from the environment, only the beginning of an answer is read, and a vendor's host name must lead to
a public address: the one that was checked is the one that is connected to."""

import contextlib
import re
import ssl
import time
from functools import cache
from http.client import HTTPException
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from app.config import ConfigError
from app.sending.connection import PORTS, Answer, Connection, Origin, Silence
from app.sending.endpoints import Target
from app.sending.kept_alive import KeptAlive

#: RFC 9110 section 5.5: what a header may say; a line end in it would begin another header.
_VALUE = re.compile(r"[\x20-\x7e]*")


class NoAnswer(Exception):
    """The request was perhaps sent, an answer did not come; the text says why."""


class Transport:
    """Sends POST requests. For use by many threads or greenlets at a time."""

    def __init__(self, timeout: float, connections: int, ca: Path | None = None) -> None:
        """`ca` vouches for trusted targets beside the system's authorities, never for vendors."""
        self._timeout = timeout
        self._kept_alive = KeptAlive(connections)
        self._our_tls = _trusting(ca) if ca else None

    def post(self, target: Target, headers: dict[str, str], body: bytes) -> Answer:
        """Raises NoAnswer, and ValueError for what cannot be sent at all."""
        parts = urlsplit(target.url)
        origin = _origin(parts, target.trusted)
        request = _request(parts, origin, headers, body)
        deadline = time.monotonic() + self._timeout
        try:
            return self._exchange(origin, request, deadline)
        except (HTTPException, OSError) as error:
            if time.monotonic() >= deadline:
                why = f"nothing came within {self._timeout:g} seconds."
                raise NoAnswer(why) from None
            raise NoAnswer(str(error) or type(error).__name__) from error

    def _exchange(self, origin: Origin, request: bytes, deadline: float) -> Answer:
        """A kept connection may have ended in the meantime. Then the message is sent again, on a
        new one: should the push service have it all the same, a device shows it once."""
        kept = self._kept_alive.take(origin)
        if kept is not None:
            with contextlib.suppress(Silence, ConnectionError, ssl.SSLError):
                return self._use(kept, origin, request, deadline)
        fresh = Connection(origin, self._tls(origin), deadline)
        return self._use(fresh, origin, request, deadline)

    def _use(
        self, connection: Connection, origin: Origin, request: bytes, deadline: float
    ) -> Answer:
        reusable = False
        try:
            answer, reusable = connection.exchange(request, deadline)
        finally:
            if reusable:
                self._kept_alive.give(origin, connection)
            else:
                connection.close()
        return answer

    def _tls(self, origin: Origin) -> ssl.SSLContext | None:
        if origin.scheme == "http":
            return None
        if origin.trusted and self._our_tls is not None:
            return self._our_tls
        return _trusting_the_system()

    def close(self) -> None:
        self._kept_alive.close()


def _origin(parts: SplitResult, trusted: bool) -> Origin:
    if parts.hostname is None or parts.scheme not in (PORTS if trusted else ("https",)):
        raise ValueError(f"{parts.scheme}://{parts.netloc} is no address of a push service.")
    return Origin(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme], trusted)


def _request(parts: SplitResult, origin: Origin, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"POST {parts.path}{'?' + parts.query if parts.query else ''} HTTP/1.1"]
    every = {"host": origin.authority, **headers, "content-length": str(len(body))}
    for name, value in every.items():
        if not _VALUE.fullmatch(value):
            raise ValueError(f"The header {name} cannot be sent: {value[:80]!r}.")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


@cache
def _trusting_the_system() -> ssl.SSLContext:
    """Its authorities take time to load, and whoever sends to a laboratory needs none of them."""
    return ssl.create_default_context()


def _trusting(ca: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(ca)
    except OSError as error:  # of which ssl.SSLError is one
        raise ConfigError(f"PUSHLAB_PUSH_CA: {ca} cannot be used as a PEM file: {error}") from None
    return context
