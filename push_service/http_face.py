"""The HTTP port, plain or TLS: sockets on one side, a router on the other. Used by service.

This file owns these sockets; h11 knows the protocol. Nothing here trusts the peer: head, body and
answer have deadlines, heads and bodies are bounded, and so is the number of connections. It runs
under gevent with the standard library patched.
"""

import logging
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from socket import IPPROTO_TCP, SHUT_WR, TCP_NODELAY
from typing import Any

import gevent
import h11
from gevent.pool import Pool
from gevent.server import StreamServer

from push_service.web import Answer, Request, Response, Takeover, refused
from push_service.wire import errors
from push_service.wire.errors import Error, Refusal

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 8192
MAX_HEAD = 16 * 1024
MAX_CONTENT = 20 * 1024  # kept of a body; more is read (see below), but not kept
MAX_DRAINED = 1024 * 1024
HANDSHAKE_SECONDS = 10
IDLE_SECONDS = 60  # between two requests
REQUEST_SECONDS = 15  # from its first byte to its last
SEND_SECONDS = 15
LINGER_SECONDS = 2  # for a refused peer to read why
STOP_SECONDS = 0.5  # for what is being answered
RECEIVE_SIZE = 16 * 1024

Socket = Any  # gevent's socket, or an ssl.SSLSocket


class HttpFace:
    """Listens on one port and lets `answer` answer. With a `context`, over TLS."""

    def __init__(
        self,
        listener: Socket,
        answer: Callable[[Request], Answer],
        context: ssl.SSLContext | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._answer = answer
        self._context = context
        self._server = StreamServer(listener, self._serve, spawn=Pool(max_connections))

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        """Close the port, then, after a moment for what is being answered, the connections."""
        self._server.stop(timeout=STOP_SECONDS)

    def _serve(self, plain: Socket, address: object) -> None:
        try:
            # Small frames must not wait for the acknowledgement of the last ones.
            plain.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            with plain:
                converse(plain, self._answer, self._context)
        except (OSError, gevent.Timeout, h11.ProtocolError) as error:
            log.debug("the connection from %s ended: %r", address, error)


def converse(
    plain: Socket, answer: Callable[[Request], Answer], context: ssl.SSLContext | None
) -> None:
    """Answer one request after the other, over TLS when there is a `context`."""
    with _secured(plain, context) as socket:
        conversation = _Conversation(socket, answer)
        while conversation.exchange():
            gevent.sleep(0)  # the others' turn: who sends without a pause is never waited for


@contextmanager
def _secured(plain: Socket, context: ssl.SSLContext | None) -> Iterator[Socket]:
    if context is None:
        yield plain
        return
    # Not in wrap_socket: a handshake that runs out of time there leaves an open socket.
    tls = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
    with tls:
        with gevent.Timeout(HANDSHAKE_SECONDS):
            tls.do_handshake()
        yield tls


class _Conversation:
    """The requests of one connection, one after the other."""

    def __init__(self, socket: Socket, answer: Callable[[Request], Answer]) -> None:
        self._socket = socket
        self._answer = answer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._deadline = 0.0

    def exchange(self) -> bool:
        """Receive one request and answer it. False when the connection has done its work."""
        try:
            request = self._receive()
        except Refusal as refusal:
            self._respond(refused(refusal))
            self._linger()
            return False
        if request is None:
            return False
        answer = self._answer_safely(request)
        if isinstance(answer, Takeover):
            answer.serve(self._socket, self._http.trailing_data[0])
            return False
        self._respond(answer)
        return self._next()

    def _answer_safely(self, request: Request) -> Answer:
        try:
            return self._answer(request)
        except Exception:
            log.exception("failed to answer %s %s", request.method, request.path)
            return refused(Refusal(errors.BROKEN))

    def _linger(self) -> None:
        """Let the peer read the refusal: closing on top of what it still sends would reset it."""
        gevent.with_timeout(LINGER_SECONDS, self._drain, timeout_value=None)

    def _drain(self) -> None:
        self._socket.shutdown(SHUT_WR)
        drained = 0
        while drained < MAX_DRAINED and (data := self._socket.recv(RECEIVE_SIZE)):
            drained += len(data)

    def _next(self) -> bool:
        """Whether another request may follow on this connection."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            return True
        return False

    # -- receiving

    def _receive(self) -> Request | None:
        """The next request; None when the peer hung up or stayed silent."""
        if not self._http.trailing_data[0]:
            self._feed(IDLE_SECONDS)
        self._deadline = time.monotonic() + REQUEST_SECONDS
        try:
            head = self._next_event()
            return self._with_content(head) if isinstance(head, h11.Request) else None
        except TimeoutError as error:
            raise Refusal(errors.TOO_SLOW) from error
        except h11.RemoteProtocolError as error:
            raise Refusal(_of_hint(error.error_status_hint), str(error)) from error

    def _with_content(self, head: h11.Request) -> Request:
        headers: dict[str, list[str]] = {}
        for name, value in head.headers:
            headers.setdefault(name.decode("ascii"), []).append(value.decode("latin-1"))
        return Request(
            method=head.method.decode("ascii"),
            target=head.target.decode("latin-1"),
            headers=headers,
            content=self._content(),
            raw_headers=list(head.headers),
        )

    def _content(self) -> bytes | None:
        """The body. Of a larger one only its end is awaited, for many clients read no answer before
        they have sent everything; it is None then."""
        pieces: list[bytes] = []
        size = 0
        if self._http.they_are_waiting_for_100_continue:
            self._go_on()
        while isinstance(event := self._next_event(), h11.Data):
            size += len(event.data)
            if size > MAX_DRAINED:
                raise Refusal(errors.TOO_LARGE)
            if size <= MAX_CONTENT:
                pieces.append(bytes(event.data))
        if isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("hung up in the middle of a request")
        return b"".join(pieces) if size <= MAX_CONTENT else None

    def _next_event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._feed(left)
        return event

    def _feed(self, seconds: float) -> None:
        self._socket.settimeout(seconds)
        self._http.receive_data(self._socket.recv(RECEIVE_SIZE))

    def _go_on(self) -> None:
        go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
        self._write(self._http.send(go_on) or b"")

    # -- sending

    def _respond(self, response: Response) -> None:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        head = self._http.send(_head(response)) or b""
        if response.stream is None:
            end = (self._http.send(h11.EndOfMessage()) or b"") if not response.body else b""
            body = self._body(response.body) if response.body else b""
            self._write(head + body + end)
            return
        self._write(head)
        for piece in response.stream:
            self._write(self._http.send(h11.Data(data=piece)) or b"")
        self._write(self._http.send(h11.EndOfMessage()) or b"")

    def _body(self, body: bytes) -> bytes:
        data = self._http.send(h11.Data(data=body)) or b""
        return data + (self._http.send(h11.EndOfMessage()) or b"")

    def _write(self, data: bytes) -> None:
        self._socket.settimeout(SEND_SECONDS)
        self._socket.sendall(data)


def _head(response: Response) -> h11.Response:
    headers = [("Date", _date(int(time.time()))), *response.headers]
    if response.stream is None and response.status != 204:
        headers.append(("Content-Length", str(len(response.body))))
    reason = HTTPStatus(response.status).phrase
    return h11.Response(status_code=response.status, reason=reason, headers=headers)


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _of_hint(status: int) -> Error:
    return errors.HEAD_TOO_LARGE if status == 431 else errors.BAD_REQUEST
