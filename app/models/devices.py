"""The registry: one row per device, the node that holds its connection, and the nodes."""

from sqlalchemy import BigInteger, Double, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model


class PnsNode(Model):
    """An incarnation that lives, or died without a word: then it is found by its silence."""

    __tablename__ = "pns_nodes"

    node_uri: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: By the database's clock, like all comparisons with it: machines disagree about the time.
    heartbeat_at: Mapped[float] = mapped_column(Double)


class Registration(Model):
    __tablename__ = "notification_registry"

    connection_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    session_id: Mapped[str] = mapped_column(
        ForeignKey("sessions.session_id", ondelete="CASCADE"), unique=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: The node incarnation that holds the WebSocket; NULL means offline.
    node_uri: Mapped[str | None] = mapped_column(String(255), index=True)
    #: Grows with every take-over; a late clean-up of an older owner compares it and does nothing.
    epoch: Mapped[int] = mapped_column(Integer, default=0)
    device_name: Mapped[str] = mapped_column(String(80))
    user_agent: Mapped[str] = mapped_column(String(400))
    connected_at: Mapped[float | None] = mapped_column(Double)
    last_seen_at: Mapped[float] = mapped_column(Double)
    #: Notifications that expired before this device got them; told once, in `replayed`.
    expired_count: Mapped[int] = mapped_column(Integer, default=0)
    #: The user's `last_seq` when the record was made: older notifications were never for it.
    created_seq: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    #: Until then this device does not alert; its inbox fills all the same.
    muted_until: Mapped[float | None] = mapped_column(Double)
