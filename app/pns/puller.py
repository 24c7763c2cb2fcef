"""Reads pending rows for all dirty connections of this turn and sends them: the one routine behind
ring, replay and sweep. A part of `pns.node`."""

import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple

import gevent
from gevent.event import Event

from app import clock, metrics
from app.db import Database
from app.faults import Faults
from app.journal import Journal
from app.net.framing import encode_text_frame
from app.pns import pending, wire
from app.pns.connections import Connection, Connections
from app.pns.pending import Content, Turn
from app.pns.session import Pulled, Row

log = logging.getLogger(__name__)

#: Connections in one query.
AT_ONCE = 500
#: Connections served between two looks at the other greenlets.
YIELD_EVERY = 200
#: Seconds before the next try when the database does not answer.
RETRY = 0.5


class Frame(NamedTuple):
    """A message and its bytes on the wire: built once, for however many sockets."""

    text: str
    octets: bytes


class Puller:
    """One greenlet, so one pull per connection at a time. `name` says which node this is."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        faults: Faults,
        connections: Connections,
        name: Callable[[], str],
    ) -> None:
        self._name = name
        self._connections = connections
        self._database = database
        self._journal = journal
        self._faults = faults
        self._due: dict[Connection, None] = {}
        self._wake = Event()
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None

    def mark_dirty(self, connections: Iterable[Connection]) -> None:
        """Something may be pending for these."""
        for connection in connections:
            connection.session.dirty = True
            self.look_at(connection)

    def look_at(self, connection: Connection) -> None:
        """Pull for it when there is a reason and room."""
        if connection.session.is_due:
            if not self._due:
                self._wake.set()
            self._due[connection] = None

    def _run(self) -> None:
        while True:
            self._wake.wait()
            gevent.sleep(0)  # whoever is rung meanwhile is pulled for by the same query
            self._wake.clear()
            due, self._due = list(self._due), {}
            for start in range(0, len(due), AT_ONCE):
                self._pull(due[start : start + AT_ONCE])

    def _pull(self, connections: list[Connection]) -> None:
        due = [connection for connection in connections if self._is_due(connection)]
        wants = [connection.session.wants() for connection in due]
        try:
            with self._database.engine.connect() as connection:
                turn = pending.pull(connection, wants)
        except Exception:
            log.exception("pending notifications could not be read")
            self._try_again(due)
        else:
            self._send_all(due, turn)
            self._forget(turn.lost)

    def _is_due(self, connection: Connection) -> bool:
        """A socket whose place another one took is not served any more: in one turn with the other
        it would get that one's rows, and the other its own."""
        is_current = self._connections.get(connection.connection_id) is connection
        return is_current and connection.session.is_due

    def _try_again(self, due: list[Connection]) -> None:
        for connection in due:
            connection.session.on_pull_failed()
            self.look_at(connection)
        gevent.sleep(RETRY)

    def _forget(self, lost: dict[str, list[Row]]) -> None:
        """It can never be sent, and counts as waiting. The next pull would find it again."""
        if not lost:
            return
        try:
            self._database.write(
                lambda session: pending.acknowledge(session.connection(), lost.items())
            )
        except Exception:
            log.exception("rows of notifications that are gone could not be deleted")

    def _send_all(self, due: list[Connection], turn: Turn) -> None:
        frames = {one.notification_id: _frame(one) for one in turn.contents.values()}
        sent = 0
        for number, connection in enumerate(due, 1):
            sent += self._send(connection, turn.pulled[connection.connection_id], frames)
            self.look_at(connection)
            if number % YIELD_EVERY == 0:
                gevent.sleep(0)
        metrics.DELIVERED.inc(sent)

    def _send(self, connection: Connection, pulled: Pulled, frames: dict[str, Frame]) -> int:
        """How many were sent. A connection that this fails for has an unknown state: it must come
        back and begin at the first pending row."""
        try:
            self._write(connection, pulled, frames)
        except Exception:
            log.exception("notifications could not be sent to %s", connection.connection_id)
            connection.websocket.close(wire.TOO_SLOW, "come back")
            return 0
        return len(pulled.rows)

    def _write(self, connection: Connection, pulled: Pulled, frames: dict[str, Frame]) -> None:
        if pulled.rows:
            self._faults.reach("node.before_send")
        behind = connection.session.on_pulled(pulled)
        for row in pulled.rows:
            at = clock.now()  # what the write causes may be reported before this goes on
            frame = frames[row.notification_id]
            connection.websocket.send(frame.octets)
            self._report(connection, row, frame, at)
        if behind is not None:
            connection.websocket.send(encode_text_frame(behind))
            metrics.REPLAYS.inc()
        if pulled.rows:
            self._faults.reach("node.after_send")

    def _report(self, connection: Connection, row: Row, frame: Frame, at: float) -> None:
        if self._journal.enabled:
            self._journal.write(
                "node.delivered",
                actor="node",
                user_id=connection.held.user_id,
                connection_id=connection.connection_id,
                notification_id=row.notification_id,
                summary="The node sent the notification over the device's WebSocket.",
                detail={"node": self._name(), "seq": row.seq, "plaintext": frame.text},
                at=at,
            )


def _frame(content: Content) -> Frame:
    text = wire.notification(
        content.notification_id, content.seq, content.data, clock.iso(content.created_at)
    )
    return Frame(text, encode_text_frame(text))
