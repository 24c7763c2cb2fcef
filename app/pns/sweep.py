"""Every few seconds: what rings may have missed. A part of `pns.node`."""

import logging
from collections.abc import Callable

import gevent

from app import clock
from app.db import Database
from app.pns import pending, registry, wire
from app.pns.connections import Connection, Connections
from app.pns.puller import Puller

log = logging.getLogger(__name__)

#: Seconds a window may stay full without an acknowledgement.
PATIENCE = 30.0


class Sweep:
    """Heals a lost ring, a lost record, an ended session within one interval."""

    def __init__(
        self,
        database: Database,
        connections: Connections,
        puller: Puller,
        expire: Callable[[], None],
        interval: float,
    ) -> None:
        self._database = database
        self._connections = connections
        self._puller = puller
        self._expire = expire
        self._interval = interval
        self._greenlet: gevent.Greenlet[[str], None] | None = None

    def start(self, node_uri: str) -> None:
        self._greenlet = gevent.spawn(self._run, node_uri)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None

    def _run(self, node_uri: str) -> None:
        while True:
            gevent.sleep(self._interval)
            self.turn(node_uri)

    def turn(self, node_uri: str) -> None:
        """One sweep. A part that fails is logged and comes again at the next."""
        parts: tuple[Callable[[], None], ...] = (
            self._check_records,
            lambda: self._find_unrung(node_uri),
            self._close_stalled,
            self._expire,
        )
        for part in parts:
            try:
                part()
            except Exception:
                log.exception("a part of the sweep failed")

    def _check_records(self) -> None:
        """Close what is ours no longer: taken over by a newer socket, or signed out."""
        ours = list(self._connections)
        with self._database.read() as session:
            epochs = registry.epochs(session, [one.connection_id for one in ours])
        for connection in ours:
            epoch = epochs.get(connection.connection_id)
            if epoch is None:
                connection.websocket.close(wire.SESSION_ENDED, "session ended")
            elif epoch != connection.held.epoch:
                connection.websocket.close(wire.REPLACED, "replaced")

    def _find_unrung(self, node_uri: str) -> None:
        with self._database.read() as session:
            waiting = pending.newest_waiting(session, node_uri)
        found = ((self._connections.get(one), newest) for one, newest in waiting.items())
        self._puller.mark_dirty(one for one, newest in found if one and _is_behind(one, newest))

    def _close_stalled(self) -> None:
        now = clock.now()
        for connection in self._connections:
            if connection.session.stalled(now, PATIENCE):
                connection.websocket.close(wire.TOO_SLOW, "no acknowledgement, come back")


def _is_behind(connection: Connection, newest: int) -> bool:
    return newest > connection.session.sent_seq
