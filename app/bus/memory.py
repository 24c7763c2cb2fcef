"""memory://  The bus of one process.

Guarantees: order per process; at most once; a ring waits for room among a thousand, then is lost.
URL: no options."""

import contextlib
import logging
import queue
import threading
import uuid

from app.bus.contract import BusError, Handler
from app.bus.envelope import Envelope

log = logging.getLogger(__name__)

WAITING = 1000


class MemoryBus:
    """Hands envelopes over by a thread of its own, as the adapters with a broker do."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._waiting: queue.Queue[tuple[str, bytes] | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="memory-bus", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        if self._thread is None:
            return
        self._forget_waiting()
        self._waiting.put(None)
        self._thread.join()
        self._thread = None

    def subscribe(self, handler: Handler) -> str:
        node_uri = f"memory://{uuid.uuid4()}"
        self._handlers[node_uri] = handler
        return node_uri

    def unsubscribe(self, node_uri: str) -> None:
        self._handlers.pop(node_uri, None)

    def ring(self, node_uri: str, envelope: Envelope, timeout: float) -> None:
        try:
            self._waiting.put((node_uri, envelope.to_bytes()), timeout=timeout)
        except queue.Full:
            raise BusError("too many envelopes wait") from None

    def join(self) -> None:
        """For tests: wait until everything rung so far is handled."""
        self._waiting.join()

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            self._hand_over(*item)
            self._waiting.task_done()
        self._waiting.task_done()

    def _hand_over(self, node_uri: str, data: bytes) -> None:
        handler = self._handlers.get(node_uri)
        if handler is None:
            return
        try:
            handler(Envelope.from_bytes(data))
        except Exception:
            log.exception("a node could not handle a ring")

    def _forget_waiting(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
                self._waiting.task_done()
