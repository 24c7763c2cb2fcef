"""The one transaction that makes notifications real: numbered, stored, pending for every device of
their users, queued for every push subscription. Functions of a session, called by `create`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple, cast

import uuid_utils
from sqlalchemy import Double, Insert, Table, bindparam, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from app import clock
from app.accounts import lock_users
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

USERS = cast(Table, User.__table__)
DEVICES = cast(Table, Registration.__table__)
SUBSCRIPTIONS = cast(Table, PushSubscription.__table__)

#: Built once: building a statement costs more than running it.
TAKE_NUMBERS = (
    update(USERS)
    .where(USERS.c.id == bindparam("of_user"))
    .values(last_seq=USERS.c.last_seq + bindparam("how_many"))
)
#: A row per subscription, and one for each device and each user without any.
ADDRESSEES = (
    select(
        USERS.c.id,
        USERS.c.last_seq,
        DEVICES.c.connection_id,
        is_muted(bindparam("now", type_=Double)),
        SUBSCRIPTIONS.c.id,
        SUBSCRIPTIONS.c.origin,
    )
    .select_from(USERS)
    .outerjoin(DEVICES, DEVICES.c.user_id == USERS.c.id)
    .outerjoin(SUBSCRIPTIONS, SUBSCRIPTIONS.c.connection_id == DEVICES.c.connection_id)
    .where(USERS.c.id.in_(bindparam("of_users", expanding=True)))
)
ADD_DATA = insert(cast(Table, NotificationData.__table__))
ADD_PENDING = insert(cast(Table, PendingNotification.__table__))
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


@dataclass(slots=True)
class _Addressee:
    """A user's devices, and the push subscriptions among them, at the moment of creation."""

    #: The `seq` of each notification that is made now.
    numbers: Iterator[int]
    #: True for one that shall not alert: what it gets is in its inbox, and no push is sent.
    devices: dict[str, bool] = field(default_factory=dict)
    subscriptions: list[_Subscription] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What one notification puts into the tables."""

    data: Row
    pending: list[Row]
    outbox: list[Row]


def create_all(
    session: Session, new: Sequence[NewNotification], grace: float = GRACE
) -> list[Created]:
    """All of them or none, in their order. `grace`: how many seconds a device has to acknowledge
    what is pushed only if it does not. Raises NotFound when a user is gone."""
    if not new:
        return []
    counts = Counter(item.user_id for item in new)
    lock_users(session, counts)  # first and alone, so that commit order is `seq` order
    connection, now = session.connection(), clock.now()
    addressees = _address(connection, counts, now)
    made = [_rows(item, now, grace, addressees[item.user_id]) for item in new]
    _insert(connection, ADD_DATA, [one.data for one in made])
    _insert(connection, ADD_PENDING, [row for one in made for row in one.pending])
    _insert(connection, ADD_OUTBOX, [row for one in made for row in one.outbox])
    return [_created(one) for one in made]


def new_id() -> str:
    """A UUIDv7: later ones sort behind."""
    return str(uuid_utils.uuid7())


def _address(
    connection: Connection, counts: Mapping[int, int], now: float
) -> dict[int, _Addressee]:
    """Whom it is for. The users' counters move on by as many notifications as each gets."""
    moves = [{"of_user": user_id, "how_many": number} for user_id, number in counts.items()]
    connection.execute(TAKE_NUMBERS, moves)
    found: dict[int, _Addressee] = {}
    rows = connection.execute(ADDRESSEES, {"of_users": list(counts), "now": now})
    for user_id, last_seq, device, muted, push_id, origin in rows:
        if user_id not in found:
            found[user_id] = _Addressee(numbers=count(last_seq - counts[user_id] + 1))
        if device is not None:
            found[user_id].devices[device] = bool(muted)
        if push_id is not None:
            found[user_id].subscriptions.append(_Subscription(push_id, device, origin))
    if found.keys() != counts.keys():
        raise NotFound("There is no such user.")
    return found


def _rows(item: NewNotification, now: float, grace: float, to: _Addressee) -> _Rows:
    seq = next(to.numbers)
    data = _data_row(item, seq, now)
    shared = {"notification_id": data["notification_id"], "seq": seq}
    due = now + grace if item.policy == PUSH_IF_UNACKED else now
    untried = {"attempts": 0, "next_attempt_at": due}

    def wanted(connection_id: str) -> bool:
        return item.only_connection_id in (None, connection_id)

    return _Rows(
        data,
        [shared | {"connection_id": device} for device in to.devices if wanted(device)],
        [
            shared
            | untried
            | {
                "subscription_id": push.id,
                "origin": push.origin,
                "state": "muted" if to.devices[push.connection_id] else "queued",
            }
            for push in to.subscriptions
            if wanted(push.connection_id)
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


def _created(rows: _Rows) -> Created:
    return Created(
        notification_id=rows.data["notification_id"],
        user_id=rows.data["user_id"],
        seq=rows.data["seq"],
        created_at=rows.data["created_at"],
        devices=len(rows.pending),
        subscriptions=len(rows.outbox),
    )
