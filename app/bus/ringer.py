"""Rings off the request's path. Whoever committed something calls `ring` and goes on; a dead broker
slows nobody. Made by wiring."""

import logging
import threading
from collections.abc import Iterable

from app.bus.contract import Bus, BusError
from app.bus.envelope import Envelope

log = logging.getLogger(__name__)

#: Users or ids that may wait for one node in one envelope; what comes on top is left to the sweep.
WAITING = 10_000
TIMEOUT = 2.0

Address = tuple[str, str, str]


class Ringer:
    """Keeps at most one envelope per node, kind and `what`: rings that wait become one."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: dict[Address, Envelope] = {}
        self._changed = threading.Condition()
        self._busy = False
        self._stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._stopped = False
            self._thread = threading.Thread(target=self._run, name="ringer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Forget what waits and end."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def ring(self, node_uris: Iterable[str], envelope: Envelope) -> None:
        """Tell each of these nodes, soon. Never waits, never raises."""
        with self._changed:
            for node_uri in node_uris:
                self._add(node_uri, envelope)
            self._changed.notify_all()

    def join(self, timeout: float | None = None) -> bool:
        """For tests: wait until everything rung so far is with the bus."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def _add(self, node_uri: str, envelope: Envelope) -> None:
        address = (node_uri, envelope.kind, envelope.what)
        waiting = self._waiting.get(address)
        if waiting is None:
            self._waiting[address] = envelope
        elif len(waiting.user_ids) + len(waiting.ids) < WAITING:
            self._waiting[address] = waiting.merge(envelope)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                if self._stopped:
                    return
                waiting, self._waiting = self._waiting, {}
                self._busy = True
            for (node_uri, _kind, _what), envelope in waiting.items():
                self._hand_over(node_uri, envelope)

    def _hand_over(self, node_uri: str, envelope: Envelope) -> None:
        try:
            self._bus.ring(node_uri, envelope, TIMEOUT)
        except BusError as error:
            log.warning("%s was not rung: %s", node_uri, error)
        except Exception:
            log.exception("%s was not rung", node_uri)
