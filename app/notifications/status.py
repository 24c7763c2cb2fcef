"""What became of one notification, per device of its user. Called by web, for its owner only."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, and_, select
from sqlalchemy.orm import Session

from app.models import (
    AuthSession,
    NotificationData,
    PendingNotification,
    PushOutbox,
    PushSubscription,
    Registration,
)


@dataclass(frozen=True, slots=True)
class PushStatus:
    """How handing over to the push service went."""

    #: queued, delivered (to the push service), replaced, expired or refused.
    state: str
    attempts: int
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    connection_id: str
    name: str
    #: The device has not acknowledged it yet.
    pending: bool
    #: None when it has no push subscription, or got it after the notification.
    push: PushStatus | None


@dataclass(frozen=True, slots=True)
class Status:
    notification_id: str
    seq: int
    data: dict[str, Any]
    created_at: float
    expires_at: float
    read_at: float | None
    devices: list[DeviceStatus]


def what_became_of(session: Session, user_id: int, notification_id: str) -> Status | None:
    """None when the user has no such notification."""
    found = session.get(NotificationData, notification_id)
    if found is None or found.user_id != user_id:
        return None
    rows = session.execute(_devices(found))
    return Status(
        notification_id=found.notification_id,
        seq=found.seq,
        data=found.data,
        created_at=found.created_at,
        expires_at=found.expires_at,
        read_at=found.read_at,
        devices=[_device(row) for row in rows],
    )


def _devices(found: NotificationData) -> Select[*tuple[Any, ...]]:
    """The devices there are now and were signed in then."""
    its_pending = and_(
        PendingNotification.connection_id == Registration.connection_id,
        PendingNotification.notification_id == found.notification_id,
    )
    its_outbox = and_(
        PushOutbox.subscription_id == PushSubscription.id,
        PushOutbox.notification_id == found.notification_id,
    )
    return (
        select(
            Registration.connection_id,
            Registration.device_name,
            PendingNotification.notification_id.label("pending"),
            PushOutbox.state,
            PushOutbox.attempts,
            PushOutbox.last_status,
            PushOutbox.last_error,
        )
        .join(AuthSession, AuthSession.session_id == Registration.session_id)
        .outerjoin(PendingNotification, its_pending)
        .outerjoin(PushSubscription, PushSubscription.connection_id == Registration.connection_id)
        .outerjoin(PushOutbox, its_outbox)
        .where(Registration.user_id == found.user_id, AuthSession.created_at <= found.created_at)
        .order_by(Registration.connection_id)
    )


def _device(row: Row[Any]) -> DeviceStatus:
    push = None
    if row.state is not None:
        push = PushStatus(row.state, row.attempts, row.last_status, row.last_error)
    return DeviceStatus(row.connection_id, row.device_name, row.pending is not None, push)
