"""What the sender asks the database, built once: making a statement anew costs more than running
it. Used by `outbox` and `results`.

Parameters: `now`; `origin`; `size`, how many at most; `ids` of subscriptions; `until`, the end of a
lease; `leases`, of (subscription_id, notification_id, claimed_until)."""

from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    case,
    exists,
    or_,
    select,
    tuple_,
    update,
)

from app.db import each_value
from app.models import (
    PUSH_IF_UNACKED,
    NotificationData,
    PendingNotification,
    PushOutbox,
    PushSubscription,
    User,
)

#: A message is tried for at least this long, whatever its ttl (seconds).
PATIENCE = 60.0

OUTBOX = cast(Table, PushOutbox.__table__)
SUBSCRIPTIONS = cast(Table, PushSubscription.__table__)
_DATA = cast(Table, NotificationData.__table__)
_PENDING = cast(Table, PendingNotification.__table__)
_USERS = cast(Table, User.__table__)
_OTHER = OUTBOX.alias("other")

_row, _now = OUTBOX.c, bindparam("now", type_=Double)
_ids = bindparam("ids", type_=BigInteger, expanding=True)


def _is_queued(row: FromClause) -> ColumnElement[bool]:
    return row.c.state == "queued"


#: Queued, due, and in nobody's hands.
_IS_FREE = and_(
    _is_queued(OUTBOX),
    _row.next_attempt_at <= _now,
    or_(_row.claimed_until.is_(None), _row.claimed_until <= _now),
)

#: There is an unfinished row of the same subscription before this one.
_HAS_OLDER = exists().where(
    _OTHER.c.subscription_id == _row.subscription_id, _is_queued(_OTHER), _OTHER.c.seq < _row.seq
)

#: Nobody wants it any more: its ttl is over, also when it was never tried.
_IS_TOO_OLD = exists().where(
    _DATA.c.notification_id == _row.notification_id,
    _DATA.c.created_at + case((_DATA.c.ttl > PATIENCE, _DATA.c.ttl), else_=PATIENCE) <= _now,
)


def _has_newer_of_topic() -> ColumnElement[bool]:
    """A newer one of its topic waits behind it, so it need not be sent (RFC 8030 section 5.4)."""
    mine, newer = _DATA.alias("mine"), _DATA.alias("newer")
    return exists().where(
        mine.c.notification_id == _row.notification_id,
        newer.c.notification_id == _OTHER.c.notification_id,
        _OTHER.c.subscription_id == _row.subscription_id,
        _is_queued(_OTHER),
        _OTHER.c.seq > _row.seq,
        newer.c.topic == mine.c.topic,
    )


def _is_acknowledged() -> ColumnElement[bool]:
    """It was to be pushed only if its device stayed silent (X-3), and the device did not: the
    pending row went with the acknowledgement."""
    waits = exists().where(
        SUBSCRIPTIONS.c.id == _row.subscription_id,
        _PENDING.c.connection_id == SUBSCRIPTIONS.c.connection_id,
        _PENDING.c.seq == _row.seq,
    )
    only_then = exists().where(
        _DATA.c.notification_id == _row.notification_id, _DATA.c.policy == PUSH_IF_UNACKED
    )
    return and_(only_then, ~waits)


#: The origins of queued rows.
ORIGINS = each_value(_row.origin, _is_queued(OUTBOX))

#: Ids of subscriptions with work at that push service, locked until the commit. One that another
#: sender has just locked is skipped; who creates a notification for it need not wait (FOR NO KEY
#: UPDATE).
DUE = (
    select(SUBSCRIPTIONS.c.id)
    .join(OUTBOX, _row.subscription_id == SUBSCRIPTIONS.c.id)
    .where(_row.origin == bindparam("origin"), _IS_FREE, ~_HAS_OLDER)
    .order_by(_row.next_attempt_at)
    .limit(bindparam("size", type_=Integer))
    .with_for_update(key_share=True, skip_locked=True, of=SUBSCRIPTIONS)
)

