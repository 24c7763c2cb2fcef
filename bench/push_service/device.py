"""A device reduced to its bytes: subscribes, notes what it receives, acknowledges. Used by fleet.

The virtual device of `push_service.testing` decrypts and has a thread of its own; here two hundred
devices share one thread and must leave the processor to the push service. A frame that the push
service sends is never masked or split, which is all of WebSocket that is read here.
"""

import asyncio
import json
import struct
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: push\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: push-notification\r\n\r\n"
)
TEXT, CLOSE, PING = 0x1, 0x8, 0x9


@dataclass
class Device:
    """What one browser profile remembers, over all its connections."""

    number: int
    uaid: str | None = None
    channel: str = field(default_factory=lambda: str(uuid.uuid4()))
    endpoint: str = ""
    received: list[tuple[str, int, float]] = field(default_factory=list)  # id, count, when
    repeated: int = 0  # came again, over a new connection
    twice: int = 0  # came again over the same connection, which must not be
    _seen: set[str] = field(default_factory=set)

    def note(self, version: str, data: str, seen_here: set[str]) -> int:
        """The code of the acknowledgement, as Firefox gives it: 102 for what it already has."""
        self.twice += version in seen_here
        seen_here.add(version)
        if version in self._seen:
            self.repeated += 1
            return 102
        self._seen.add(version)
        count = int(urlsafe_b64decode(data[:16]))
        self.received.append((version, count, monotonic()))
        return 100


class DeviceSocket(asyncio.Protocol):
    """One connection of a device. `answers` are awaited by `ask`, one at a time."""

    def __init__(self, device: Device, on_received: Callable[[], None]) -> None:
        self._device = device
        self._on_received = on_received
        self._buffer = b""
        self._open = False
        self._seen_here: set[str] = set()
        self._answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(HANDSHAKE)

    def connection_lost(self, exc: Exception | None) -> None:
        self._answers.put_nowait(None)
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            _, end, self._buffer = self._buffer.partition(b"\r\n\r\n")
            self._open = bool(end)
        while frame := self._next_frame():
            self._on_frame(*frame)

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """The answer; ConnectionError when the connection ends before."""
        self.send(message)
        answer = await self._answers.get()
        if answer is None:
            raise ConnectionError("the push service is gone")
        return answer

    def send(self, message: dict[str, Any]) -> None:
        payload = json.dumps(message, separators=(",", ":")).encode()
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0xFE, size)
        # A mask of zeros is a mask (RFC 6455 §5.3), and leaves the payload as it is.
        self._transport.write(b"\x81" + length + bytes(4) + payload)

    def close(self) -> None:
        self._transport.abort()

    def _next_frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if not self._open or len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4]), 4
        if len(buffer) < start + size:
            return None
        self._buffer = buffer[start + size :]
        return buffer[0] & 0xF, buffer[start : start + size]

    def _on_frame(self, kind: int, payload: bytes) -> None:
        if kind == CLOSE:
            self._transport.abort()
        elif kind == PING:
            self._transport.write(b"\x8a\x80" + bytes(4))
        elif kind == TEXT:
            message = json.loads(payload)
            if message.get("messageType") == "notification":
                self._on_notification(message)
            else:
                self._answers.put_nowait(message)

    def _on_notification(self, message: dict[str, Any]) -> None:
        version = message["version"]
        code = self._device.note(version, message["data"], self._seen_here)
        update = {"channelID": message["channelID"], "version": version, "code": code}
        self.send({"messageType": "ack", "updates": [update]})
        self._on_received()


async def connect(
    device: Device, host: str, port: int, on_received: Callable[[], None]
) -> DeviceSocket:
    """Open a connection and say hello. Raises OSError."""
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(lambda: DeviceSocket(device, on_received), host, port)
    hello: dict[str, Any] = {"messageType": "hello", "use_webpush": True}
    if device.uaid:
        hello["uaid"] = device.uaid
    answer = await socket.ask(hello)
    if device.uaid not in (None, answer["uaid"]):
        raise AssertionError(f"device {device.number} was forgotten")
    device.uaid = answer["uaid"]
    return socket


async def subscribe(device: Device, socket: DeviceSocket, key: str) -> None:
    """Take a subscription for the application server with this key."""
    request = {"messageType": "register", "channelID": device.channel, "key": key}
    device.endpoint = (await socket.ask(request))["pushEndpoint"]
