"""The one transaction that makes notifications real: numbered, stored, pending for every device of
their users, queued for every push subscription. Functions of a session, called by `create`."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple, cast

import uuid_utils
from sqlalchemy import Table, case, insert, select, update
from sqlalchemy.orm import Session

from app import clock
from app.accounts import lock_users
from app.db import Model
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

    connection_ids: list[str] = field(default_factory=list)
    #: Those of them that shall not alert: what they get is in their inbox, and no push is sent.
    muted: set[str] = field(default_factory=set)
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
    user_ids = {item.user_id for item in new}
    lock_users(session, user_ids)  # first and alone, so that commit order is `seq` order
    numbers = _take_numbers(session, new)
    addressees = _addressees(session, user_ids)
    now = clock.now()
    made = [
        _rows(item, seq, now, grace, addressees[item.user_id])
        for item, seq in zip(new, numbers, strict=True)
    ]
    _insert(session, NotificationData, [one.data for one in made])
    _insert(session, PendingNotification, [row for one in made for row in one.pending])
    _insert(session, PushOutbox, [row for one in made for row in one.outbox])
    return [_created(one) for one in made]


def new_id() -> str:
    """A UUIDv7: later ones sort behind."""
    return str(uuid_utils.uuid7())


def _take_numbers(session: Session, new: Sequence[NewNotification]) -> list[int]:
    """The `seq` of each, in their order; the users' counters move on by as many."""
    counts = Counter(item.user_id for item in new)
    statement = (
        update(User)
        .where(User.id.in_(counts))
        .values(last_seq=User.last_seq + case(dict(counts), value=User.id))
        .returning(User.id, User.last_seq)
    )
    rows = session.execute(statement, execution_options={"synchronize_session": False})
    numbers = {row.id: count(row.last_seq - counts[row.id] + 1) for row in rows}
    if numbers.keys() != counts.keys():
        raise NotFound("There is no such user.")
    return [next(numbers[item.user_id]) for item in new]


def _addressees(session: Session, user_ids: Collection[int]) -> dict[int, _Addressee]:
    found = {user_id: _Addressee() for user_id in user_ids}
    devices = select(Registration.user_id, Registration.connection_id, is_muted(clock.now()))
    devices = devices.join(User, User.id == Registration.user_id)
    for user_id, device, muted in session.execute(devices.where(User.id.in_(user_ids))):
        found[user_id].connection_ids.append(device)
        if muted:
            found[user_id].muted.add(device)
    pushes = select(
        PushSubscription.user_id,
        PushSubscription.id,
        PushSubscription.connection_id,
        PushSubscription.origin,
    )
    for push in session.execute(pushes.where(PushSubscription.user_id.in_(user_ids))):
        subscription = _Subscription(push.id, push.connection_id, push.origin)
        found[push.user_id].subscriptions.append(subscription)
    return found


def _rows(item: NewNotification, seq: int, now: float, grace: float, to: _Addressee) -> _Rows:
    data = _data_row(item, seq, now)
    shared = {"notification_id": data["notification_id"], "seq": seq}
    due = now + grace if item.policy == PUSH_IF_UNACKED else now
    untried = {"attempts": 0, "next_attempt_at": due}

    def wanted(connection_id: str) -> bool:
        return item.only_connection_id in (None, connection_id)

    return _Rows(
        data,
        [shared | {"connection_id": device} for device in to.connection_ids if wanted(device)],
        [
            shared
            | untried
            | {
                "subscription_id": push.id,
                "origin": push.origin,
                "state": "muted" if push.connection_id in to.muted else "queued",
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


def _insert(session: Session, model: type[Model], rows: list[Row]) -> None:
    if rows:
        session.execute(insert(cast(Table, model.__table__)), rows)


def _created(rows: _Rows) -> Created:
    return Created(
        notification_id=rows.data["notification_id"],
        user_id=rows.data["user_id"],
        seq=rows.data["seq"],
        created_at=rows.data["created_at"],
        devices=len(rows.pending),
        subscriptions=len(rows.outbox),
    )