_THEIRS = and_(_row.subscription_id.in_(_ids), _IS_FREE)
_SETTLED = update(OUTBOX).values(claimed_until=None)
EXPIRE = _SETTLED.where(_THEIRS, _IS_TOO_OLD).values(state="expired")
REPLACE = _SETTLED.where(_THEIRS, _has_newer_of_topic()).values(state="replaced")
DROP_ACKNOWLEDGED = _SETTLED.where(_THEIRS, _is_acknowledged()).values(state="acknowledged")
#: The oldest unfinished row of each of these subscriptions, if it is free.
LEASE = (
    update(OUTBOX)
    .where(_THEIRS, ~_HAS_OLDER)
    .values(attempts=_row.attempts + 1, claimed_until=bindparam("until"))
)

#: The rows of these subscriptions with that lease, with all it takes to send them.
LEASED: Select[*tuple[Any, ...]] = (
    select(
        _row.attempts,
        _row.claimed_until,
        _row.subscription_id,
        *(SUBSCRIPTIONS.c[name] for name in ("user_id", "connection_id", "endpoint", "origin")),
        *(SUBSCRIPTIONS.c[name] for name in ("p256dh", "auth", "vapid_key_id")),
        *(_DATA.c[name] for name in ("notification_id", "seq", "created_at", "data")),
        *(_DATA.c[name] for name in ("ttl", "urgency", "topic")),
        _USERS.c.run_id,
    )
    .join_from(OUTBOX, SUBSCRIPTIONS, SUBSCRIPTIONS.c.id == _row.subscription_id)
    .join(_DATA, _DATA.c.notification_id == _row.notification_id)
    .join(_USERS, _USERS.c.id == SUBSCRIPTIONS.c.user_id)
    .where(
        _row.subscription_id.in_(_ids),
        _is_queued(OUTBOX),
        _row.claimed_until == bindparam("until"),
    )
)

#: When the next row of a push service is due that nobody has leased.
NEXT_DUE = (
    select(_row.next_attempt_at)
    .where(
        _is_queued(OUTBOX),
        _row.origin == bindparam("origin"),
        _row.claimed_until.is_(None),
        ~_HAS_OLDER,
    )
    .order_by(_row.next_attempt_at)
    .limit(1)
)

RELEASE_ALL = update(OUTBOX).where(_row.claimed_until.is_not(None)).values(claimed_until=None)

#: These rows are still in the hands of those who leased them.
_ARE_HELD = and_(
    _is_queued(OUTBOX),
    tuple_(_row.subscription_id, _row.notification_id, _row.claimed_until).in_(
        bindparam("leases", expanding=True)
    ),
)
DELIVERED = (
    update(OUTBOX)
    .where(_ARE_HELD)
    .values(
        state="delivered",
        claimed_until=None,
        next_attempt_at=_now,
        last_status=bindparam("status"),
        last_error=None,
    )
    .returning(_row.subscription_id)
)
NOTE_SUCCESS = (
    update(SUBSCRIPTIONS)
    .where(SUBSCRIPTIONS.c.id.in_(_ids))
    .values(last_status=bindparam("status"), last_success_at=_now)
)
#: Any other outcome of one row; its values are given.
FINISH = update(OUTBOX).where(_ARE_HELD)
#: Nothing of this subscription is due before its oldest row is. They would wait anyway; this way
#: they are not even looked at while it backs off.
HOLD_BACK = (
    update(OUTBOX)
    .where(
        _row.subscription_id == bindparam("id"),
        _is_queued(OUTBOX),
        _row.next_attempt_at < bindparam("until"),
    )
    .values(next_attempt_at=bindparam("until"))
)
NOTE_STATUS = (
    update(SUBSCRIPTIONS)
    .where(SUBSCRIPTIONS.c.id == bindparam("of_id"))
    .values(last_status=bindparam("status"))
)
