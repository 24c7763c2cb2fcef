"""A private HTTP port between the processes of one pushlab: what arrives is small, comes by POST
and is signed by whoever knows the secret. Used by the `http` bus."""

import hmac
import logging
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

log = logging.getLogger(__name__)

SIGNATURE = "X-Pushlab-Signature"
MAX_BODY = 1 << 20
#: Seconds that a kept-alive connection may be silent, and that a request may take.
IDLE = 60.0

#: Gets the body of a request whose signature is good, and says with which status it is answered.
Answer = Callable[[bytes], HTTPStatus]


def sign(secret: bytes, body: bytes) -> str:
    """What `SIGNATURE` must say for this body."""
    return hmac.digest(secret, body, "sha256").hex()


class PrivateListener:
    """Listens from `start` to `stop`, each connection in a thread of its own."""

    def __init__(self, host: str, port: int, secret: bytes, answer: Answer) -> None:
        """OSError: the address cannot be listened on. Port 0 takes a free one."""
        self._server = _Server((host, port), _Handler)
        self._server.secret = secret
        self._server.answer = answer
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="private listener", daemon=True
        )

    @property
    def address(self) -> str:
        """Host and port, as they stand in a URL."""
        host, port = self._server.server_address[:2]
        return f"[{host!s}]:{port}" if ":" in str(host) else f"{host!s}:{port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    secret: bytes
    answer: Answer
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A process that was killed in the middle is no news: who rings it will notice."""
        if isinstance(sys.exc_info()[1], ConnectionError):
            log.debug("%s hung up", client_address)
        else:
            log.exception("a private connection failed")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self._read_body()
        if body is None:
            self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, close=True)
        elif not self._is_signed(body):
            self._say(HTTPStatus.UNAUTHORIZED, close=True)
        else:
            self._say(self._answer(body))

    def _read_body(self) -> bytes | None:
        """None: it is too large, or its length is not told."""
        length = self.headers.get("Content-Length", "")
        digits = length.isascii() and length.isdigit() and len(length) <= len(str(MAX_BODY))
        if not digits or int(length) > MAX_BODY:
            return None
        return self.rfile.read(int(length))

    def _is_signed(self, body: bytes) -> bool:
        given = self.headers.get(SIGNATURE, "")
        return hmac.compare_digest(given.encode(), sign(self.server.secret, body).encode())

    def _answer(self, body: bytes) -> HTTPStatus:
        try:
            return self.server.answer(body)
        except Exception:
            log.exception("a private request could not be answered")
            return HTTPStatus.INTERNAL_SERVER_ERROR

    def _say(self, status: HTTPStatus, *, close: bool = False) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        if close:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        log.debug(format, *args)
