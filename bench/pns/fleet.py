"""Many WebSockets and a few publishers in one thread, as cheap as Python can be: raw sockets,
one epoll, frames cut by hand. It must leave the processor to the server that is measured.

A server's frame is never masked, and none of the servers here splits one: that is all of RFC 6455
that is read. A mask of zeros is a mask (section 5.3), and leaves what we send as it is.
"""

import select
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable
from time import perf_counter

HOST = "127.0.0.1"
TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9
PONG_FRAME = b"\x8a\x80" + bytes(4)


OnFrame = Callable[["Device", bytes], None]


class Line:
    """One TCP connection: whatever arrives goes to `on_data`."""

    __slots__ = ("buffer", "sock")

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection((HOST, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.buffer = b""

    def on_data(self, data: bytes) -> None:
        raise NotImplementedError


class Device(Line):
    """One WebSocket. `on_frame` gets the payload of each message; the 101 is an empty one."""

    __slots__ = ("is_open", "number", "on_frame", "owed")

    def __init__(self, port: int, number: int, handshake: bytes, on_frame: "OnFrame") -> None:
        super().__init__(port)
        self.number = number
        self.on_frame = on_frame
        self.is_open = False
        #: Ids to acknowledge, in one frame for all of a read.
        self.owed: list[bytes] = []
        self.sock.send(handshake)

    def send(self, payload: bytes, kind: int = TEXT) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0xFE, size)
        self.sock.send(bytes([0x80 | kind]) + length + bytes(4) + payload)

    def on_data(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        if not self.is_open:
            head, end, buffer = buffer.partition(b"\r\n\r\n")
            if not end:
                self.buffer = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(f"refused: {head!r} {buffer!r}")
            self.is_open = True
            self.on_frame(self, b"")
        self.buffer = self._cut(buffer)
        if self.owed:
            self.send(b'{"type":"ack","notification_ids":["%b"]}' % b'","'.join(self.owed))
            self.owed = []

    def _cut(self, buffer: bytes) -> bytes:
        """Hand over each whole frame; what is left of the last one."""
        begin, length = 0, len(buffer)
        while length - begin >= 2:
            size, start = buffer[begin + 1], begin + 2
            if size == 126:
                size, start = int.from_bytes(buffer[begin + 2 : begin + 4]), begin + 4
            if length < start + size:
                break
            self._on_frame(buffer[begin] & 0xF, buffer[start : start + size])
            begin = start + size
        return buffer[begin:]

    def _on_frame(self, kind: int, payload: bytes) -> None:
        if kind in (TEXT, BINARY):
            self.on_frame(self, payload)
        elif kind == PING:
            self.sock.send(PONG_FRAME)
        elif kind == CLOSE:
            raise RuntimeError(f"closed: {payload!r}")


class Publisher(Line):
    """One kept-alive HTTP connection: one request under way at a time."""

    __slots__ = ("idle", "on_answer")

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.idle = True
        self.on_answer: Callable[[], None] = lambda: None

    def post(self, request: bytes, on_answer: Callable[[], None]) -> None:
        self.idle = False
        self.on_answer = on_answer
        self.sock.send(request)

    def on_data(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        size = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(body) < int(size):
            # The server holds the body back until the head is acknowledged, which takes 40 ms.
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            return
        if head[9:10] != b"2":
            raise RuntimeError(f"refused: {self.buffer!r}")
        self.buffer = b""
        self.idle = True
        self.on_answer()


class Fleet:
    """All connections of one run. Callbacks run inside `until` and `open_all`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._poll = select.epoll()
        self._lines: dict[int, Line] = {}
        self.devices: list[Device] = []

    def open_all(
        self,
        handshakes: Iterable[bytes],
        on_frame: OnFrame,
        *,
        is_ready: Callable[[Device, bytes], bool],
        at_once: int = 64,
    ) -> float:
        """Open a WebSocket for each handshake, so many under way at once; until each got the frame
        with which it is ready (`b""` is the 101 itself). Seconds that it took."""
        waiting, opening = deque(enumerate(handshakes)), set[Device]()

        def greet(device: Device, payload: bytes) -> None:
            if is_ready(device, payload):
                opening.discard(device)
                device.on_frame = on_frame
            elif payload:
                on_frame(device, payload)

        begun = perf_counter()
        while waiting or opening:
            while waiting and len(opening) < at_once:
                device = Device(self.port, *waiting.popleft(), greet)
                opening.add(device)
                self.devices.append(device)
                self.add(device)
            self.turn()
        return perf_counter() - begun

    def add(self, line: Line) -> None:
        """Take what arrives on it as well."""
        number = line.sock.fileno()
        self._lines[number] = line
        self._poll.register(number, select.EPOLLIN)

    def until(self, reached: Callable[[], bool], patience: float = 60.0) -> bool:
        """Take what arrives until then. False: it did not come to that in time."""
        deadline = perf_counter() + patience
        while not reached():
            if perf_counter() > deadline:
                return False
            self.turn()
        return True

    def turn(self) -> None:
        lines = self._lines
        for number, _event in self._poll.poll(0.1, 1024):
            line = lines[number]
            data = line.sock.recv(65536)
            if not data:
                raise RuntimeError("the server hung up")
            line.on_data(data)

    def drop_devices(self) -> None:
        """Hang up without a word, as a network does."""
        for device in self.devices:
            self._poll.unregister(device.sock)
            del self._lines[device.sock.fileno()]
            device.sock.close()
        self.devices = []

    def close(self) -> None:
        for line in self._lines.values():
            line.sock.close()
        self._poll.close()
