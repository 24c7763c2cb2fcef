"""RFC 6455 frames without a socket: frames of the server are built here, once, for any number of
sockets; frames of the client become messages. Called by `net.websocket` and by whoever has one text
for many sockets. Parsing is wsproto's, but for the plainest frames, which are nearly all."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed

#: First byte of an unfragmented frame: the FIN bit and the opcode (section 5.2).
TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
#: The bit before the size that says that the payload is masked, as a client's must be, and the size
#: that says that the real one follows in two bytes.
MASKED, TWO_BYTES = 0x80, 126
#: A control frame carries at most 125 bytes (section 5.5), a Close frame its code within them.
REASON_BYTES = 123


@dataclass(slots=True)  # not frozen: one is made of each message, and that costs twice as much
class Text:
    """A whole text message, however many fragments it came in."""

    text: str


@dataclass(frozen=True, slots=True)
class Ping:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    pass


@dataclass(frozen=True, slots=True)
class Close:
    """The peer closes; 1005 stands for "no code was given" (section 7.1.5)."""

    code: int
    reason: str


Incoming = Text | Ping | Pong | Close


class Violation(Exception):
    """The peer did what it must not: the connection is closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


def encode_text_frame(text: str) -> bytes:
    """One frame with the whole text, as a server sends it: not masked (section 5.1)."""
    return _encode(TEXT, text.encode())


def encode_ping_frame() -> bytes:
    return _encode(PING, b"")


def encode_pong_frame(payload: bytes) -> bytes:
    """The answer to a Ping: the same payload (section 5.5.3)."""
    return _encode(PONG, payload)


def encode_close_frame(code: int, reason: str = "") -> bytes:
    """1005 must not be sent (section 7.4.1): the frame for it is empty."""
    if code == CloseReason.NO_STATUS_RCVD:
        return _encode(CLOSE, b"")
    cut = reason.encode()[:REASON_BYTES].decode(errors="ignore").encode()
    return _encode(CLOSE, struct.pack("!H", code) + cut)


def _encode(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", first, size) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


class MessageReader:
    """Bytes of one client in, messages out. After a Violation or a Close it reads no more.

    Plain frames are cut out here, at a fifth of the cost. From the first byte on that is not one's,
    wsproto reads everything: also what is wrong."""

    __slots__ = ("_limit", "_protocol", "_started", "_taken")

    def __init__(self, limit: int) -> None:
        """`limit`: characters that one message may have."""
        #: Most connections never need one.
        self._protocol: FrameProtocol | None = None
        self._limit = limit
        self._started: StringIO | None = None
        self._taken = 0

    def feed(self, data: bytes) -> Iterator[Incoming]:
        """Messages that are complete with `data`, which is not empty. Raises Violation at the first
        wrong byte."""
        if self._protocol is None:
            read = 0
            while plain := _cut_plain_frame(data, read, self._limit):
                incoming, read = plain
                yield incoming
                if read == len(data):
                    return
            self._protocol, data = FrameProtocol(client=False, extensions=[]), data[read:]
        yield from self._parse(self._protocol, data)

    def _parse(self, protocol: FrameProtocol, data: bytes) -> Iterator[Incoming]:
        protocol.receive_bytes(data)
        try:
            for frame in protocol.received_frames():
                incoming = self._on_frame(frame)
                if incoming is not None:
                    yield incoming
        except ParseFailed as error:
            raise Violation(int(error.code), str(error)) from None

    def _on_frame(self, frame: Frame) -> Incoming | None:
        payload = frame.payload
        if isinstance(payload, str):
            return self._on_text(payload, finished=frame.message_finished)
        if isinstance(payload, tuple):
            return Close(int(payload[0]), payload[1])
        if frame.opcode is Opcode.PING:
            return Ping(bytes(payload))
        if frame.opcode is Opcode.PONG:
            return Pong()
        raise Violation(CloseReason.UNSUPPORTED_DATA, "text messages only")

    def _on_text(self, part: str, *, finished: bool) -> Text | None:
        self._taken += len(part)
        if self._taken > self._limit:
            raise Violation(
                CloseReason.MESSAGE_TOO_BIG, f"a message has at most {self._limit} characters"
            )
        if finished and self._started is None:
            self._taken = 0
            return Text(part)
        return self._collect(part, finished=finished)

    def _collect(self, part: str, *, finished: bool) -> Text | None:
        if self._started is None:
            self._started = StringIO()
        self._started.write(part)
        if not finished:
            return None
        text = self._started.getvalue()
        self._started, self._taken = None, 0
        return Text(text)


def _cut_plain_frame(data: bytes, start: int, limit: int) -> tuple[Text | Pong, int] | None:
    """The frame that begins there, and where the next one does. None unless it is all there, a
    whole text or a Pong, not longer than `limit`, and right in every way."""
    head = data[start : start + 4]
    size, begin = _plain_size(head)
    end = start + begin + 4 + size
    if size < 0 or end > len(data):
        return None
    if head[0] == PONG:
        return Pong(), end
    payload = _unmask(data[end - size : end], data[end - size - 4 : end - size])
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    return (Text(text), end) if len(text) <= limit else None


def _plain_size(head: bytes) -> tuple[int, int]:
    """Of a frame with this beginning: the size of its payload, -1 when it is no plain one, and how
    many bytes come before the mask (section 5.2)."""
    if len(head) < 4 or head[0] not in (TEXT, PONG) or head[1] < MASKED:
        return -1, 0
    size = head[1] - MASKED
    if size < TWO_BYTES:
        return size, 2
    size = int.from_bytes(head[2:])
    is_plain = head[1] == MASKED + TWO_BYTES and size >= TWO_BYTES and head[0] == TEXT
    return (size, 4) if is_plain else (-1, 0)


def _unmask(payload: bytes, mask: bytes) -> bytes:
    """Each byte with its byte of the mask (section 5.3): all in one operation on a long number."""
    size = len(payload)
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(pattern)).to_bytes(size)
