"""The outbox: what is still to be handed to push services, in which order, and who works on it.
Functions of a session, called by the sender inside `Database.write`; `results` writes down
what became of a claimed row.

Order per subscription holds with any number of senders, since only the oldest unfinished row of a
subscription is ever claimed, also while it waits for its next attempt. A claim is a lease: when its
holder dies, the row is anybody's again. Rows are claimed push service by push service (`origin`):
whoever looks for another one's rows never meets the queue of one that is down."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from app import clock
from app.models import (
    PUSH_IF_UNACKED,
    NotificationData,
    PendingNotification,
    PushOutbox,
    PushSubscription,
    User,
)
from app.sending.payload import Content

#: A message is tried for at least this long, whatever its ttl (seconds).
PATIENCE = 60.0
#: Of one origin at a time, when nobody sets another limit.
LIMIT = 1000
#: No row is loaded as an object here, so there is nothing to keep in step.
CORE = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Claimed:
    """One row, leased, with all that is needed to send it."""

    subscription_id: int
    user_id: int
    endpoint: str
    origin: str
    p256dh: str
    auth: str
    vapid_key_id: str
    content: Content
    ttl: int
    urgency: str
    topic: str | None
    #: How many times it was tried, this time included.
    attempts: int
    #: End of the lease; also proof that the row is still ours.
    claimed_until: float

    @property
    def give_up_at(self) -> float:
        return self.content.created_at + max(self.ttl, PATIENCE)


def claim(
    session: Session, lease: float, limit: int, room: Callable[[str], int] = lambda origin: LIMIT
) -> list[Claimed]:
    """Lease up to `limit` rows that are due, at most one per subscription, and of each origin no
    more than there is `room` for."""
    claimed: list[Claimed] = []
    for origin in origins_with_work(session):
        size = min(room(origin), limit - len(claimed))
        if size > 0:
            claimed += _claim_of(session, origin, lease, size)
    return claimed


def origins_with_work(session: Session) -> list[str]:
    """In any order, so that none is always served last."""
    found = list(session.scalars(_ORIGINS))
    random.shuffle(found)
    return found


def _claim_of(session: Session, origin: str, lease: float, size: int) -> list[Claimed]:
    now = clock.now()
    subscription_ids = session.scalars(due_subscriptions(origin, now, size)).all()
    if not subscription_ids:
        return []
    # From here each statement sees what other senders committed before they let go of these.
    theirs = and_(PushOutbox.subscription_id.in_(subscription_ids), _free(now))
    _settle(session, and_(theirs, _is_too_old(now)), "expired")
    _settle(session, and_(theirs, _has_newer_of_topic()), "replaced")
    _settle(session, and_(theirs, _is_acknowledged()), "acknowledged")
    leased = {"attempts": PushOutbox.attempts + 1, "claimed_until": now + lease}
    change(session, and_(theirs, ~_has_older()), **leased)
    rows = session.execute(_leased(subscription_ids, now + lease))
    return [_claimed(row) for row in rows]


def release_all(session: Session) -> None:
    """End all leases: for the start of the only sender of a database, whose predecessor died."""
    held = PushOutbox.claimed_until.is_not(None)
    change(session, held, claimed_until=None)


def next_due(session: Session, origins: Iterable[str]) -> float | None:
    """When the next row of these is due that nobody has leased; None when nothing waits."""
    times = [session.scalar(_next_of(origin)) for origin in origins]
    return min((time for time in times if time is not None), default=None)


def _next_of(origin: str) -> Select[float]:
    waiting = and_(
        PushOutbox.state == "queued",
        PushOutbox.origin == origin,
        PushOutbox.claimed_until.is_(None),
        ~_has_older(),
    )
    due = select(PushOutbox.next_attempt_at).where(waiting)
    return due.order_by(PushOutbox.next_attempt_at).limit(1)


def _origins() -> Select[str]:
    """The origins of queued rows: from each one a jump in the index to the next, whatever the
    number of its rows. (Neither database does that for DISTINCT.)"""
    queued = PushOutbox.state == "queued"
    first = select(func.min(PushOutbox.origin).label("origin")).where(queued)
    found = first.cte("origins", recursive=True)
    after = select(func.min(PushOutbox.origin)).where(queued, PushOutbox.origin > found.c.origin)
    following = select(after.scalar_subquery()).where(found.c.origin.is_not(None))
    every = found.union_all(following)
    return select(every.c.origin).where(every.c.origin.is_not(None))


_ORIGINS = _origins()


def _free(now: float) -> ColumnElement[bool]:
    """Queued, due, and in nobody's hands."""
    unclaimed = or_(PushOutbox.claimed_until.is_(None), PushOutbox.claimed_until <= now)
    return and_(PushOutbox.state == "queued", PushOutbox.next_attempt_at <= now, unclaimed)


