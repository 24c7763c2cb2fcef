"""One kept-alive HTTP/1.1 connection to a push service: a request goes out, an answer comes in,
before a deadline that holds for all of it. geventhttpclient's parser (llhttp) reads the answer; the
socket is ours, because every look-up, read and byte has a limit here. Called by transport."""

import socket
import ssl
import time
from dataclasses import dataclass

from geventhttpclient.response import HTTPResponse

from app.sending.endpoints import is_public

#: Bytes of an answer's body that are read; a push service has a line or two to say.
BODY_LIMIT = 4096
#: Bytes of a whole answer, headers and interim answers included.
ANSWER_LIMIT = 65536
#: Of a host with more addresses than this the rest is not tried.
ADDRESSES = 4
BLOCK = 4096
PORTS = {"http": 80, "https": 443}


class Silence(OSError):
    """The connection ended without a byte of an answer."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where to connect. Only a trusted one may be at a private address, and speak plain HTTP."""

    scheme: str
    host: str
    port: int
    trusted: bool

    @property
    def authority(self) -> str:
        """As the Host header has it (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """Named as pywebpush reads them from the session it is given."""

    status_code: int
    #: Names in lower case.
    headers: dict[str, str]
    #: The beginning of the body.
    text: str


class Connection:
    """Raises OSError or HTTPException for all that may go wrong; it is of no use afterwards."""

    def __init__(self, origin: Origin, tls: ssl.SSLContext | None, deadline: float) -> None:
        self._socket = _connect(origin, deadline)
        if tls is not None:
            self._socket.settimeout(_left(deadline))
            self._socket = tls.wrap_socket(self._socket, server_hostname=origin.host)

    def exchange(self, request: bytes, deadline: float) -> tuple[Answer, bool]:
        """The answer, and whether the connection can be used again. `deadline` is of
        `time.monotonic`."""
        self._socket.settimeout(_left(deadline))
        self._socket.sendall(request)
        parser = self._read_answer(deadline)
        text = bytes(parser._body_buffer[:BODY_LIMIT]).decode("utf-8", "replace")
        headers = {name.lower(): value for name, value in parser.items()}
        return Answer(parser.status_code, headers, text), not parser.should_close()

    def _read_answer(self, deadline: float) -> HTTPResponse:
        parser, received = HTTPResponse("POST"), 0
        while not _is_read(parser):
            # A socket's own timeout begins anew with every byte: a server that sends one now and
            # then could hold a sender for ever.
            self._socket.settimeout(_left(deadline))
            block = self._socket.recv(BLOCK)
            if not block and not received:
                raise Silence("The connection was closed without an answer.")
            parser.feed(block)  # an empty one is the end, which some answers wait for
            received += len(block)
            if received > ANSWER_LIMIT:
                raise OSError(f"The answer is longer than {ANSWER_LIMIT} bytes.")
        return parser

    def close(self) -> None:
        self._socket.close()


def _is_read(parser: HTTPResponse) -> bool:
    """All of it, or as much as we want. Interim answers (1xx) come before the one that counts."""
    if parser.headers_complete and parser.status_code < 200:
        return False
    return parser.message_complete or len(parser._body_buffer) >= BODY_LIMIT


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _connect(origin: Origin, deadline: float) -> socket.socket:
    """The name is resolved once: a second look-up could give another answer than the one that was
    checked (DNS rebinding)."""
    error: OSError = OSError(f"{origin.host} has no public address.")
    addresses = _addresses(origin)
    for number, address in enumerate(addresses):
        share = _left(deadline) / (len(addresses) - number)
        try:
            connected = socket.create_connection((address, origin.port), share)
        except OSError as failed:
            error = failed
            continue
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected
    raise error


def _addresses(origin: Origin) -> list[str]:
    try:
        found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise OSError(f"{origin.host} cannot be resolved: {error}") from error
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    return [one for one in addresses if origin.trusted or is_public(one)][:ADDRESSES]
