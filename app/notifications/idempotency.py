"""`Idempotency-Key`: a POST that is repeated, because its answer was lost, gets the same answer and
makes nothing new. Functions of a session, called by `create`."""

import hashlib
from dataclasses import asdict, dataclass

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app import clock
from app.errors import IdempotencyConflict
from app.models import IdempotencyKey
from app.notifications.transaction import Created

#: How long an answer is remembered (seconds).
REMEMBERED = 86400.0


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The key of a request, whose it is, and what the request said."""

    user_id: int
    #: At most 200 characters.
    key: str
    body: bytes

    @property
    def body_hash(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def find_answer(session: Session, request: Idempotency) -> list[Created] | None:
    """What the request was answered before. Raises IdempotencyConflict when it said other things.
    The caller holds the user lock."""
    known = session.get(IdempotencyKey, (request.user_id, request.key))
    if known is None:
        return None
    if known.created_at <= clock.now() - REMEMBERED:
        session.delete(known)
        session.flush()
        return None
    if known.body_hash != request.body_hash:
        raise IdempotencyConflict("Use a fresh key for a request with other content.")
    return [Created(**answer) for answer in known.answer]


def keep_answer(session: Session, request: Idempotency, created: list[Created]) -> None:
    session.add(
        IdempotencyKey(
            user_id=request.user_id,
            key=request.key,
            body_hash=request.body_hash,
            answer=[asdict(item) for item in created],
            created_at=clock.now(),
        )
    )
    session.flush()


def expire(session: Session, now: float) -> None:
    """Forget answers that nobody may ask for any more; the sweep calls it."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - REMEMBERED))
