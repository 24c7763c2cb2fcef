"""A WebSocket client on a raw gevent socket, for tests: it can be as slow, rude or silent as a test
wants. Frames are wsproto's."""

import json
import struct
from collections import deque
from typing import Any

from gevent import socket
from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection, ConnectionState
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

#: Far more than anything takes on an idle machine.
PATIENCE = 30.0


class Refused(Exception):
    """The server answered the handshake with something else than 101."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status} {body}")
        self.status = status


class Closed(AssertionError):
    """The server said goodbye where a message was expected."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Client:
    """The client's end of an open WebSocket."""

    def __init__(self, sock: socket.socket, connection: Connection | WSConnection) -> None:
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.headers: dict[str, str] = {}
        self.subprotocol: str | None = None
        self._connection = connection
        self._events: deque[Event] = deque()

    @classmethod
    def on(cls, sock: socket.socket) -> "Client":
        """Without a handshake, on one end of a socket pair."""
        return cls(sock, Connection(ConnectionType.CLIENT))

    @classmethod
    def connect(
        cls,
        port: int,
        path: str,
        headers: dict[str, str] | None = None,
        protocols: tuple[str, ...] = ("pns.v1",),
    ) -> "Client":
        """Raises Refused."""
        client = cls(
            socket.create_connection(("127.0.0.1", port), PATIENCE),
            WSConnection(ConnectionType.CLIENT),
        )
        try:
            client._shake_hands(f"127.0.0.1:{port}", path, headers or {}, protocols)
        except BaseException:  # also when its greenlet is ended in the middle
            client.sock.close()
            raise
        return client

    def _shake_hands(
        self, host: str, path: str, headers: dict[str, str], protocols: tuple[str, ...]
    ) -> None:
        extra = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._send(Request(host, path, subprotocols=list(protocols), extra_headers=extra))
        answer = self.next_event()
        if isinstance(answer, RejectConnection):
            body = self.next_event() if answer.has_body else None
            text = body.data.decode() if isinstance(body, RejectData) else ""
            raise Refused(answer.status_code, text)
        assert isinstance(answer, AcceptConnection)
        self.subprotocol = answer.subprotocol
        self.headers = {
            name.decode().lower(): value.decode() for name, value in answer.extra_headers
        }

    def _send(self, event: Event) -> None:
        """After the server's goodbye nothing but the answer to it goes out, as in a browser."""
        said_goodbye = self._connection.state is ConnectionState.REMOTE_CLOSING
        if not said_goodbye or isinstance(event, CloseConnection):
            self.sock.sendall(self._connection.send(event))

    def next_event(self) -> Event:
        """The next thing that arrives; ConnectionResetError when the TCP connection ends."""
        while not self._events:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionResetError("the server hung up")
            self._connection.receive_data(data)
            self._events.extend(self._connection.events())
        return self._events.popleft()

    def next_text(self) -> str:
        """The next whole text message; Pings on the way are answered."""
        parts = []
        while True:
            event = self.next_event()
            if isinstance(event, Ping):
                self._send(event.response())
            elif isinstance(event, CloseConnection):
                raise Closed(event.code, event.reason or "")
            elif isinstance(event, TextMessage):
                parts.append(event.data)
                if event.message_finished:
                    return "".join(parts)
            else:
                raise AssertionError(f"expected a message, got {event}")

    def next_frame(self) -> dict[str, Any]:
        frame = json.loads(self.next_text())
        assert isinstance(frame, dict)
        return frame

    def next_frames(self, count: int) -> list[dict[str, Any]]:
        return [self.next_frame() for _ in range(count)]

    def next_close(self) -> int:
        """The code the server closes with; whatever comes before is dropped. Answers the Close."""
        return self.next_close_and_reason()[0]

    def next_close_and_reason(self) -> tuple[int, str]:
        while True:
            event = self.next_event()
            if isinstance(event, CloseConnection):
                self._send(event.response())
                return int(event.code), event.reason or ""

    def next_close_answer(self) -> int:
        """The server's answer to our own Close."""
        event = self.next_event()
        assert isinstance(event, CloseConnection), event
        return int(event.code)

    def answer_ping(self) -> None:
        event = self.next_event()
        assert isinstance(event, Ping), event
        self._send(event.response())

    def next_pong(self) -> bytes:
        event = self.next_event()
        assert isinstance(event, Pong), event
        return bytes(event.payload)

    def send_text(self, text: str) -> None:
        self._send(TextMessage(text))

    def send_json(self, value: Any) -> None:
        self.send_text(json.dumps(value))

    def ack(self, *notification_ids: str) -> None:
        self.send_json({"type": "ack", "notification_ids": notification_ids})

    def ping(self, payload: bytes = b"") -> None:
        self._send(Ping(payload))

    def send_close(self, code: int, reason: str | None = None) -> None:
        self._send(CloseConnection(code, reason))

    def send_raw(self, data: bytes) -> None:
        self.sock.sendall(data)

    def wait_for_hang_up(self) -> None:
        while self.sock.recv(65536):
            pass

    def drop(self) -> None:
        """Vanish without a word, as a phone in a tunnel does."""
        self.sock.close()


def masked_frame(first: int, payload: bytes, *, length: bytes | None = None) -> bytes:
    """A client's frame with any first byte, and any length field instead of the true one."""
    if length is None:
        length = _length(len(payload))
    key = b"mask"
    masked = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
    return bytes([first, length[0] | 0x80]) + length[1:] + key + masked


def _length(size: int) -> bytes:
    if size < 126:
        return bytes([size])
    if size < 1 << 16:
        return struct.pack("!BH", 126, size)
    return struct.pack("!BQ", 127, size)
