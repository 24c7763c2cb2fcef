"""The one transaction that makes notifications real: numbered, stored, pending for every device of
their users, queued for every push subscription. Functions of a connection, called by `create`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple, cast

import uuid_utils
from sqlalchemy import Double, Insert, Table, bindparam, func, insert, or_, select, update
from sqlalchemy.engine import Connection

from app import clock
from app.accounts import lock_users
from app.db import is_one_of
from app.errors import NotFound
from app.models import (
    PUSH_IF_UNACKED,
    NotificationData,
    PendingNotification,
    PushOutbox,
    PushSubscription,
    Registration,
    User,
)
from app.mute import is_muted

#: How long PNS and the inbox keep a notification that nobody acknowledges (seconds).
DEFAULT_LIFETIME = 28 * 86400.0
DEFAULT_TTL = 86400
#: How long a device has to acknowledge what is pushed only if it does not (seconds).
GRACE = 10.0

Row = dict[str, Any]

DATA = cast(Table, NotificationData.__table__)
PENDING = cast(Table, PendingNotification.__table__)
USERS = cast(Table, User.__table__)
DEVICES = cast(Table, Registration.__table__)
SUBSCRIPTIONS = cast(Table, PushSubscription.__table__)

#: Built once: building a statement costs more than running it.
TAKE_NUMBERS = (
    update(USERS)
    .where(is_one_of(USERS.c.id, "of_users"))
    .values(last_seq=USERS.c.last_seq + bindparam("how_many"))
)
_DEVICES_EACH = (
    select(DEVICES.c.user_id, func.count().label("devices"))
    .where(is_one_of(DEVICES.c.user_id, "of_users"))
    .group_by(DEVICES.c.user_id)
    .subquery()
)
#: A row per push subscription, and one for each user without any.
ADDRESSEES = (
    select(
        USERS.c.id,
        USERS.c.last_seq,
        func.coalesce(_DEVICES_EACH.c.devices, 0),
        SUBSCRIPTIONS.c.id,
        SUBSCRIPTIONS.c.connection_id,
        SUBSCRIPTIONS.c.origin,
        is_muted(bindparam("now", type_=Double)),
    )
    .select_from(USERS)
    .outerjoin(_DEVICES_EACH, _DEVICES_EACH.c.user_id == USERS.c.id)
    .outerjoin(SUBSCRIPTIONS, SUBSCRIPTIONS.c.user_id == USERS.c.id)
    .outerjoin(DEVICES, DEVICES.c.connection_id == SUBSCRIPTIONS.c.connection_id)
    .where(is_one_of(USERS.c.id, "of_users"))
)
#: Whose these devices are.
USERS_OF_DEVICES = select(DEVICES.c.user_id, DEVICES.c.connection_id).where(
    is_one_of(DEVICES.c.connection_id, "devices")
)
ADD_DATA = insert(DATA)
#: A row for each device that it is for. They are thousands at times: no word of Python for each.
ADD_PENDING = insert(PENDING).from_select(
    ["connection_id", "seq", "notification_id"],
    select(DEVICES.c.connection_id, DATA.c.seq, DATA.c.notification_id)
    .join_from(DATA, DEVICES, DEVICES.c.user_id == DATA.c.user_id)
    .where(
        is_one_of(DATA.c.notification_id, "ids"),
        or_(
            DATA.c.only_connection_id.is_(None),
            DATA.c.only_connection_id == DEVICES.c.connection_id,
        ),
    ),
)
ADD_OUTBOX = insert(cast(Table, PushOutbox.__table__))


@dataclass(frozen=True, slots=True)
class NewNotification:
    """What somebody wants a user to be told. Checked by whoever makes it: the edge of web."""

    user_id: int
    #: `title`, and as wanted `body`, `navigate`, `tag`, `renotify`, `silent`, `icon`, `image`,
    #: `badge`, `actions` (each `title`, `navigate`), `from`.
    data: dict[str, Any]
    #: Web Push TTL header, seconds; 0 is legal: now or never.
    ttl: int = DEFAULT_TTL
    urgency: str = "normal"
    topic: str | None = None
    policy: str = "both"
    #: When PNS and the inbox give up; never before the ttl is over.
    expires_at: float | None = None
    #: When it shall become real, and whose wish that is; None: now.
    deliver_at: float | None = None
    creator_id: int | None = None
    #: Known before only for what was scheduled.
    notification_id: str | None = None
    #: For "test this device": only this one is alerted; the inbox is the same on all of them.
    only_connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """A stored notification, and for how many devices and subscriptions it is."""

    notification_id: str
    user_id: int
    seq: int
    created_at: float
    devices: int
    subscriptions: int
    #: Set while it only waits for its time: then it has no `seq` and is for no device yet.
    deliver_at: float | None = None


class _Subscription(NamedTuple):
    """Where Web Push reaches a device."""

    id: int
    connection_id: str
    origin: str
    #: The device shall not alert: what it gets is in its inbox, and no push is sent.
    is_muted: bool


@dataclass(slots=True)
class _Addressee:
    """How many devices a user has, and the push subscriptions among them, at the moment of
    creation."""

    #: The `seq` of each notification that is made now.
    numbers: Iterator[int]
    devices: int
    subscriptions: list[_Subscription] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What one notification puts into the tables, beside its pending rows."""

    data: Row
    outbox: list[Row]


