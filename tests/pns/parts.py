"""A node in the test's own process, on real sockets and a real database."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent import socket
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import devices
from app.bus.envelope import Envelope
from app.bus.memory import MemoryBus
from app.db import Database
from app.faults import Faults
from app.journal import Journal
from app.models import AuthSession, JournalEvent, PendingNotification, Registration
from app.net.websocket import Limits, WebSocket
from app.notifications.transaction import NewNotification, create_all
from app.pns.node import Node
from tests import factories
from tests.net.clients import PATIENCE, Client

AGENT = "Firefox/153 (X11; Linux)"
#: A sweep that does not come by itself: the test calls it.
NEVER = 3600.0


@dataclass
class Device:
    """A signed-in browser, without a connection."""

    session_id: str
    connection_id: str
    user_id: int


@dataclass
class House:
    """One database, one bus, and the nodes a test starts on them."""

    database: Database
    bus: MemoryBus = field(default_factory=MemoryBus)
    faults: Faults = field(default_factory=lambda: Faults(enabled=True))
    nodes: list[Node] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = Journal(self.database, enabled=True)

    def start_node(self, **options: Any) -> Node:
        options = {"sweep_seconds": NEVER, "only_node": False} | options
        node = Node(self.database, self.bus, self.journal, self.faults, **options)
        node.start()
        self.nodes.append(node)
        return node

    def close(self) -> None:
        for client in self.clients:
            client.drop()
        for node in self.nodes:
            node.stop()

    # -- rows ------------------------------------------------------------------------------------

    def make_device(self, name: str = "Ada") -> Device:
        record = self.database.write(lambda session: factories.make_device(session, name))
        return Device(record.session_id, record.connection_id, record.user_id)

    def create(self, user_id: int, *titles: str) -> list[str]:
        """Notifications that nobody rings for."""
        new = [NewNotification(user_id, {"title": title}) for title in titles]
        made = self.database.write(lambda session: create_all(session.connection(), new))
        return [one.notification_id for one in made]

    def create_and_ring(self, user_id: int, *titles: str) -> list[str]:
        ids = self.create(user_id, *titles)
        for node in self.nodes:
            node.handle(Envelope("ring", user_ids=(user_id,), ids=tuple(ids)))
        return ids

    def sign_out(self, device: Device) -> None:
        self.database.write(lambda session: devices.sign_out(session, device.session_id))

    def record_of(self, device: Device) -> Registration | None:
        with self.database.read() as session:
            return session.get(Registration, device.connection_id)

    def node_uri_of(self, device: Device) -> str | None:
        record = self.record_of(device)
        return record.node_uri if record else None

    def set_expired(self, device: Device, count: int) -> None:
        mine = Registration.connection_id == device.connection_id
        self.database.write(
            lambda session: session.execute(
                update(Registration).where(mine).values(expired_count=count)
            )
        )

    def last_seen(self, device: Device, new: float | None = None) -> float:
        """When the device's session was used last; `new` is written down before."""

        def work(session: Session) -> float:
            opened = session.get_one(AuthSession, device.session_id)
            opened.last_seen_at = opened.last_seen_at if new is None else new
            return opened.last_seen_at

        return self.database.write(work)

    def pending_of(self, device: Device) -> int:
        mine = PendingNotification.connection_id == device.connection_id
        with self.database.read() as session:
            return session.scalar(select(func.count()).where(mine)) or 0

    def journal_kinds(self) -> list[str]:
        self.journal.flush()
        with self.database.read() as session:
            return list(session.scalars(select(JournalEvent.kind).order_by(JournalEvent.id)))

    # -- connections -----------------------------------------------------------------------------

    def connect(self, node: Node, device: Device, *, window: int | None = None) -> Client:
        """Open the device's WebSocket; `window` makes the kernel's buffers that small."""
        admitted = node.admit(device.session_id, AGENT)
        ours, theirs = socket.socketpair()
        if window:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, window)
        client = Client.on(theirs)
        self.clients.append(client)

        def upgraded(limits: Limits | None) -> WebSocket:
            return WebSocket(ours.detach(), limits)

        node.connect(upgraded, admitted)
        return client

    def connect_and_greet(self, node: Node, device: Device) -> Client:
        """The same, with `hello` and `replayed` read; for devices that nothing waits for."""
        client = self.connect(node, device)
        assert client.next_frame()["type"] == "hello"
        assert client.next_frame()["type"] == "replayed"
        return client


def titles(frames: Iterable[dict[str, Any]]) -> list[str]:
    return [frame["data"]["title"] for frame in frames]


def wait_until(condition: Any, seconds: float = PATIENCE) -> None:
    """Let the node's greenlets run until the database says so: there is no event for a commit."""
    with gevent.Timeout(seconds):
        while not condition():
            gevent.sleep(0.001)
