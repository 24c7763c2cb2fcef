"""Notifications with a time of their own (W-7): kept until then, made real then, taken back before.
Functions of a session; `create` and web call them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app import clock
from app.accounts import lock_users
from app.errors import InvalidInput, NotFound
from app.models import ScheduledNotification, User
from app.notifications.transaction import Created, NewNotification, new_id

#: What one user may have waiting.
MOST = 1000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A scheduled notification as its creator sees it."""

    notification_id: str
    to: str
    data: dict[str, Any]
    deliver_at: float


def add(session: Session, new: NewNotification) -> Created:
    """Keep it for later; its id is that of the notification to come. The caller holds the lock of
    both users. Raises NotFound when the user is gone, InvalidInput when its creator has too many
    waiting."""
    creator_id = new.creator_id or new.user_id
    if session.get(User, new.user_id) is None:
        raise NotFound("There is no such user.")
    mine = select(func.count()).where(ScheduledNotification.creator_id == creator_id)
    if (session.scalar(mine) or 0) >= MOST:
        raise InvalidInput.field("deliver_at", f"You have {MOST} waiting: take some back first.")
    row = ScheduledNotification(
        notification_id=new_id(),
        user_id=new.user_id,
        creator_id=creator_id,
        deliver_at=new.deliver_at,
        data=new.data,
        ttl=new.ttl,
        urgency=new.urgency,
        topic=new.topic,
        policy=new.policy,
    )
    session.add(row)
    session.flush()
    return Created(row.notification_id, new.user_id, 0, clock.now(), 0, 0, row.deliver_at)


def take_due(session: Session, now: float, limit: int) -> list[NewNotification]:
    """What is due, at most `limit`, the longest due first; it does not wait any more. Users are
    locked before their rows, as everywhere."""
    waiting = ScheduledNotification
    due = select(waiting.notification_id, waiting.user_id).where(waiting.deliver_at <= now)
    order = (waiting.deliver_at, waiting.notification_id)
    found = session.execute(due.order_by(*order).limit(limit)).all()
    if not found:
        return []
    lock_users(session.connection(), [row.user_id for row in found])
    ids = [row.notification_id for row in found]
    still_there = select(waiting).where(waiting.notification_id.in_(ids)).order_by(*order)
    rows = session.scalars(still_there.with_for_update(skip_locked=True)).all()
    taken = [_as_new(row) for row in rows]
    for row in rows:
        session.delete(row)
    session.flush()
    return taken


def _as_new(row: ScheduledNotification) -> NewNotification:
    return NewNotification(
        user_id=row.user_id,
        data=row.data,
        ttl=row.ttl,
        urgency=row.urgency,
        topic=row.topic,
        policy=row.policy,
        notification_id=row.notification_id,
    )


def next_due(session: Session) -> float | None:
    """When the next one is due; None: nothing waits."""
    return session.scalar(select(func.min(ScheduledNotification.deliver_at)))


def list_of(session: Session, creator_id: int) -> Sequence[Waiting]:
    """What this user has waiting, the next first."""
    mine = _waiting().where(ScheduledNotification.creator_id == creator_id)
    rows = session.execute(mine.order_by(ScheduledNotification.deliver_at)).all()
    return [Waiting(*row) for row in rows]


def find(session: Session, creator_id: int, notification_id: str) -> Waiting:
    """One of them; raises NotFound, also when it has become a notification."""
    one = _waiting().where(
        ScheduledNotification.creator_id == creator_id,
        ScheduledNotification.notification_id == notification_id,
    )
    row = session.execute(one).one_or_none()
    if row is None:
        raise NotFound("Nothing of yours waits under this id: perhaps it was delivered already.")
    return Waiting(*row)


def take_back(session: Session, creator_id: int, notification_id: str) -> None:
    """It will not be. Raises NotFound when it is too late."""
    find(session, creator_id, notification_id)
    mine = ScheduledNotification.notification_id == notification_id
    session.execute(delete(ScheduledNotification).where(mine))


def _waiting() -> Any:
    """The columns of `Waiting`."""
    return select(
        ScheduledNotification.notification_id,
        User.name,
        ScheduledNotification.data,
        ScheduledNotification.deliver_at,
    ).join(User, User.id == ScheduledNotification.user_id)
