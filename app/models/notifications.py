"""Notifications and who has not yet acknowledged them."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Double,
    ForeignKey,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model

#: Policy: Web Push only to devices that have not acknowledged over their WebSocket in time.
PUSH_IF_UNACKED = "push-if-unacked"


class NotificationData(Model):
    __tablename__ = "notification_data"
    __table_args__ = (UniqueConstraint("user_id", "seq"),)

    notification_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    seq: Mapped[int] = mapped_column(BigInteger)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: Web Push TTL header, seconds; nothing to do with `expires_at`.
    ttl: Mapped[int] = mapped_column(Integer)
    urgency: Mapped[str] = mapped_column(String(8))
    topic: Mapped[str | None] = mapped_column(String(32))
    policy: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[float] = mapped_column(Double)
    #: When PNS and the inbox give up.
    expires_at: Mapped[float] = mapped_column(Double, index=True)
    read_at: Mapped[float | None] = mapped_column(Double)
    #: The one device that it was for; None: all of them. No foreign key: it outlives the device.
    only_connection_id: Mapped[str | None] = mapped_column(String(36))


class PendingNotification(Model):
    """Not yet acknowledged by this device; the row goes with the acknowledgement (P-11).

    The table that changes most has one index, its key: that makes a row and its end two and a half
    times as cheap on SQLite. So nothing refers to `notification_data`; whoever deletes there
    deletes here first (`notifications.expire`).
    """

    __tablename__ = "pending_notifications"
    __table_args__ = ({"sqlite_with_rowid": False},)

    connection_id: Mapped[str] = mapped_column(
        ForeignKey("notification_registry.connection_id", ondelete="CASCADE"), primary_key=True
    )
    #: That of the notification, so unique among those of the device's user.
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    notification_id: Mapped[str] = mapped_column(String(36))


class ScheduledNotification(Model):
    """Not yet a notification: it becomes one at `deliver_at`, for the devices there are then."""

    __tablename__ = "scheduled_notifications"

    notification_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    #: Who gets it, and who may still take it back.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    creator_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    deliver_at: Mapped[float] = mapped_column(Double, index=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    ttl: Mapped[int] = mapped_column(Integer)
    urgency: Mapped[str] = mapped_column(String(8))
    topic: Mapped[str | None] = mapped_column(String(32))
    policy: Mapped[str] = mapped_column(String(16))


class IdempotencyKey(Model):
    """A POST that was answered, so that its repetition is the same notification (24 h)."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    #: SHA-256 of the request body: the same key with another body is refused.
    body_hash: Mapped[str] = mapped_column(String(64))
    answer: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    created_at: Mapped[float] = mapped_column(Double, index=True)
