"""What nobody waits for any more goes: notifications past `expires_at`, answered idempotency keys,
old journal events. Wiring calls `sweep` now and then, in a process with the app role."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from app import clock, journal, metrics
from app.accounts import lock_users
from app.db import Database
from app.models import NotificationData, PendingNotification, Registration
from app.notifications import idempotency

#: Notifications that go in one transaction: small, so that nobody waits long behind it.
BATCH = 500
CORE: dict[str, Any] = {"synchronize_session": False}


def sweep(database: Database) -> int:
    """Remove everything that has expired; how many notifications that were."""
    removed = 0
    while batch := database.write(expire_notifications):
        removed += batch
        metrics.EXPIRED.inc(batch)
    database.write(_expire_others)
    return removed


def expire_notifications(session: Session) -> int:
    """One batch. A device that never got a notification keeps count of it, so that its loss is told
    (P-14): the pending row is what shows that it did not."""
    now = clock.now()
    is_over = NotificationData.expires_at <= now
    found = select(NotificationData.notification_id, NotificationData.user_id).where(is_over)
    rows = session.execute(found.order_by(NotificationData.expires_at).limit(BATCH)).all()
    if not rows:
        return 0
    lock_users(session, {row.user_id for row in rows})
    ids = [row.notification_id for row in rows]
    _count_losses(session, ids)
    _delete_pending(session, ids)
    # Outbox rows go with their notification.
    statement = delete(NotificationData).where(NotificationData.notification_id.in_(ids))
    session.execute(statement, execution_options=CORE)
    return len(ids)


def _count_losses(session: Session, ids: Sequence[str]) -> None:
    lost = _pending(ids).subquery()
    of_this_device = lost.c.connection_id == Registration.connection_id
    count = select(func.count()).select_from(lost).where(of_this_device).scalar_subquery()
    statement = (
        update(Registration)
        .where(Registration.connection_id.in_(select(lost.c.connection_id)))
        .values(expired_count=Registration.expired_count + count)
    )
    session.execute(statement, execution_options=CORE)


def _delete_pending(session: Session, ids: Sequence[str]) -> None:
    key = tuple_(PendingNotification.connection_id, PendingNotification.seq)
    session.execute(delete(PendingNotification).where(key.in_(_pending(ids))))


def _pending(ids: Sequence[str]) -> Select[str, int]:
    """The keys of these notifications' pending rows."""
    return (
        select(PendingNotification.connection_id, PendingNotification.seq)
        .join(Registration, Registration.connection_id == PendingNotification.connection_id)
        .join(
            NotificationData,
            and_(
                NotificationData.user_id == Registration.user_id,
                NotificationData.seq == PendingNotification.seq,
            ),
        )
        .where(NotificationData.notification_id.in_(ids))
    )


def _expire_others(session: Session) -> None:
    now = clock.now()
    idempotency.expire(session, now)
    journal.expire(session, now)
