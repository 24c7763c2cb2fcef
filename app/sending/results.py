"""What became of claimed outbox rows: done, tried again later, given up, or the end of their
subscription. Functions of a session, called by the sender inside `Database.write`."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from app import clock
from app.accounts import lock_users
from app.sending import statements
from app.sending.outbox import Claimed
from app.sending.outcome import Outcome
from app.subscriptions import remove_gone

BACKOFF_FIRST = 1.0
BACKOFF_MAX = 600.0
ERROR_LENGTH = 500


class Done(NamedTuple):
    """A claimed row and what became of it, not written down yet."""

    item: Claimed
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a row: its new state, and when it is tried again."""

    state: str
    next_attempt_at: float | None = None


def finish(session: Session, done: Sequence[Done]) -> list[Finished | None]:
    """Write down what became of claimed rows; for each in turn its new state. None: it is not ours
    any more, because the lease was over or the subscription went."""
    gone = [item.user_id for item, outcome in done if outcome.state == "gone"]
    if gone:  # all users at once, and first: a later lock could be out of order
        lock_users(session.connection(), gone)
    delivered = [one for one in done if one.outcome.state == "delivered"]
    ours = _finish_delivered(session, delivered)

    def finish_one(item: Claimed, outcome: Outcome) -> Finished | None:
        if outcome.state == "delivered":
            return Finished("delivered") if item.subscription_id in ours else None
        return _finish_other(session, item, outcome)

    return [finish_one(*one) for one in done]


def _finish_delivered(session: Session, done: Sequence[Done]) -> set[int]:
    """Nearly all of them, so they are written together; the ids of their subscriptions."""
    by_status: dict[int | None, list[Claimed]] = {}
    for item, outcome in done:
        by_status.setdefault(outcome.status, []).append(item)
    ours: set[int] = set()
    for status, items in by_status.items():
        ours |= _mark_delivered(session, items, status)
    return ours


def _mark_delivered(session: Session, items: Sequence[Claimed], status: int | None) -> set[int]:
    values = {"status": status, "now": clock.now()}
    leases = [_lease_of(item) for item in items]
    ours = set(session.scalars(statements.DELIVERED, values | {"leases": leases}))
    session.execute(statements.NOTE_SUCCESS, values | {"ids": list(ours)})
    return ours


def _finish_other(session: Session, item: Claimed, outcome: Outcome) -> Finished | None:
    if outcome.state == "gone":
        return Finished("gone") if remove_gone(session, item.subscription_id) else None
    now = clock.now()
    result = _result(item, outcome, now)
    finish = statements.FINISH.values(_outbox_values(result, outcome, now))
    changed = session.execute(finish, {"leases": [_lease_of(item)]})
    if not cast(CursorResult[Any], changed).rowcount:
        return None
    if result.next_attempt_at is not None:
        held_back = {"id": item.subscription_id, "until": result.next_attempt_at}
        session.execute(statements.HOLD_BACK, held_back)
    if outcome.status is not None:  # what the user sees; no answer leaves the last one standing
        noted = {"of_id": item.subscription_id, "status": outcome.status}
        session.execute(statements.NOTE_STATUS, noted)
    return result


def _lease_of(item: Claimed) -> tuple[int, str, float]:
    return item.subscription_id, item.content.notification_id, item.claimed_until


def backoff(attempts: int, retry_after: float | None) -> float:
    """Seconds until the next attempt: what the push service asked for, else twice as long as last
    time. With jitter, so that what failed together does not come back together."""
    wait = retry_after
    if wait is None:
        wait = min(BACKOFF_FIRST * 2 ** min(attempts - 1, 30), BACKOFF_MAX)
    return wait + random.uniform(0, wait / 2)  # noqa: S311


def _result(item: Claimed, outcome: Outcome, now: float) -> Finished:
    if outcome.state != "retry":
        return Finished(outcome.state)
    next_attempt_at = now + backoff(item.attempts, outcome.retry_after)
    if next_attempt_at > item.give_up_at:
        return Finished("expired")
    return Finished("queued", next_attempt_at)


def _outbox_values(result: Finished, outcome: Outcome, now: float) -> dict[str, Any]:
    return {
        "state": result.state,
        "next_attempt_at": result.next_attempt_at or now,
        "claimed_until": None,
        "last_status": outcome.status,
        "last_error": outcome.reason[:ERROR_LENGTH],
    }
