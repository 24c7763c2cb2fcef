"""What each running process last said of itself, so that one page can show all of them."""

from typing import Any

from sqlalchemy import JSON, Double, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model


class ProcessSample(Model):
    """One row per process, written over every few seconds; it goes when the process does."""

    __tablename__ = "process_samples"

    process_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    #: By the database's clock.
    at: Mapped[float] = mapped_column(Double)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
