"""A small real HTTP server that answers as a test wants: what a push service does on a bad day."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Got:
    """A request as it came."""

    path: str
    #: Names in lower case.
    headers: dict[str, str]
    body: bytes
    #: Tells connections apart.
    client_port: int


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "PushServer"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.note(Got(self.path, headers, body, self.client_address[1]))
        with contextlib.suppress(ConnectionError):
            self.server.next_answer()(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


Answer = Callable[[Handler], None]


class PushServer(ThreadingHTTPServer):
    """Answers from `answers`, one each; 201 when there are none left."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[Got] = []
        self.answers: deque[Answer] = deque()
        self.stopped = threading.Event()
        self._arrived = threading.Condition()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def note(self, got: Got) -> None:
        with self._arrived:
            self.got.append(got)
            self._arrived.notify_all()

    def wait_for(self, count: int, timeout: float = 10) -> list[Got]:
        """The requests, once there are that many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.got) >= count, timeout), self.got
        return list(self.got)

    def next_answer(self) -> Answer:
        return self.answers.popleft() if self.answers else reply(201)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests want."""


def reply(status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
    """An ordinary answer."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hold(until: threading.Event, then: Answer) -> Answer:
    """Answers only when the test lets it."""

    def answer(handler: Handler) -> None:
        until.wait(30)
        then(handler)

    return answer


def never() -> Answer:
    """No answer until the client hangs up, or the test is over."""

    def answer(handler: Handler) -> None:
        handler.server.stopped.wait(30)
        handler.close_connection = True

    return answer


def drip(start: bytes = b"") -> Answer:
    """A byte now and then, for ever: each one would begin a socket timeout anew."""

    def answer(handler: Handler) -> None:
        handler.wfile.write(start)
        while not handler.server.stopped.wait(0.02):
            handler.wfile.write(b"x")

    return answer


def flood() -> Answer:
    """A body without end."""

    def answer(handler: Handler) -> None:
        handler.send_response(500)
        handler.send_header("Content-Length", str(1 << 40))
        handler.end_headers()
        while not handler.server.stopped.is_set():
            handler.wfile.write(b"x" * 65536)

    return answer


@contextmanager
def serve() -> Iterator[PushServer]:
    with PushServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.stopped.set()
        server.shutdown()
        thread.join()