def create_all(
    connection: Connection, new: Sequence[NewNotification], grace: float = GRACE
) -> list[Created]:
    """All of them or none, in their order. `grace`: how many seconds a device has to acknowledge
    what is pushed only if it does not. Raises NotFound when a user is gone."""
    if not new:
        return []
    counts = Counter(item.user_id for item in new)
    lock_users(connection, counts)  # first and alone, so that commit order is `seq` order
    now = clock.now()
    addressees = _address(connection, counts, now)
    made = [_rows(item, now, grace, addressees[item.user_id]) for item in new]
    _insert(connection, ADD_DATA, [one.data for one in made])
    connection.execute(ADD_PENDING, {"ids": [one.data["notification_id"] for one in made]})
    _insert(connection, ADD_OUTBOX, [row for one in made for row in one.outbox])
    devices = _count_devices(connection, new, addressees)
    return [_created(one, number) for one, number in zip(made, devices, strict=True)]


def new_id() -> str:
    """A UUIDv7: later ones sort behind."""
    return str(uuid_utils.uuid7())


def _address(
    connection: Connection, counts: Mapping[int, int], now: float
) -> dict[int, _Addressee]:
    """Whom it is for. The users' counters move on by as many notifications as each gets."""
    for how_many in set(counts.values()):
        those = [user_id for user_id, number in counts.items() if number == how_many]
        connection.execute(TAKE_NUMBERS, {"of_users": those, "how_many": how_many})
    found: dict[int, _Addressee] = {}
    rows = connection.execute(ADDRESSEES, {"of_users": list(counts), "now": now})
    for user_id, last_seq, devices, push_id, device, origin, muted in rows:
        if user_id not in found:
            found[user_id] = _Addressee(count(last_seq - counts[user_id] + 1), devices)
        if push_id is not None:
            push = _Subscription(push_id, device, origin, bool(muted))
            found[user_id].subscriptions.append(push)
    if found.keys() != counts.keys():
        raise NotFound("There is no such user.")
    return found


def _rows(item: NewNotification, now: float, grace: float, to: _Addressee) -> _Rows:
    seq = next(to.numbers)
    data = _data_row(item, seq, now)
    shared = {"notification_id": data["notification_id"], "seq": seq}
    due = now + grace if item.policy == PUSH_IF_UNACKED else now
    untried = {"attempts": 0, "next_attempt_at": due}
    return _Rows(
        data,
        [
            shared
            | untried
            | {
                "subscription_id": push.id,
                "origin": push.origin,
                "state": "muted" if push.is_muted else "queued",
            }
            for push in to.subscriptions
            if item.only_connection_id in (None, push.connection_id)
        ],
    )


def _data_row(item: NewNotification, seq: int, now: float) -> Row:
    lifetime = now + DEFAULT_LIFETIME if item.expires_at is None else item.expires_at
    return {
        "notification_id": item.notification_id or new_id(),
        "user_id": item.user_id,
        "seq": seq,
        "data": item.data,
        "ttl": item.ttl,
        "urgency": item.urgency,
        "topic": item.topic,
        "policy": item.policy,
        "created_at": now,
        "expires_at": max(lifetime, now + item.ttl),
        "only_connection_id": item.only_connection_id,
    }


def _insert(connection: Connection, statement: Insert, rows: list[Row]) -> None:
    if rows:
        connection.execute(statement, rows)


def _count_devices(
    connection: Connection, new: Sequence[NewNotification], addressees: Mapping[int, _Addressee]
) -> Iterator[int]:
    """For how many devices each of them is."""
    only = {item.only_connection_id for item in new} - {None}
    known = connection.execute(USERS_OF_DEVICES, {"devices": list(only)}) if only else ()
    those = {tuple(row) for row in known}
    for item in new:
        if item.only_connection_id is None:
            yield addressees[item.user_id].devices
        else:
            yield int((item.user_id, item.only_connection_id) in those)


def _created(rows: _Rows, devices: int) -> Created:
    return Created(
        notification_id=rows.data["notification_id"],
        user_id=rows.data["user_id"],
        seq=rows.data["seq"],
        created_at=rows.data["created_at"],
        devices=devices,
        subscriptions=len(rows.outbox),
    )
