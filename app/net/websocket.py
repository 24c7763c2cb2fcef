"""One accepted WebSocket on a gevent socket: the reader, writes that are complete or not begun,
the close handshake. Called by `pns.node`; `net.upgrade` makes them."""

import contextlib
import logging
import socket as stdlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import gevent
from gevent import monkey, socket
from wsproto.frame_protocol import CloseReason

from app.net.framing import (
    Close,
    Incoming,
    MessageReader,
    Ping,
    Text,
    Violation,
    encode_close_frame,
    encode_ping_frame,
    encode_pong_frame,
)

log = logging.getLogger(__name__)

RECEIVE_BYTES = 4096
#: Read at once from a peer that is not listened to any more.
DRAIN_BYTES = 1 << 16
#: Seconds of rest after a full read: no peer gets more than some 200 kB a second parsed, which is a
#: hundred times what acknowledgements need.
BRAKE = 0.02
#: What a frame costs here while it waits, its bytes apart: Pongs have next to none.
WAITING_FRAME_BYTES = 256
PING_FRAME = encode_ping_frame()
READABLE = 1

#: Python's own socket: a write returns at once, which gevent's would not.
RawSocket: type[stdlib.socket] = monkey.get_original("socket", "socket")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer may cost. Bytes, seconds."""

    message_characters: int = 16_384
    #: Bytes that may wait here for a peer that reads slowly, each frame with its cost; the kernel's
    #: buffer comes on top.
    backlog_bytes: int = 1 << 20
    #: How long a peer may take no byte at all.
    send_timeout: float = 20.0
    #: How long the peer's part of the close handshake may take.
    close_timeout: float = 3.0


class WebSocket:
    """`send` and `close` never block and never yield to another greenlet: frames of two callers
    cannot mix, a caller that is killed cannot leave half a frame behind, and one slow reader
    delays nobody. What the kernel does not take at once waits in the backlog, which has a greenlet
    of its own only while it is not empty."""

    __slots__ = (
        "_backlog",
        "_backlog_bytes",
        "_closing",
        "_deadline",
        "_flusher",
        "_head_begun",
        "_heard",
        "_hub",
        "_limits",
        "_over",
        "_pinged",
        "_readable",
        "_reader",
        "_sock",
        "_was_full",
        "close_code",
    )

    def __init__(self, fileno: int, limits: Limits | None = None) -> None:
        """Takes the file descriptor of a connected TCP socket and closes it at the end."""
        self._sock = RawSocket(fileno=fileno)
        self._sock.setblocking(False)
        self._hub = gevent.get_hub()
        self._readable = self._hub.loop.io(fileno, READABLE)
        self._limits = limits or Limits()
        self._reader = MessageReader(self._limits.message_characters)
        self._backlog: deque[memoryview] | None = None
        self._backlog_bytes = 0
        self._head_begun = False
        self._flusher: gevent.Greenlet[[], None] | None = None
        self._deadline: gevent.Greenlet[[], None] | None = None
        self._closing = False
        self._over = False
        self._heard = True
        self._pinged = False
        self._was_full = False
        #: How the connection ended: our code or the peer's; 1006 when nobody said so.
        self.close_code: int = CloseReason.ABNORMAL_CLOSURE

    # -- writing ---------------------------------------------------------------------------------

    def send(self, frame: bytes) -> bool:
        """Send a frame made by `encode_text_frame`. False: the connection is closing or was too
        slow and is closing now; the frame is not sent."""
        if self._closing:
            return False
        return self._send(frame)

    def _send(self, frame: bytes) -> bool:
        if not self._backlog:
            sent = self._write(frame)
            return sent == len(frame) or self._queue(frame, sent)
        waiting = self._backlog_bytes + WAITING_FRAME_BYTES * len(self._backlog)
        if waiting + len(frame) > self._limits.backlog_bytes:
            self._drop_unsent()
            self.close(CloseReason.TRY_AGAIN_LATER, "too slow, come back")
            return False
        return self._queue(frame, 0)

    def _write(self, data: bytes | memoryview) -> int:
        """How many bytes the kernel took: a short write is the rule for a slow reader."""
        if self._over:
            return 0
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.abort()
            return 0

    def _queue(self, frame: bytes, sent: int) -> bool:
        if self._over:
            return False
        if self._backlog is None:
            self._backlog = deque()
        rest = memoryview(frame)[sent:]
        self._backlog.append(rest)
        self._head_begun = self._head_begun or sent > 0
        self._backlog_bytes += len(rest)
        if self._flusher is None:
            self._flusher = gevent.spawn(self._flush)
        return True

    def _flush(self) -> None:
        try:
            while self._backlog and not self._over:
                socket.wait_write(self._sock.fileno(), self._limits.send_timeout)
                self._write_backlog(self._backlog)
        except OSError:  # TimeoutError is one: the peer took no byte for too long
            self.close_code = CloseReason.TRY_AGAIN_LATER
            self.abort()
        finally:
            self._flusher = None

    def _write_backlog(self, backlog: deque[memoryview]) -> None:
        while backlog and not self._over:
            sent = self._write(backlog[0])
            self._backlog_bytes -= sent
            if sent < len(backlog[0]):
                backlog[0] = backlog[0][sent:]
                self._head_begun = self._head_begun or sent > 0
                return
            backlog.popleft()
            self._head_begun = False

    def _drop_unsent(self) -> None:
        """Forget the backlog, except the rest of a frame that the peer has begun to receive."""
        if not self._backlog:
            return
        while len(self._backlog) > self._head_begun:
            self._backlog.pop()
        self._backlog_bytes = sum(map(len, self._backlog))

    # -- closing ---------------------------------------------------------------------------------

    def close(self, code: int, reason: str = "") -> None:
        """Begin the close handshake (section 7.1.2); the peer has `close_timeout` for its part."""
        if self._closing:
            return
        self._closing = True
        self.close_code = code
        self._send_last(encode_close_frame(code, reason))
        self._deadline = gevent.spawn_later(self._limits.close_timeout, self.abort)

    def _send_last(self, frame: bytes) -> None:
        """The Close frame goes behind everything that waits, whatever the limit."""
        sent = 0 if self._backlog else self._write(frame)
        if sent < len(frame):
            self._queue(frame, sent)

    def abort(self) -> None:
        """End the TCP connection; the reader notices and cleans up."""
        if self._over:
            return
        self._over = self._closing = True
        with contextlib.suppress(OSError):  # the peer was faster
            self._sock.shutdown(socket.SHUT_RDWR)

    def ping(self) -> None:
        """Called at each turn of the sweeper: whoever was silent since the last turn is asked, and
        whoever did not answer until the next is gone."""
        if self._heard:
            self._heard = self._pinged = False
        elif self._pinged:
            self.abort()
        else:
            self._pinged = True
            self.send(PING_FRAME)

    # -- reading ---------------------------------------------------------------------------------

    def serve(self, on_text: Callable[[str], None]) -> None:
        """Read until the connection is over, in the caller's greenlet: the only reader there is.

        `on_text` gets each message; it may raise Violation. Returns when the socket is closed."""
        try:
            self._read(on_text)
        except OSError:
            pass
        finally:
            self._end()

    def _read(self, on_text: Callable[[str], None]) -> None:
        while data := self._receive():
            self._heard = True
            try:
                for incoming in self._reader.feed(data):
                    if self._on_incoming(incoming, on_text):
                        return self._finish()
            except Violation as violation:
                return self._fail(violation)
        return None

    def _receive(self, size: int = RECEIVE_BYTES) -> bytes:
        """What has arrived; waits for it. Empty: the peer hung up. Whoever sends without a pause
        leaves the others their turn, and most of the processor."""
        if self._was_full:
            gevent.sleep(BRAKE)
        while True:
            self._hub.wait(self._readable)  # first: most often nothing is there yet
            try:
                data = self._sock.recv(size)
            except BlockingIOError:
                continue
            self._was_full = len(data) == size
            return data

    def _on_incoming(self, incoming: Incoming, on_text: Callable[[str], None]) -> bool:
        """True when the closing handshake is complete with this."""
        if isinstance(incoming, Close):
            self._on_close(incoming)
            return True
        if isinstance(incoming, Ping):
            self.send(encode_pong_frame(incoming.payload))
        elif isinstance(incoming, Text) and not self._closing:
            self._deliver(incoming.text, on_text)
        return False

    def _deliver(self, text: str, on_text: Callable[[str], None]) -> None:
        try:
            on_text(text)
        except Violation:
            raise
        except Exception:
            log.exception("a message could not be handled")
            raise Violation(CloseReason.INTERNAL_ERROR, "internal error") from None

    def _on_close(self, close: Close) -> None:
        """Echo the peer's code (section 5.5.1), unless this is its answer to our own Close."""
        if not self._closing:
            self._closing = True
            self.close_code = close.code
            self._send_last(encode_close_frame(close.code))

    def _fail(self, violation: Violation) -> None:
        """Say why, then read without understanding until the peer hangs up (section 7.1.7): closing
        with unread bytes would reset the connection and take the Close frame with it."""
        self.close(violation.code, violation.reason)
        self._finish()
        if not self._over:
            self._sock.shutdown(socket.SHUT_WR)
        while self._receive(DRAIN_BYTES):
            pass

    def _finish(self) -> None:
        """Let the last bytes out."""
        if self._flusher is not None:
            self._flusher.join(self._limits.close_timeout)

    def _end(self) -> None:
        self._over = self._closing = True
        for greenlet in (self._deadline, self._flusher):
            if greenlet is not None:
                greenlet.kill()
        self._backlog = None
        self._readable.close()
        self._sock.close()
