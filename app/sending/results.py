"""What became of claimed outbox rows: done, tried again later, given up, or the end of their
subscription. Functions of a session, called by the sender inside `Database.write`."""

import random
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, update
from sqlalchemy.orm import Session

from app import clock
from app.accounts import lock_users
from app.models import PushOutbox, PushSubscription
from app.sending.outbox import CORE, Claimed, change, row_of
from app.sending.outcome import Outcome
from app.subscriptions import remove_gone

BACKOFF_FIRST = 1.0
BACKOFF_MAX = 600.0
ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a row: its new state, and when it is tried again."""

    state: str
    next_attempt_at: float | None = None


def finish(session: Session, item: Claimed, outcome: Outcome) -> Finished | None:
    """Write down what became of a claimed row. None: it is not ours any more, because the lease was
    over or the subscription went."""
    if outcome.state == "gone":
        return _end_subscription(session, item)
    now = clock.now()
    result = _result(item, outcome, now)
    still_ours = and_(row_of(item), PushOutbox.claimed_until == item.claimed_until)
    if not change(session, still_ours, **_outbox_values(result, outcome, now)):
        return None
    if result.next_attempt_at is not None:
        _hold_back(session, item.subscription_id, result.next_attempt_at)
    _note_status(session, item, outcome, now)
    return result


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


def _end_subscription(session: Session, item: Claimed) -> Finished | None:
    """Under the user lock: a notification that is being created must not lose its row's parent."""
    lock_users(session, [item.user_id])
    return Finished("gone") if remove_gone(session, item.subscription_id) else None


def _outbox_values(result: Finished, outcome: Outcome, now: float) -> dict[str, Any]:
    return {
        "state": result.state,
        "next_attempt_at": result.next_attempt_at or now,
        "claimed_until": None,
        "last_status": outcome.status,
        "last_error": None if outcome.state == "delivered" else outcome.reason[:ERROR_LENGTH],
    }


def _hold_back(session: Session, subscription_id: int, until: float) -> None:
    """Nothing of this subscription is due before its oldest row is. They would wait anyway;
    this way they are not even looked at while a push service is down."""
    behind = and_(
        PushOutbox.subscription_id == subscription_id,
        PushOutbox.state == "queued",
        PushOutbox.next_attempt_at < until,
    )
    change(session, behind, next_attempt_at=until)


def _note_status(session: Session, item: Claimed, outcome: Outcome, now: float) -> None:
    """What the user sees of the device's subscription. No answer leaves the last one standing."""
    if outcome.status is None:
        return
    values: dict[str, Any] = {"last_status": outcome.status}
    if outcome.state == "delivered":
        values["last_success_at"] = now
    mine = PushSubscription.id == item.subscription_id
    session.execute(update(PushSubscription).where(mine).values(values), execution_options=CORE)
