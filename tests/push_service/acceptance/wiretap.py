"""Listens in between a browser and its push service: what they said, and what got lost on the way.

A browser that is wired to a `Wiretap` speaks to the push service through two taps. Each notes what
passes, and can fail as networks do: swallow what one side says from now on, or cut the connection.
"""

import re
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from wsproto import ConnectionType
from wsproto.connection import Connection as WebSocket
from wsproto.events import TextMessage

from push_service.certificates import ensure_certificates
from push_service.testing.journal import JournalClient
from push_service.testing.push_service_process import PushServiceProcess
from push_service.wire import mcs

SIZE = 65536
TIMEOUT = 30.0
REQUEST_LINE = re.compile(rb"^((?:GET|POST) \S+) HTTP/1\.1\r\n", re.MULTILINE)


class Decoder(Protocol):
    """Makes messages out of what one side of a connection says."""

    def receive(self, data: bytes) -> Iterable[object]: ...


class HttpRequests:
    """From a browser: `"POST /checkin"`, and after an upgrade the texts of its WebSocket."""

    def __init__(self) -> None:
        self._websocket: WebSocket | None = None

    def receive(self, data: bytes) -> Iterable[object]:
        if self._websocket is not None:
            self._websocket.receive_data(data)
            return [each.data for each in self._websocket.events() if isinstance(each, TextMessage)]
        if b"upgrade: websocket" in data.lower():
            self._websocket = WebSocket(ConnectionType.SERVER)
        return [line.decode() for line in REQUEST_LINE.findall(data)]


class HttpResponses:
    """To a browser: noted by nobody."""

    def receive(self, _data: bytes) -> Iterable[object]:
        return ()


@dataclass(frozen=True)
class Passed:
    """Something that one side said, whether the other one heard it or not."""

    from_browser: bool
    message: object


class Tap:
    """One port of the push service, listened in on. `accept` and `connect` wrap plain sockets."""

    def __init__(
        self,
        address: str,
        decoders: tuple[Callable[[], Decoder], Callable[[], Decoder]],
        accept: Callable[[socket.socket], socket.socket] = lambda plain: plain,
        connect: Callable[[socket.socket], socket.socket] = lambda plain: plain,
    ) -> None:
        host, _, port = address.rpartition(":")
        self.swallow_from_browser = False
        self.swallow_to_browser = False
        self._target = (host, int(port))
        self._decoders = decoders
        self._accept, self._connect = accept, connect
        self._passed: list[Passed] = []
        self._news = threading.Condition()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def mark(self) -> int:
        """Pass it as `after`, and only what is said from here on counts."""
        return len(self._passed)

    def said(self, *, from_browser: bool = True, after: int = 0) -> list[object]:
        """What one side said, in order."""
        return [each.message for each in self._passed[after:] if each.from_browser is from_browser]

    def wait_until_said(
        self,
        wanted: Callable[[object], bool],
        *,
        from_browser: bool = True,
        after: int = 0,
        timeout: float = TIMEOUT,
    ) -> object:
        """The first such message of one side."""
        with self._news:
            found = self._news.wait_for(
                lambda: [
                    each
                    for each in self.said(from_browser=from_browser, after=after)
                    if wanted(each)
                ],
                timeout,
            )
        assert found, f"not said within {timeout:g} s: {self._passed[after:]}"
        return found[0]

    def cut(self) -> None:
        """End every connection. The next ones are let through whole."""
        self.swallow_from_browser = self.swallow_to_browser = False
        for plain in list(self._open):
            plain.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _listen(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        watched = plain.dup()  # to be shut down by other threads, whatever TLS thinks of it
        self._open.add(watched)
        try:
            with self._accept(plain) as browser, self._reach() as push_service:
                self._carry(browser, push_service)
        except OSError:
            pass  # the end of a connection, as good as any
        finally:
            self._open.discard(watched)
            watched.close()
            plain.close()

    def _reach(self) -> socket.socket:
        return self._connect(socket.create_connection(self._target, TIMEOUT))

    def _carry(self, browser: socket.socket, push_service: socket.socket) -> None:
        upstream, downstream = self._decoders[0](), self._decoders[1]()
        while True:
            readable, _, _ = select.select([browser, push_service], [], [])
            if browser in readable:
                data = _read(browser)
                self._note(upstream, data, from_browser=True)
                if not self.swallow_from_browser:
                    push_service.sendall(data)
            if push_service in readable:
                data = _read(push_service)
                self._note(downstream, data, from_browser=False)
                if not self.swallow_to_browser:
                    browser.sendall(data)

    def _note(self, decoder: Decoder, data: bytes, *, from_browser: bool) -> None:
        with self._news:
            for message in decoder.receive(data):
                self._passed.append(Passed(from_browser, message))
            self._news.notify_all()


def _read(side: socket.socket) -> bytes:
    """Everything there is. TLS may have nothing for us, or more than the system knows of."""
    side.settimeout(0)
    data = b""
    try:
        while piece := side.recv(SIZE):
            data += piece
    except (BlockingIOError, ssl.SSLWantReadError):
        return data
    finally:
        side.settimeout(TIMEOUT)
    if not data:
        raise ConnectionResetError("one side hung up")
    return data


class Wiretap:
    """A push service as a browser sees it (`push_service.testing.browsers.PushService`)."""

    def __init__(self, push_service: PushServiceProcess) -> None:
        self._push_service = push_service
        certificates = ensure_certificates(push_service.data)
        ours = certificates.build_context()
        theirs = ssl.create_default_context(cafile=certificates.ca)
        self.web = Tap(urlsplit(push_service.http).netloc, (HttpRequests, HttpResponses))
        self.line = Tap(
            push_service.mcs,
            (mcs.Reader, mcs.Reader),
            lambda plain: ours.wrap_socket(plain, server_side=True),
            lambda plain: theirs.wrap_socket(plain, server_hostname="127.0.0.1"),
        )

    def close(self) -> None:
        self.web.close()
        self.line.close()

    @property
    def http(self) -> str:
        return f"http://{self.web.address}"

    @property
    def mcs(self) -> str:
        return self.line.address

    @property
    def spki(self) -> str:
        return self._push_service.spki

    @property
    def journal(self) -> JournalClient:
        return self._push_service.journal
