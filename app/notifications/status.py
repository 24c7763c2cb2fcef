"""What became of one notification, per device of its user. Called by web, for its owner only."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, and_, select
from sqlalchemy.orm import Session

from app import clock
from app.models import (
    NotificationData,
    PendingNotification,
    PushOutbox,
    PushSubscription,
    Registration,
)

#: What became of it on one device. `shown`: the device acknowledged it. All others: not yet, and
#: it waits for the device's next connection. `queued`: nothing was handed to a push service.
#: `handed-over`: the push service took it. `refused`: it did not. `replaced`: a newer one of its
#: topic went instead. `expired`: its ttl was over first, or its whole life. `muted`: no push.
State = Literal["shown", "queued", "handed-over", "refused", "replaced", "expired", "muted"]

#: By the outbox row of a device that has not acknowledged.
UNACKNOWLEDGED: dict[str, State] = {
    "queued": "queued",
    "delivered": "handed-over",
    "refused": "refused",
    "replaced": "replaced",
    "expired": "expired",
    "muted": "muted",
}


@dataclass(frozen=True, slots=True)
class PushStatus:
    """How handing over to the push service went."""

    #: As in the outbox: queued, delivered (to the push service), replaced and so on.
    state: str
    attempts: int
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    connection_id: str
    name: str
    state: State
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
        devices=[_device(row, is_over=found.expires_at <= clock.now()) for row in rows],
    )


def _devices(found: NotificationData) -> Select[*tuple[Any, ...]]:
    """The devices there are now that it was for."""
    its_pending = and_(
        PendingNotification.connection_id == Registration.connection_id,
        PendingNotification.seq == found.seq,
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
        .outerjoin(PendingNotification, its_pending)
        .outerjoin(PushSubscription, PushSubscription.connection_id == Registration.connection_id)
        .outerjoin(PushOutbox, its_outbox)
        .where(Registration.user_id == found.user_id, _was_for_it(found))
        .order_by(Registration.device_name, Registration.connection_id)
    )


def _was_for_it(found: NotificationData) -> ColumnElement[bool]:
    """A record made later never had a pending row, and the one that is gone says nothing then."""
    if found.only_connection_id is not None:
        return Registration.connection_id == found.only_connection_id
    return Registration.created_seq < found.seq


def _device(row: Row[Any], *, is_over: bool) -> DeviceStatus:
    push = None
    if row.state is not None:
        push = PushStatus(row.state, row.attempts, row.last_status, row.last_error)
    pending = row.pending is not None
    state = _state(push, pending=pending, is_over=is_over)
    return DeviceStatus(row.connection_id, row.device_name, state, pending, push)


def _state(push: PushStatus | None, *, pending: bool, is_over: bool) -> State:
    if not pending:
        return "shown"
    if is_over:
        return "expired"
    return UNACKNOWLEDGED.get(push.state, "queued") if push else "queued"
