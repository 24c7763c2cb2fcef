"""The outbox: what is still to be handed to push services, in which order, and who works on it.
Functions of a session, called by the sender inside `Database.write`; `results` writes down
what became of a claimed row.

Order per subscription holds with any number of senders, since only the oldest unfinished row of a
subscription is ever claimed, also while it waits for its next attempt. A claim is a lease: when its
holder dies, the row is anybody's again. Rows are claimed push service by push service (`origin`):
whoever looks for another one's rows never meets the queue of one that is down."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from app import clock
from app.sending import statements
from app.sending.payload import Content
from app.sending.statements import PATIENCE

#: Of one origin at a time, when nobody sets another limit.
LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Claimed:
    """One row, leased, with all that is needed to send it."""

    subscription_id: int
    user_id: int
    endpoint: str
    origin: str
    p256dh: str
    auth: str
    vapid_key_id: str
    content: Content
    ttl: int
    urgency: str
    topic: str | None
    #: How many times it was tried, this time included.
    attempts: int
    #: End of the lease; also proof that the row is still ours.
    claimed_until: float

    @property
    def give_up_at(self) -> float:
        return self.content.created_at + max(self.ttl, PATIENCE)


def claim(
    session: Session, lease: float, limit: int, room: Callable[[str], int] = lambda origin: LIMIT
) -> list[Claimed]:
    """Lease up to `limit` rows that are due, at most one per subscription, and of each origin no
    more than there is `room` for."""
    claimed: list[Claimed] = []
    for origin in origins_with_work(session):
        size = min(room(origin), limit - len(claimed))
        if size > 0:
            claimed += _claim_of(session, origin, lease, size)
    return claimed


def origins_with_work(session: Session) -> list[str]:
    """In any order, so that none is always served last."""
    found = list(session.scalars(statements.ORIGINS))
    random.shuffle(found)
    return found


def _claim_of(session: Session, origin: str, lease: float, size: int) -> list[Claimed]:
    now = clock.now()
    due = {"origin": origin, "now": now, "size": size}
    subscription_ids = session.scalars(statements.DUE, due).all()
    if not subscription_ids:
        return []
    # From here each statement sees what other senders committed before they let go of these.
    theirs = {"ids": subscription_ids, "now": now}
    session.execute(statements.EXPIRE, theirs)
    session.execute(statements.REPLACE, theirs)
    session.execute(statements.DROP_ACKNOWLEDGED, theirs)
    session.execute(statements.LEASE, theirs | {"until": now + lease})
    rows = session.execute(statements.LEASED, {"ids": subscription_ids, "until": now + lease})
    return [_claimed(row) for row in rows]


def release_all(session: Session) -> None:
    """End all leases: for the start of the only sender of a database, whose predecessor died."""
    session.execute(statements.RELEASE_ALL)


def next_due(session: Session, origins: Iterable[str]) -> float | None:
    """When the next row of these is due that nobody has leased; None when nothing waits."""
    times = [session.scalar(statements.NEXT_DUE, {"origin": origin}) for origin in origins]
    return min((time for time in times if time is not None), default=None)


def _claimed(row: Row[Any]) -> Claimed:
    content = Content(
        notification_id=row.notification_id,
        connection_id=row.connection_id,
        run_id=row.run_id,
        seq=row.seq,
        created_at=row.created_at,
        data=row.data,
    )
    return Claimed(
        subscription_id=row.subscription_id,
        user_id=row.user_id,
        endpoint=row.endpoint,
        origin=row.origin,
        p256dh=row.p256dh,
        auth=row.auth,
        vapid_key_id=row.vapid_key_id,
        content=content,
        ttl=row.ttl,
        urgency=row.urgency,
        topic=row.topic,
        attempts=row.attempts,
        claimed_until=row.claimed_until,
    )
