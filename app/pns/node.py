"""A PNS node: holds the WebSockets of devices and delivers what is pending for them. Made and
started by wiring in a process with the role `node`, where gevent is patched in; `pns.endpoint`
brings the sockets, the bus brings the rings.

The parts: `connections` the map, `puller` sends, `acks` deletes, `sweep` heals, `heartbeat` tells
the living from the dead, `gate` keeps a storm of handshakes out.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from gevent.pool import Group
from sqlalchemy.engine import Connection as DatabaseConnection
from sqlalchemy.orm import Session

from app import accounts, devices
from app.bus.contract import Bus
from app.bus.envelope import Envelope
from app.db import Database
from app.errors import SignedOut, TryAgain
from app.faults import Faults
from app.journal import Journal
from app.net.framing import Violation, encode_text_frame
from app.net.pinger import Pinger
from app.net.websocket import Limits, WebSocket
from app.pns import nodes, registry, wire
from app.pns.acks import Acks
from app.pns.connections import Connection, Connections
from app.pns.gate import Gate
from app.pns.heartbeat import Heartbeat
from app.pns.puller import Puller
from app.pns.registry import Held
from app.pns.session import PnsSession
from app.pns.sweep import Sweep

log = logging.getLogger(__name__)

#: Seconds that clients have for their part of the closing handshake when the node stops.
FAREWELL = 5.0


@dataclass(frozen=True, slots=True)
class Admitted:
    """A device that may connect. `resumed`: its record was there before this handshake. `touch`:
    the session whose days begin anew with it, when that was not written down lately."""

    connection_id: str
    resumed: bool
    touch: str | None = None


def _nothing() -> None:
    pass


class Node:
    """One incarnation from `start` to `stop`, unless others take it for dead: then the next one
    begins. `only_node`: nobody else holds connections, so what the registry says of others is left
    over from a process that was killed."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        journal: Journal,
        faults: Faults,
        *,
        sweep_seconds: float = 5.0,
        beat_seconds: float = 2.0,
        expire: Callable[[], None] = _nothing,
        only_node: bool = True,
        limits: Limits | None = None,
    ) -> None:
        self.node_uri = ""
        self.connections = Connections()
        self._database = database
        self._bus = bus
        self._faults = faults
        self._only_node = only_node
        self._limits = limits
        self._greenlets = Group()
        self._gate = Gate()
        self._pinger = Pinger()
        self._puller = Puller(database, journal, faults, self.connections, lambda: self.public_name)
        self._acks = Acks(database, journal, faults, lambda: self.public_name)
        self._sweep = Sweep(database, faults, self.connections, self._puller, expire, sweep_seconds)
        self._heartbeat = Heartbeat(database, faults, self._begin_anew, beat_seconds)

    @property
    def public_name(self) -> str:
        """How outsiders call this incarnation; empty between two of them."""
        return nodes.public_name(self.node_uri)

    def start(self) -> None:
        for part in (self._puller, self._acks, self._pinger):
            part.start()
        self._begin()

    def stop(self) -> None:
        """Say 1012 to everybody, store what they acknowledged, release their records; then give
        them time to answer. From the release on they may already be somebody else's."""
        for part in (self._heartbeat, self._sweep, self._puller, self._pinger):
            part.stop()
        ended, given_up = self._end()
        self._acks.stop()
        self._release(given_up)
        self._forget(ended)
        self._greenlets.join(FAREWELL)
        self._greenlets.kill()

    # -- incarnations ----------------------------------------------------------------------------

    def _begin(self) -> None:
        """Its row first: a device must not name an incarnation that nobody has heard of."""
        node_uri = self._bus.subscribe(self.handle)
        try:
            self._database.write(lambda db: self._register(db, node_uri))
            self._faults.reach("node.after_begin")
        except Exception:
            self._bus.unsubscribe(node_uri)
            raise
        self.node_uri = node_uri
        self._sweep.start(node_uri)
        self._heartbeat.start(node_uri)

    def _register(self, session: Session, node_uri: str) -> None:
        nodes.begin(session, node_uri)
        if self._only_node:
            nodes.end_others(session, node_uri)

    def _end(self) -> tuple[str, list[Connection]]:
        """The incarnation that ends here, and the connections that it had: they shall come back,
        wherever that is. From here on handshakes wait for the next one."""
        ended, self.node_uri = self.node_uri, ""
        self._bus.unsubscribe(ended)
        given_up = self.connections.clear()
        for connection in given_up:
            connection.websocket.close(wire.RESTARTING, "node restarting")
        return ended, given_up

    def _begin_anew(self) -> None:
        """Others took us for dead: what we hold may be somebody else's already."""
        self._end()
        self._begin()

    def _forget(self, ended: str) -> None:
        try:
            self._database.write(lambda db: nodes.end(db, ended))
        except Exception:
            log.exception("this incarnation could not be ended; it will be taken for dead")

    # -- handshake -------------------------------------------------------------------------------

    def admit(self, session_id: str, user_agent: str) -> Admitted:
        """Find or make the session's device, before the 101. Raises SignedOut, TryAgain."""
        known = self._database.read_together(registry.find, session_id)
        if known is None:
            raise SignedOut()
        self._gate.enter()
        if not self.node_uri:
            raise TryAgain("This node is stopping.")
        touch = session_id if accounts.needs_touch(known.last_seen_at) else None
        if known.connection_id is not None:
            # A sign-out may win from here on: then the take-over finds nothing.
            return Admitted(known.connection_id, resumed=True, touch=touch)
        admitted = self._database.write(lambda db: _register(db, session_id, user_agent, touch))
        self._faults.reach("node.after_register")
        return admitted

    def connect(self, upgraded: Callable[[Limits | None], WebSocket], admitted: Admitted) -> None:
        """Hold the socket from now on, in a greenlet of its own; returns at once."""
        self._greenlets.spawn(self._hold, upgraded(self._limits), admitted)

    def _hold(self, websocket: WebSocket, admitted: Admitted) -> None:
        connection = self._take_over(websocket, admitted)
        if connection is None:
            websocket.serve(lambda text: None)  # only to the end of the closing handshake
            return
        try:
            websocket.serve(partial(self._on_text, connection))
        finally:
            self._let_go(connection)

    def _take_over(self, websocket: WebSocket, admitted: Admitted) -> Connection | None:
        """The record first, committed; only then anything pending is read."""
        node_uri = self.node_uri
        if not node_uri:
            websocket.close(wire.RESTARTING, "node restarting")
            return None
        try:
            held = self._database.write_together(take_over_all, (admitted, node_uri))
            self._faults.reach("node.after_take_over")
        except Exception:
            log.exception("a device could not be taken over")
            websocket.close(wire.TOO_SLOW, "come back")
            return None
        if held is None:
            websocket.close(wire.SESSION_ENDED, "session ended")
            return None
        connection = self._welcome(websocket, held, resumed=admitted.resumed)
        if node_uri != self.node_uri:  # the incarnation ended since the handshake began
            websocket.close(wire.RESTARTING, "node restarting")
        return connection

    def _welcome(self, websocket: WebSocket, held: Held, *, resumed: bool) -> Connection | None:
        session = PnsSession(
            held.connection_id, last_seq=held.last_seq, expired_count=held.expired_count
        )
        connection = Connection(held, websocket, session)
        giving_way = self.connections.put(connection)
        if giving_way is not None:
            giving_way.websocket.close(wire.REPLACED, "replaced")
        if giving_way is connection:
            return None
        hello = wire.hello(
            held.connection_id, self.public_name, resumed=resumed, pending=held.pending
        )
        websocket.send(encode_text_frame(hello))
        self._pinger.add(websocket)
        self._puller.look_at(connection)
        return connection

    def _let_go(self, connection: Connection) -> None:
        self._pinger.discard(connection.websocket)
        if self.connections.remove(connection):
            self._release([connection])

    def _release(self, connections: list[Connection]) -> None:
        owned = [(one.connection_id, one.held.epoch) for one in connections]
        try:
            self._database.write_together(release_all, owned)
            self._faults.reach("node.after_release")
        except Exception:
            log.exception("%d devices could not be released", len(owned))

    # -- what arrives ----------------------------------------------------------------------------

    def _on_text(self, connection: Connection, text: str) -> None:
        try:
            ack = wire.parse(text)
        except wire.Breach as breach:
            raise Violation(wire.BREACH, str(breach)) from None
        self._acks.add(connection, connection.session.on_ack(ack))
        self._puller.look_at(connection)

    def handle(self, envelope: Envelope) -> None:
        """What the bus brings; quick, as the bus asks of its handlers."""
        if envelope.kind == "ring":
            self._faults.reach("node.after_ring")
            self._puller.mark_dirty(self.connections.of_users(envelope.user_ids))
        elif envelope.kind == "ended":
            self._on_ended(envelope.ids)
        else:
            self._on_hint(envelope)

    def _on_ended(self, connection_ids: tuple[str, ...]) -> None:
        for connection_id in connection_ids:
            connection = self.connections.get(connection_id)
            if connection is not None:
                connection.websocket.close(wire.SESSION_ENDED, "session ended")

    def _on_hint(self, envelope: Envelope) -> None:
        frame = encode_text_frame(wire.hint(envelope.what))
        for connection in self.connections.of_users(envelope.user_ids):
            connection.websocket.send(frame)


