"""Rings without holding anybody up. Whoever committed something calls `ring` and goes on; a dead
broker slows nobody, and a dead node no other. Made by wiring."""

import _thread
import logging
import threading
from collections.abc import Callable, Collection, Iterable

from app import metrics
from app.bus.contract import Bus, BusError
from app.bus.envelope import Envelope
from app.faults import OFF, Faults

log = logging.getLogger(__name__)

#: Users or ids that may wait for one node in one envelope; what comes on top is left to the sweep.
WAITING = 10_000
TIMEOUT = 2.0
#: Nodes of which it is known that they do not answer.
REMEMBERED = 1000

#: In the place of a node: the nodes of the envelope's users, who are still to be looked up.
THEIR_NODES = ""

#: The nodes that hold a connection of any of these users, at this moment.
FindNodes = Callable[[Collection[int]], Collection[str]]

#: Kind and `what`: envelopes that have both in common become one.
Subject = tuple[str, str]


class Ringer:
    """Rings that wait for a node become one. Each node is rung by a thread of its own, which lives
    while something waits for it; so are nodes looked up.

    `at_once`: neither `find_nodes` nor the bus waits for anything, as in a process that has its
    only node itself. Then no ring waits here either: it is with the bus when the call returns."""

    def __init__(
        self, bus: Bus, find_nodes: FindNodes, faults: Faults = OFF, *, at_once: bool = False
    ) -> None:
        self._bus = bus
        self._find_nodes = find_nodes
        self._faults = faults
        self._at_once = at_once
        self._waiting: dict[str, dict[Subject, Envelope]] = {}
        self._ringing: set[str] = set()
        self._silent: set[str] = set()
        self._changed = threading.Condition()
        self._stopped = True

    def start(self) -> None:
        self._stopped = False

    def stop(self) -> None:
        """Ring no more: forget what waits, and wait for what is under way."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
        self.join(2 * TIMEOUT)

    def tell(self, envelope: Envelope) -> None:
        """Tell the nodes of the envelope's users, soon. Never waits, never raises.

        Call it after the commit that they are to hear of: the nodes are looked up after that, and
        whoever takes a device over still later sees that commit by itself."""
        self.ring([THEIR_NODES], envelope)

    def ring(self, node_uris: Iterable[str], envelope: Envelope) -> None:
        """Tell each of these nodes, soon. Never waits, never raises."""
        if self._at_once and not self._stopped and not self._faults.armed():
            # Without faults, as one that holds a ring must not hold the caller.
            for node_uri in node_uris:
                self._hand_over(node_uri, envelope)
            return
        with self._changed:
            for node_uri in node_uris:
                self._add(node_uri, envelope)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until everything rung so far is with the bus; False when the time is up first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._ringing, timeout)

    def _add(self, node_uri: str, envelope: Envelope) -> None:
        if self._stopped:
            return
        subjects = self._waiting.setdefault(node_uri, {})
        subject = (envelope.kind, envelope.what)
        waiting = subjects.get(subject)
        if waiting is None:
            subjects[subject] = envelope
        elif len(waiting.user_ids) + len(waiting.ids) < WAITING:
            subjects[subject] = waiting.merge(envelope)
        if node_uri not in self._ringing:
            self._ringing.add(node_uri)
            # Not threading's: its start() waits for the thread to run, so the caller would.
            _thread.start_new_thread(self._run, (node_uri,))

    def _run(self, node_uri: str) -> None:
        for envelope in iter(lambda: self._next(node_uri), None):
            self._hand_over(node_uri, envelope)

    def _next(self, node_uri: str) -> Envelope | None:
        """What waits for this node, the first first; None ends its thread."""
        with self._changed:
            subjects = self._waiting.get(node_uri)
            if subjects:
                return subjects.pop(next(iter(subjects)))
            self._waiting.pop(node_uri, None)
            self._ringing.discard(node_uri)
            self._changed.notify_all()
            return None

    def _hand_over(self, node_uri: str, envelope: Envelope) -> None:
        if node_uri == THEIR_NODES:
            self._look_up(envelope)
        else:
            self._ring_bus(node_uri, envelope)

    def _look_up(self, envelope: Envelope) -> None:
        try:
            nodes = self._find_nodes(envelope.user_ids)
        except Exception:
            log.exception(
                "nodes could not be looked up; what they were to hear is left to the sweep"
            )
        else:
            self.ring(nodes, envelope)

    def _ring_bus(self, node_uri: str, envelope: Envelope) -> None:
        try:
            self._faults.reach("ringer.before_ring")
            # At once: a bus that is full gives its own greenlet one turn, and then refuses.
            self._bus.ring(node_uri, envelope, 0.0 if self._at_once else TIMEOUT)
            self._faults.reach("ringer.after_ring")
            self._silent.discard(node_uri)
            metrics.RINGS.labels("handed over").inc()
        except BusError as error:
            metrics.RINGS.labels("failed").inc()
            self._complain(node_uri, error)
        except Exception:
            metrics.RINGS.labels("failed").inc()
            log.exception("%s was not rung", node_uri)

    def _complain(self, node_uri: str, error: BusError) -> None:
        """Once: a dead node is rung until the others have noticed."""
        if node_uri not in self._silent:
            log.warning("%s was not rung: %s", node_uri, error)
        if len(self._silent) > REMEMBERED:
            self._silent.clear()
        self._silent.add(node_uri)
