"""Users and their signed-in sessions. All times are seconds since the epoch."""

from sqlalchemy import BigInteger, Double, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model

#: SQLite numbers rows by itself only in a column declared exactly INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")


class User(Model):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    #: The name folded for comparison: `Ada` and `ada` are one user.
    name_key: Mapped[str] = mapped_column(String(64), unique=True)
    #: None for a guest, who has no password and lives as long as the session, or until the guest
    #: chooses one.
    password_hash: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[float] = mapped_column(Double)
    #: `seq` of the user's newest notification; grows by one each, without gaps.
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    #: The codelab run that this user's events belong to; lab mode only.
    run_id: Mapped[str | None] = mapped_column(String(36), index=True)
    #: None for the first run, which is as old as the user.
    run_began_at: Mapped[float | None] = mapped_column(Double)
    #: Until then no device of the user alerts; the inbox fills all the same.
    muted_until: Mapped[float | None] = mapped_column(Double)


class AuthSession(Model):
    """A signed-in browser. Revoking it signs that device out for good."""

    __tablename__ = "sessions"

    session_id: Mapped[str] = mapped_column(String(43), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[float] = mapped_column(Double)
    last_seen_at: Mapped[float] = mapped_column(Double, index=True)
    revoked_at: Mapped[float | None] = mapped_column(Double)
