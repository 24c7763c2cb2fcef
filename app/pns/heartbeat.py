"""Says every few seconds that this incarnation of a node lives, and ends those that fell silent. A
part of `pns.node`."""

import logging
from collections.abc import Callable

import gevent

from app import metrics
from app.db import Database
from app.faults import Faults
from app.pns import nodes

log = logging.getLogger(__name__)

#: Beats that a node may miss before it is taken for dead.
PATIENCE = 5
#: Own beats in a row that must have gone through before others are judged: when the database was
#: away, everybody was silent, and the first to come back must not end all others.
STREAK = 2


class Heartbeat:
    """`on_ended` is called when others have taken this incarnation for dead."""

    def __init__(
        self,
        database: Database,
        faults: Faults,
        on_ended: Callable[[], None],
        interval: float = 2.0,
    ) -> None:
        self._database = database
        self._faults = faults
        self._on_ended = on_ended
        self._interval = interval
        self._node_uri = ""
        self._streak = 0
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def start(self, node_uri: str) -> None:
        """For this incarnation from now on, whose row is there."""
        self._node_uri = node_uri
        self._streak = 0
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None

    def _run(self) -> None:
        while True:
            gevent.sleep(self._interval)
            self.turn()

    def turn(self) -> None:
        """One beat, and what follows from it."""
        try:
            self._beat()
        except Exception:
            self._streak = 0
            metrics.HEARTBEAT_FAILURES.inc()
            log.exception("a heartbeat did not get through")

    def _beat(self) -> None:
        node_uri = self._node_uri
        if not self._database.write(lambda session: nodes.beat(session, node_uri)):
            log.warning("this node was taken for dead; it begins anew")
            self._on_ended()
            return
        self._faults.reach("node.after_beat")
        self._streak += 1
        if self._streak >= STREAK:
            self._end_silent(node_uri)

    def _end_silent(self, node_uri: str) -> None:
        patience = PATIENCE * self._interval
        dead = self._database.write(lambda session: nodes.end_silent(session, node_uri, patience))
        while self._database.write_alone(nodes.release_strangers):
            pass
        if dead:
            self._faults.reach("node.after_end_silent")
            log.warning("dead nodes, whose devices are offline now: %s", ", ".join(dead))
