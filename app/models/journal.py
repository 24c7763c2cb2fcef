"""What happened, for the codelab and the tests. Written in lab mode only, and expires."""

from typing import Any

from sqlalchemy import JSON, Double, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.models.accounts import BigId


class JournalEvent(Model):
    __tablename__ = "journal_events"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[str | None] = mapped_column(String(36), index=True)
    at: Mapped[float] = mapped_column(Double, index=True)
    actor: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(40))
    #: Which of the ten steps (W-1 … W-10) the event belongs to.
    step: Mapped[int | None] = mapped_column(Integer)
    notification_id: Mapped[str | None] = mapped_column(String(36))
    connection_id: Mapped[str | None] = mapped_column(String(36))
    endpoint: Mapped[str | None] = mapped_column(Text)
    message_url: Mapped[str | None] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class JournalBatch(Model):
    """Events as they were told, many in a row, until somebody reads the journal."""

    __tablename__ = "journal_batches"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[float] = mapped_column(Double, index=True)
    events: Mapped[bytes] = mapped_column(LargeBinary)
