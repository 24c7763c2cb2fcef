"""What the database tells of all processes together: nodes, what is pending, what waits to be sent.
Called by the watch and by `/metrics`. Each look costs a few reads of indexes and is bounded: a
number that has reached its bound is shown as "at least"."""

import threading
import time
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy import Table, bindparam, func, select
from sqlalchemy.engine import Connection

from app import clock, metrics
from app.db import Database, database_now
from app.models import NotificationData, PendingNotification, PnsNode, PushOutbox
from app.pns.nodes import public_name
from app.sending.statements import ORIGINS

#: Rows that one look counts at most: of what is pending, and of each push service's outbox.
MOST_PENDING = 100_000
MOST_QUEUED = 5_000
#: Push services that one look asks for.
MOST_SERVICES = 50
#: Seconds for which one look serves everybody.
FRESH = 1.0

_NODES = cast(Table, PnsNode.__table__)
_OUTBOX = cast(Table, PushOutbox.__table__)
_DATA = cast(Table, NotificationData.__table__)
_PENDING = cast(Table, PendingNotification.__table__)

#: Built once: building a statement costs more than running it.
NODES = select(_NODES.c.node_uri, (database_now() - _NODES.c.heartbeat_at).label("silent"))
PENDING = select(func.count()).select_from(
    select(_PENDING.c.connection_id).limit(MOST_PENDING).subquery()
)
_queued = (
    select(_OUTBOX.c.notification_id)
    .where(_OUTBOX.c.state == "queued", _OUTBOX.c.origin == bindparam("origin"))
    .limit(MOST_QUEUED)
    .subquery()
)
QUEUE = (
    select(func.count(), func.min(_DATA.c.created_at))
    .select_from(_queued)
    .join(_DATA, _DATA.c.notification_id == _queued.c.notification_id)
)


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for one push service. `oldest`: age in seconds of the oldest of them."""

    messages: int = 0
    oldest: float = 0.0

    def __add__(self, other: "Queue") -> "Queue":
        return Queue(self.messages + other.messages, max(self.oldest, other.oldest))


@dataclass(frozen=True, slots=True)
class Cluster:
    """One look. `nodes`: by the name of the incarnation, how many seconds it has been silent.
    `queues`: by push service; those that have no label of their own are one."""

    nodes: dict[str, float] = field(default_factory=dict)
    pending: int = 0
    queues: dict[str, Queue] = field(default_factory=dict)

    @property
    def queued(self) -> int:
        return sum(queue.messages for queue in self.queues.values())

    @property
    def oldest(self) -> float:
        return max((queue.oldest for queue in self.queues.values()), default=0.0)


class Lookout:
    """Looks when asked, though not more often than once a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looking = threading.Lock()
        self._seen = Cluster()
        self._seen_at = float("-inf")

    def look(self) -> Cluster:
        with self._looking:
            if time.monotonic() - self._seen_at > FRESH:
                with self._database.engine.connect() as connection:
                    self._seen = read(connection)
                self._seen_at = time.monotonic()
            return self._seen


def read(connection: Connection) -> Cluster:
    now = clock.now()
    nodes = connection.execute(NODES)
    silent = {public_name(node_uri): max(0.0, float(age)) for node_uri, age in nodes}
    origins = connection.scalars(ORIGINS).fetchmany(MOST_SERVICES)
    queues: dict[str, Queue] = {}
    for origin in origins:
        label = metrics.service_label(origin)
        queues[label] = queues.get(label, Queue()) + _queue(connection, origin, now)
    return Cluster(silent, connection.scalar(PENDING) or 0, queues)


def _queue(connection: Connection, origin: str, now: float) -> Queue:
    messages, first = connection.execute(QUEUE, {"origin": origin}).one()
    return Queue(messages, max(0.0, now - first) if first is not None else 0.0)
