"""A client's end of an autopush connection: JSON over a WebSocket. Used by VirtualDevice.

One thread reads; whoever calls `ask` or `send` writes. It serves one connection and is thrown away
with it.
"""

import contextlib
import json
import queue
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)

JSON = dict[str, Any]

# What a push service says without being asked; all else answers a request.
UNASKED = ("notification", "broadcast", "ping")


class LinkLostError(ConnectionError):
    """The push service ended the connection, or did not answer in time."""


class AutopushLink:
    """One WebSocket to the push service at `url` (`http://host:port`); open when constructed."""

    def __init__(self, url: str, timeout: float) -> None:
        self.notifications: queue.Queue[JSON | None] = queue.Queue()
        self._answers: queue.Queue[JSON | None] = queue.Queue()
        self._timeout = timeout
        self._asking = threading.Lock()
        self._writing = threading.Lock()
        self._text = ""
        self._websocket = WSConnection(ConnectionType.CLIENT)
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname, address.port or 80), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._read, name="virtual device", daemon=True)
        self._thread.start()
        self._write(Request(host=address.netloc, target="/", subprotocols=["push-notification"]))
        self._next_answer()

    def ask(self, message: JSON) -> JSON:
        """The answer to a request. Raises LinkLostError."""
        with self._asking:
            self.send(message)
            return self._next_answer()

    def send(self, message: JSON) -> None:
        """Say something that is not answered. Raises LinkLostError."""
        self._write(TextMessage(data=json.dumps(message)))

    def close(self) -> None:
        """Hang up, as a browser does that is closed."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _next_answer(self) -> JSON:
        try:
            answer = self._answers.get(timeout=self._timeout)
        except queue.Empty:
            raise LinkLostError(f"no answer within {self._timeout:g} s") from None
        if answer is None:
            raise LinkLostError("the push service ended the connection")
        return answer

    def _write(self, event: Event) -> None:
        with self._writing:
            try:
                self._socket.sendall(self._websocket.send(event))
            except OSError as error:
                raise LinkLostError("the push service ended the connection") from error

    def _read(self) -> None:
        with contextlib.suppress(OSError, LinkLostError):
            while data := self._socket.recv(65536):
                self._websocket.receive_data(data)
                for event in self._websocket.events():
                    self._on_event(event)
        self._answers.put(None)
        self.notifications.put(None)

    def _on_event(self, event: Event) -> None:
        match event:
            case AcceptConnection():
                self._answers.put({})
            case Message():
                self._on_text(event)
            case Ping():
                self._write(Pong(payload=event.payload))
            case RejectConnection() | CloseConnection():
                raise LinkLostError

    def _on_text(self, part: Message[Any]) -> None:
        self._text += str(part.data)
        if not part.message_finished:
            return
        text, self._text = self._text, ""
        message: JSON = json.loads(text)
        if message.get("messageType") == "notification":
            self.notifications.put(message)
        elif message and message.get("messageType") not in UNASKED:
            self._answers.put(message)
