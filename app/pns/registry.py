"""Which node holds which device: `notification_registry`, as nodes use it. Called by `pns.node` and
its parts. (`devices` makes the records and ends them, and tells whom to ring.)

Create commits pending rows before it reads `node_uri`; a reconnecting device commits `node_uri`
before it reads pending rows: one of the two always sees the other. And every take-over raises
`epoch`, so that a late clean-up of the former owner compares it and does nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.engine import Connection

from app import clock
from app.db import is_one_of
from app.models import AuthSession, PendingNotification, Registration, User

RECORDS = cast(Table, Registration.__table__)
SESSIONS = cast(Table, AuthSession.__table__)
USERS = cast(Table, User.__table__)
PENDING = cast(Table, PendingNotification.__table__)

#: Built once: a handshake is a hot path, and building a statement costs more than running it.
IS_DEVICE = RECORDS.c.connection_id == bindparam("of_connection")
FIND = (
    select(SESSIONS.c.session_id, SESSIONS.c.last_seen_at, RECORDS.c.connection_id)
    .outerjoin(RECORDS, RECORDS.c.session_id == SESSIONS.c.session_id)
    .where(
        is_one_of(SESSIONS.c.session_id, "of_sessions"),
        SESSIONS.c.revoked_at.is_(None),
    )
)
LAST_SEQ = select(USERS.c.last_seq).where(USERS.c.id == RECORDS.c.user_id)
WAITING = (
    select(PENDING.c.connection_id, func.count())
    .where(is_one_of(PENDING.c.connection_id, "ids"))
    .group_by(PENDING.c.connection_id)
)
TAKE_OVER = (
    update(RECORDS)
    .where(is_one_of(RECORDS.c.connection_id, "ids"))
    .values(
        node_uri=bindparam("new_node_uri"),
        epoch=RECORDS.c.epoch + 1,
        connected_at=bindparam("now"),
        last_seen_at=bindparam("now"),
    )
    .returning(
        RECORDS.c.connection_id,
        RECORDS.c.user_id,
        RECORDS.c.epoch,
        LAST_SEQ.correlate(RECORDS).scalar_subquery(),
        RECORDS.c.expired_count,
    )
)
HELD = select(func.count(), func.coalesce(func.sum(RECORDS.c.epoch), 0)).where(
    is_one_of(RECORDS.c.connection_id, "ids"), RECORDS.c.node_uri == bindparam("of_node")
)
OWNERS = select(RECORDS.c.connection_id, RECORDS.c.epoch, RECORDS.c.node_uri).where(
    is_one_of(RECORDS.c.connection_id, "ids")
)
RELEASE = (
    update(RECORDS)
    .where(IS_DEVICE, RECORDS.c.epoch == bindparam("of_epoch"))
    .values(node_uri=None, last_seen_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class Held:
    """A record that was taken over: what a node knows of a device it holds."""

    connection_id: str
    user_id: int
    epoch: int
    last_seq: int
    expired_count: int
    pending: int


@dataclass(frozen=True, slots=True)
class Known:
    """A live session, and its device if it became one already."""

    last_seen_at: float
    connection_id: str | None


@dataclass(frozen=True, slots=True)
class Owner:
    """The take-over that counts, and the incarnation it was of; None: the device is offline."""

    epoch: int
    node_uri: str | None


def find(connection: Connection, session_ids: list[str]) -> list[Known | None]:
    """For each of them; None: there is no such session, or it was revoked."""
    rows = connection.execute(FIND, {"of_sessions": session_ids})
    found = {session_id: Known(*known) for session_id, *known in rows}
    return [found.get(session_id) for session_id in session_ids]


def take_over(
    connection: Connection, connection_ids: Sequence[str], node_uri: str
) -> list[Held | None]:
    """The devices are this node's now, whoever had them. None for one that was signed out in the
    meantime. None is named twice: each take-over has an epoch of its own."""
    ids = {"ids": connection_ids}
    values = {"new_node_uri": node_uri, "now": clock.now()}
    owned = connection.execute(TAKE_OVER, values | ids).all()
    waiting: dict[str, int] = dict(map(tuple, connection.execute(WAITING, ids)))
    taken = {
        one: Held(one, user_id, epoch, last_seq, expired, waiting.get(one, 0))
        for one, user_id, epoch, last_seq, expired in owned
    }
    return [taken.get(connection_id) for connection_id in connection_ids]


def release(connection: Connection, owned: Iterable[tuple[str, int]]) -> None:
    """These devices (connection id, epoch) are offline, except whom somebody took over since. In
    the order of ids, so that nodes do not wait for each other."""
    now = clock.now()
    rows = [{"of_connection": one, "of_epoch": epoch, "now": now} for one, epoch in sorted(owned)]
    if rows:
        connection.execute(RELEASE, rows)


def are_held(connection: Connection, held: dict[str, int], node_uri: str) -> bool:
    """Whether this node holds all these devices (connection id: epoch) still. An epoch only rises:
    if their sums are the same, each of them is. So one row is the answer, however many they are."""
    found = connection.execute(HELD, {"ids": held, "of_node": node_uri}).one()
    return found == (len(held), sum(held.values()))


def owners(connection: Connection, connection_ids: Iterable[str]) -> dict[str, Owner]:
    """Who holds each of these devices; those that are no more are missing."""
    rows = connection.execute(OWNERS, {"ids": connection_ids})
    return {connection_id: Owner(*owner) for connection_id, *owner in rows}


def subtract_expired(connection: Connection, told: dict[tuple[str, int], int]) -> None:
    """These devices (connection id, epoch) know of that many expired notifications: they are not
    told again. Except whom somebody took over since: it is told again there, and what it says
    there is subtracted; both would take away what it was not told of."""
    for (connection_id, epoch), count in told.items():
        left = Registration.expired_count - count
        known = (Registration.connection_id == connection_id, Registration.epoch == epoch)
        enough = Registration.expired_count >= count
        connection.execute(update(Registration).where(*known, enough).values(expired_count=left))
