"""Push subscriptions, what is still to be sent to them, and the public half of our VAPID keys."""

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.models.accounts import BigId

#: A host name has at most 253 characters (RFC 1035 section 2.3.4).
ORIGIN_LENGTH = 270


class VapidKey(Model):
    """Public keys and states only: private keys live in the instance folder or the environment."""

    __tablename__ = "vapid_keys"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    #: Uncompressed P-256 point, base64url without padding.
    public_key: Mapped[str] = mapped_column(String(88), unique=True)
    #: `current` signs new subscriptions; `retired` still signs for its own.
    state: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[float] = mapped_column(Double)


class PushSubscription(Model):
    __tablename__ = "push_subscriptions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    connection_id: Mapped[str] = mapped_column(
        ForeignKey("notification_registry.connection_id", ondelete="CASCADE"), index=True
    )
    #: Text of any length: a cut endpoint is a dead endpoint.
    endpoint: Mapped[str] = mapped_column(Text)
    #: SHA-256, hexadecimal: what makes the same endpoint one row.
    endpoint_hash: Mapped[str] = mapped_column(String(64), unique=True)
    #: Scheme, host and port of the endpoint: the push service it is at.
    origin: Mapped[str] = mapped_column(String(ORIGIN_LENGTH), server_default="")
    p256dh: Mapped[str] = mapped_column(String(88))
    auth: Mapped[str] = mapped_column(String(24))
    vapid_key_id: Mapped[str] = mapped_column(ForeignKey("vapid_keys.id"))
    created_at: Mapped[float] = mapped_column(Double)
    last_success_at: Mapped[float | None] = mapped_column(Double)
    last_status: Mapped[int | None] = mapped_column(Integer)


class PushOutbox(Model):
    """One Web Push message to hand over. States: queued, delivered, replaced, expired, refused,
    muted, acknowledged (it need not be pushed any more)."""

    __tablename__ = "push_outbox"
    __table_args__ = (
        Index("ix_push_outbox_due", "state", "origin", "next_attempt_at"),
        Index("ix_push_outbox_order", "subscription_id", "state", "seq"),
    )

    notification_id: Mapped[str] = mapped_column(
        ForeignKey("notification_data.notification_id", ondelete="CASCADE"), primary_key=True
    )
    subscription_id: Mapped[int] = mapped_column(
        ForeignKey("push_subscriptions.id", ondelete="CASCADE"), primary_key=True
    )
    #: The notification's `seq`: the order in which a subscription's rows are handed over.
    seq: Mapped[int] = mapped_column(BigInteger)
    #: The subscription's: each push service's rows are found without looking at those of others.
    origin: Mapped[str] = mapped_column(String(ORIGIN_LENGTH), server_default="")
    state: Mapped[str] = mapped_column(String(12), default="queued")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[float] = mapped_column(Double)
    #: Lease of the sender that works on the row; over, the row is anybody's again.
    claimed_until: Mapped[float | None] = mapped_column(Double)
    last_status: Mapped[int | None] = mapped_column(Integer)
    last_error: Mapped[str | None] = mapped_column(String(500))