def _register(session: Session, session_id: str, user_agent: str, touch: str | None) -> Admitted:
    """Two first handshakes at once find the same record; the later one resumes it."""
    known = devices.find_by_session(session, session_id)
    record = devices.ensure_device(session, session_id, user_agent)
    return Admitted(record.connection_id, resumed=known is not None, touch=touch)


def take_over_all(
    database: DatabaseConnection, wishes: list[tuple[Admitted, str]]
) -> list[Held | None]:
    """Each device for the incarnation that it came to; None: it was signed out in the meantime.
    Sessions before records: the order in which a sign-out takes them."""
    accounts.touch_sessions(database, {one.touch for one, _ in wishes if one.touch is not None})
    held: list[Held | None] = []
    for node_uri, connection_ids in _parts(wishes):
        held += registry.take_over(database, connection_ids, node_uri)
    return held


def release_all(database: DatabaseConnection, leaving: list[list[tuple[str, int]]]) -> list[None]:
    """Whoever leaves at the same time, with one statement and in one order."""
    registry.release(database, (one for owned in leaving for one in owned))
    return [None] * len(leaving)


def _parts(wishes: list[tuple[Admitted, str]]) -> Iterator[tuple[str, list[str]]]:
    """As they came; in each part one incarnation and no device twice."""
    part: dict[str, None] = {}
    owner = ""
    for admitted, node_uri in wishes:
        if part and (node_uri != owner or admitted.connection_id in part):
            yield owner, list(part)
            part = {}
        owner = node_uri
        part[admitted.connection_id] = None
    yield owner, list(part)
