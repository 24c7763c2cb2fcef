"""What nobody waits for any more goes: notifications past `expires_at`, answered idempotency keys,
old journal events. Wiring calls `sweep` now and then, in a process with the role node."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Table, and_, bindparam, delete, select, tuple_, update
from sqlalchemy.orm import Session

from app import clock, journal, metrics
from app.accounts import lock_users
from app.db import Database
from app.models import NotificationData, PendingNotification, Registration
from app.notifications import idempotency

#: Notifications that go in one transaction: small, so that nobody waits long behind it.
BATCH = 500
CORE: dict[str, Any] = {"synchronize_session": False}

DATA = cast(Table, NotificationData.__table__)
PENDING = cast(Table, PendingNotification.__table__)
DEVICES = cast(Table, Registration.__table__)
COUNT_LOSSES = (
    update(DEVICES)
    .where(DEVICES.c.connection_id == bindparam("of_device"))
    .values(expired_count=DEVICES.c.expired_count + bindparam("how_many"))
)


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
    lock_users(session.connection(), {row.user_id for row in rows})
    ids = [row.notification_id for row in rows]
    _count_losses(session, _delete_pending(session, ids))
    # Outbox rows go with their notification.
    statement = delete(NotificationData).where(NotificationData.notification_id.in_(ids))
    session.execute(statement, execution_options=CORE)
    return len(ids)


def _delete_pending(session: Session, ids: Sequence[str]) -> Counter[str]:
    """How many of these were pending, by device. Counted as they go: what a device acknowledges in
    this moment is no loss."""
    keys = (
        select(PENDING.c.connection_id, PENDING.c.seq)
        .join(DEVICES, DEVICES.c.connection_id == PENDING.c.connection_id)
        .join(DATA, and_(DATA.c.user_id == DEVICES.c.user_id, DATA.c.seq == PENDING.c.seq))
        .where(DATA.c.notification_id.in_(ids))
    )
    key = tuple_(PENDING.c.connection_id, PENDING.c.seq)
    statement = delete(PENDING).where(key.in_(keys)).returning(PENDING.c.connection_id)
    return Counter(session.connection().execute(statement).scalars())


def _count_losses(session: Session, losses: Counter[str]) -> None:
    rows = [{"of_device": device, "how_many": number} for device, number in losses.items()]
    if rows:
        session.connection().execute(COUNT_LOSSES, rows)


def _expire_others(session: Session) -> None:
    now = clock.now()
    idempotency.expire(session, now)
    journal.expire(session, now)
