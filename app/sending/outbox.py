"""The outbox: what is still to be handed to push services, in which order, and who works on it.
Functions of a session, called by the sender inside `Database.write`; `results` writes down
what became of a claimed row.

Order per subscription holds with any number of senders, since only the oldest unfinished row of a
subscription is ever claimed, also while it waits for its next attempt. A claim is a lease: when its
holder dies, the row is anybody's again."""

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
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from app import clock
from app.models import NotificationData, PushOutbox, PushSubscription, User
from app.sending.payload import Content

#: A message is tried for at least this long, whatever its ttl (seconds).
PATIENCE = 60.0
#: No row is loaded as an object here, so there is nothing to keep in step.
CORE = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Claimed:
    """One row, leased, with all that is needed to send it."""

    subscription_id: int
    user_id: int
    endpoint: str
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


def claim(session: Session, lease: float, limit: int) -> list[Claimed]:
    """Lease up to `limit` rows that are due, at most one per subscription."""
    now = clock.now()
    subscription_ids = session.scalars(due_subscriptions(now, limit)).all()
    if not subscription_ids:
        return []
    # From here each statement sees what other senders committed before they let go of these.
    theirs = and_(PushOutbox.subscription_id.in_(subscription_ids), _free(now))
    _settle(session, and_(theirs, _is_too_old(now)), "expired")
    _settle(session, and_(theirs, _has_newer_of_topic()), "replaced")
    claimed = [_claimed(row, now + lease) for row in session.execute(_heads(theirs))]
    for item in claimed:
        change(session, row_of(item), attempts=item.attempts, claimed_until=item.claimed_until)
    return claimed


def release_all(session: Session) -> None:
    """End all leases: for the start of the only sender of a database, whose predecessor died."""
    held = PushOutbox.claimed_until.is_not(None)
    change(session, held, claimed_until=None)


def next_due(session: Session) -> float | None:
    """When the next row is due that nobody has leased; None when nothing waits."""
    waiting = and_(PushOutbox.state == "queued", PushOutbox.claimed_until.is_(None), ~_has_older())
    due = select(PushOutbox.next_attempt_at).where(waiting)
    return session.scalar(due.order_by(PushOutbox.next_attempt_at).limit(1))


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


def due_subscriptions(now: float, limit: int) -> Select[int]:
    """Ids of subscriptions with work, locked until the commit. One that another sender has just
    locked is skipped; who creates a notification for it need not wait (FOR NO KEY UPDATE)."""
    return (
        select(PushSubscription.id)
        .join(PushOutbox, PushOutbox.subscription_id == PushSubscription.id)
        .where(_free(now), ~_has_older())
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


def _settle(session: Session, which: ColumnElement[bool], state: str) -> None:
    change(session, which, state=state, claimed_until=None)


def _heads(which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The oldest unfinished row of each subscription among these, with all it takes to send it."""
    return (
        select(
            PushOutbox.attempts,
            PushOutbox.subscription_id,
            PushSubscription.user_id,
            PushSubscription.connection_id,
            PushSubscription.endpoint,
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
        .where(which, ~_has_older())
    )


def _claimed(row: Row[Any], claimed_until: float) -> Claimed:
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
        p256dh=row.p256dh,
        auth=row.auth,
        vapid_key_id=row.vapid_key_id,
        content=content,
        ttl=row.ttl,
        urgency=row.urgency,
        topic=row.topic,
        attempts=row.attempts + 1,
        claimed_until=claimed_until,
    )


def row_of(item: Claimed) -> ColumnElement[bool]:
    return and_(
        PushOutbox.notification_id == item.content.notification_id,
        PushOutbox.subscription_id == item.subscription_id,
        PushOutbox.state == "queued",
    )


def change(session: Session, which: ColumnElement[bool], **values: Any) -> int:
    """How many rows were changed."""
    statement = update(PushOutbox).where(which).values(values)
    return cast(CursorResult[Any], session.execute(statement, execution_options=CORE)).rowcount
