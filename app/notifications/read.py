"""The inbox: what a user was told, and what of it is read. Functions of a session; web calls
them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, Select, and_, select, update
from sqlalchemy.orm import Session

from app import clock
from app.models import NotificationData, User

PAGE = 200


@dataclass(frozen=True, slots=True)
class Item:
    """One notification as its user sees it."""

    notification_id: str
    seq: int
    data: dict[str, Any]
    created_at: float
    read_at: float | None


@dataclass(frozen=True, slots=True)
class Inbox:
    """A page of it, oldest first, and the number of the newest there is."""

    items: list[Item]
    last_seq: int


def list_since(session: Session, user_id: int, since: int = 0, limit: int = PAGE) -> Inbox:
    """What came after `since`, which is the `seq` of the last one that the caller has."""
    last_seq = session.scalar(select(User.last_seq).where(User.id == user_id)) or 0
    query = _items(user_id).where(NotificationData.seq > since).order_by(NotificationData.seq)
    rows = session.execute(query.limit(min(limit, PAGE)))
    return Inbox([Item(*row) for row in rows], last_seq)


def find(session: Session, user_id: int, notification_id: str) -> Item | None:
    """One of the user's own; so a worker fetches what did not fit into a push message."""
    query = _items(user_id).where(NotificationData.notification_id == notification_id)
    row = session.execute(query).one_or_none()
    return Item(*row) if row else None


def mark_read(session: Session, user_id: int, notification_ids: Sequence[str]) -> int:
    """Read on one device is read on all. How many were unread before; those of others are left
    alone, and nobody is told that they exist."""
    unread = and_(
        NotificationData.user_id == user_id,
        NotificationData.notification_id.in_(notification_ids),
        NotificationData.read_at.is_(None),
    )
    statement = update(NotificationData).where(unread).values(read_at=clock.now())
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast(CursorResult[Any], result).rowcount


def _items(user_id: int) -> Select[*tuple[Any, ...]]:
    """The columns of `Item`, of what has not expired."""
    return select(
        NotificationData.notification_id,
        NotificationData.seq,
        NotificationData.data,
        NotificationData.created_at,
        NotificationData.read_at,
    ).where(NotificationData.user_id == user_id, NotificationData.expires_at > clock.now())
