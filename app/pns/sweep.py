"""Every few seconds: what rings may have missed. A part of `pns.node`."""

import logging
from collections.abc import Callable, Sequence
from functools import partial

import gevent

from app import clock, metrics
from app.db import Database
from app.faults import Faults
from app.pns import pending, registry, wire
from app.pns.connections import Connection, Connections
from app.pns.puller import Puller

log = logging.getLogger(__name__)

#: Seconds a window may stay full without an acknowledgement.
PATIENCE = 30.0
#: Records looked at between two turns of the other greenlets: a read from SQLite yields to none.
AT_ONCE = 500


class Sweep:
    """Heals a lost ring, a lost record, an ended session within one interval."""

    def __init__(
        self,
        database: Database,
        faults: Faults,
        connections: Connections,
        puller: Puller,
        expire: Callable[[], None],
        interval: float,
    ) -> None:
        self._database = database
        self._faults = faults
        self._connections = connections
        self._puller = puller
        self._expire = expire
        self._interval = interval
        self._node_uri = ""
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def start(self, node_uri: str) -> None:
        """For this incarnation from now on."""
        self._node_uri = node_uri
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
        """One sweep. A part that fails is logged and comes again at the next."""
        begin = partial(self._faults.reach, "node.before_sweep")
        parts = (begin, self._check_records, self._find_unrung, self._close_stalled, self._expire)
        for part in parts:
            try:
                part()
            except Exception:
                metrics.SWEEP_FAILURES.inc()
                log.exception("a part of the sweep failed")
        metrics.SWEEPS.inc()

    def _check_records(self) -> None:
        """Close what is ours no longer: signed out, taken over by a newer socket, or given away
        by a node that took us for dead."""
        node_uri, ours = self._node_uri, list(self._connections)
        for start in range(0, len(ours), AT_ONCE):
            self._check(ours[start : start + AT_ONCE], node_uri)
            gevent.sleep(0)

    def _check(self, ours: Sequence[Connection], node_uri: str) -> None:
        held = {one.connection_id: one.held.epoch for one in ours}
        with self._database.engine.connect() as database:
            if registry.are_held(database, held, node_uri):
                return
            owners = registry.owners(database, held)
        for connection in ours:
            owner = owners.get(connection.connection_id)
            if owner is None:
                connection.websocket.close(wire.SESSION_ENDED, "session ended")
            elif owner.epoch != connection.held.epoch:
                connection.websocket.close(wire.REPLACED, "replaced")
            elif owner.node_uri != node_uri:
                connection.websocket.close(wire.RESTARTING, "come back")

    def _find_unrung(self) -> None:
        with self._database.read() as session:
            waiting = pending.newest_waiting(session, self._node_uri)
        found = ((self._connections.get(one), newest) for one, newest in waiting.items())
        unrung = [one for one, newest in found if one and _is_behind(one, newest)]
        if unrung:
            self._faults.reach("node.after_sweep")
        self._puller.mark_dirty(unrung)

    def _close_stalled(self) -> None:
        now = clock.now()
        for connection in self._connections:
            if connection.session.stalled(now, PATIENCE):
                connection.websocket.close(wire.TOO_SLOW, "no acknowledgement, come back")


def _is_behind(connection: Connection, newest: int) -> bool:
    return newest > connection.session.sent_seq