def _has_older() -> ColumnElement[bool]:
    """There is an unfinished row of the same subscription before this one."""
    older = aliased(PushOutbox)
    return exists().where(
        older.subscription_id == PushOutbox.subscription_id,
        older.state == "queued",
        older.seq < PushOutbox.seq,
    )


def due_subscriptions(origin: str, now: float, limit: int) -> Select[int]:
    """Ids of subscriptions with work at that push service, locked until the commit. One that
    another sender has just locked is skipped; who creates a notification for it need not wait (FOR
    NO KEY UPDATE)."""
    return (
        select(PushSubscription.id)
        .join(PushOutbox, PushOutbox.subscription_id == PushSubscription.id)
        .where(PushOutbox.origin == origin, _free(now), ~_has_older())
        .order_by(PushOutbox.next_attempt_at)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True, of=PushSubscription)
    )


def _is_too_old(now: float) -> ColumnElement[bool]:
    """Nobody wants it any more: its ttl is over, also when it was never tried."""
    patience = case((NotificationData.ttl > PATIENCE, NotificationData.ttl), else_=PATIENCE)
    return exists().where(
        NotificationData.notification_id == PushOutbox.notification_id,
        NotificationData.created_at + patience <= now,
    )


def _has_newer_of_topic() -> ColumnElement[bool]:
    """A newer one of its topic waits behind it, so it need not be sent (RFC 8030 section 5.4)."""
    mine, newer = aliased(NotificationData), aliased(NotificationData)
    behind = aliased(PushOutbox)
    return exists().where(
        mine.notification_id == PushOutbox.notification_id,
        newer.notification_id == behind.notification_id,
        behind.subscription_id == PushOutbox.subscription_id,
        behind.state == "queued",
        behind.seq > PushOutbox.seq,
        newer.topic == mine.topic,
    )


def _is_acknowledged() -> ColumnElement[bool]:
    """It was to be pushed only if its device stayed silent (X-3), and the device did not: the
    pending row went with the acknowledgement."""
    pending, device = PendingNotification, aliased(PushSubscription)
    waits = exists().where(
        device.id == PushOutbox.subscription_id,
        pending.connection_id == device.connection_id,
        pending.notification_id == PushOutbox.notification_id,
    )
    only_then = exists().where(
        NotificationData.notification_id == PushOutbox.notification_id,
        NotificationData.policy == PUSH_IF_UNACKED,
    )
    return and_(only_then, ~waits)


def _settle(session: Session, which: ColumnElement[bool], state: str) -> None:
    change(session, which, state=state, claimed_until=None)


def _leased(subscription_ids: Sequence[int], until: float) -> Select[*tuple[Any, ...]]:
    """The rows of these subscriptions with that lease, with all it takes to send them."""
    return (
        select(
            PushOutbox.attempts,
            PushOutbox.claimed_until,
            PushOutbox.subscription_id,
            PushSubscription.user_id,
            PushSubscription.connection_id,
            PushSubscription.endpoint,
            PushSubscription.origin,
            PushSubscription.p256dh,
            PushSubscription.auth,
            PushSubscription.vapid_key_id,
            NotificationData.notification_id,
            NotificationData.seq,
            NotificationData.created_at,
            NotificationData.data,
            NotificationData.ttl,
            NotificationData.urgency,
            NotificationData.topic,
            User.run_id,
        )
        .join(PushSubscription, PushSubscription.id == PushOutbox.subscription_id)
        .join(NotificationData, NotificationData.notification_id == PushOutbox.notification_id)
        .join(User, User.id == PushSubscription.user_id)
        .where(
            PushOutbox.subscription_id.in_(subscription_ids),
            PushOutbox.state == "queued",
            PushOutbox.claimed_until == until,
        )
    )


def _claimed(row: Row[Any]) -> Claimed:
    content = Content(
        notification_id=row.notification_id,
        connection_id=row.connection_id,
        run_id=row.run_id,
        seq=row.seq,
        created_at=row.created_at,
        data=row.data,
    )
    return Claimed(
        subscription_id=row.subscription_id,
        user_id=row.user_id,
        endpoint=row.endpoint,
        origin=row.origin,
        p256dh=row.p256dh,
        auth=row.auth,
        vapid_key_id=row.vapid_key_id,
        content=content,
        ttl=row.ttl,
        urgency=row.urgency,
        topic=row.topic,
        attempts=row.attempts,
        claimed_until=row.claimed_until,
    )


def change(session: Session, which: ColumnElement[bool], **values: Any) -> int:
    """How many rows were changed."""
    statement = update(PushOutbox).where(which).values(values)
    return cast(CursorResult[Any], session.execute(statement, execution_options=CORE)).rowcount
