"""Creating notifications: the transaction, once per `Idempotency-Key`, and what follows its commit:
the nodes are rung, the sender is woken. Called by web and codelab."""

import threading
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from app import clock, metrics
from app.accounts import lock_users
from app.bus.envelope import Envelope
from app.bus.ringer import Ringer
from app.db import Database
from app.faults import Faults
from app.journal import Journal
from app.notifications import schedule
from app.notifications.idempotency import Idempotency, find_answer, keep_answer
from app.notifications.transaction import GRACE, Created, NewNotification, create_all

__all__ = ["Created", "Creator", "Idempotency", "NewNotification"]

#: Step W-7: an event occurs.
STEP = 7


class Creator:
    """The one way into the inbox. For use by many threads or greenlets at a time."""

    def __init__(
        self,
        *,
        database: Database,
        ringer: Ringer,
        journal: Journal,
        faults: Faults,
        outbox_changed: threading.Event,
        schedule_changed: threading.Event,
        grace: float = GRACE,
    ) -> None:
        self._database = database
        self._ringer = ringer
        self._journal = journal
        self._faults = faults
        self._outbox_changed = outbox_changed
        self._schedule_changed = schedule_changed
        self._grace = grace

    def create(
        self, new: Sequence[NewNotification], idempotency: Idempotency | None = None
    ) -> list[Created]:
        """All of them or none; committed when this returns. Raises NotFound when a user is gone,
        IdempotencyConflict when the key was used for other content."""

        users, is_new = _users_of(new), True
        if idempotency is None and all(item.deliver_at is None for item in new):
            created = self._database.write_together(self._create_together, new, users=users)
        else:
            alone = partial(self._create_alone, new, idempotency)
            created, is_new = self._database.write(alone, users=users)
        self._faults.reach("create.after_commit")
        if is_new:
            self._tell(created)
            self._faults.reach("create.after_ring")
            self._report(new, created)
        return created

    def _create_together(
        self, connection: Connection, wanted: list[Sequence[NewNotification]]
    ) -> list[list[Created]]:
        """What several callers want at the same time, with the statements of one."""
        together = [item for new in wanted for item in new]
        made = iter(create_all(connection, together, self._grace))
        created = [list(islice(made, len(new))) for new in wanted]
        self._faults.reach("create.before_commit")
        return created

    def _create_alone(
        self, new: Sequence[NewNotification], idempotency: Idempotency | None, session: Session
    ) -> tuple[list[Created], bool]:
        """What may have been answered before, or is kept for later."""
        answer = _create_once(session, new, idempotency, self._grace)
        self._faults.reach("create.before_commit")
        return answer

    def create_due(self, limit: int) -> int:
        """Make real what was scheduled for now or earlier, at most so many; how many there were."""

        def work(session: Session) -> tuple[list[NewNotification], list[Created]]:
            due = schedule.take_due(session, clock.now(), limit)
            return due, create_all(session.connection(), due, self._grace)

        due, created = self._database.write(work)
        if created:
            self._faults.reach("schedule.after_commit")
            self._tell(created)
            self._report(due, created)
        return len(created)

    def _tell(self, created: list[Created]) -> None:
        """After the commit, never before: who is told finds the rows."""
        if any(item.deliver_at is not None for item in created):
            self._schedule_changed.set()
        created = [item for item in created if item.deliver_at is None]
        if not created:
            return
        metrics.CREATED.inc(len(created))
        user_ids = tuple(dict.fromkeys(item.user_id for item in created))
        ids = tuple(item.notification_id for item in created)
        self._ringer.tell(Envelope("ring", user_ids=user_ids, ids=ids))
        if any(item.subscriptions for item in created):
            self._outbox_changed.set()

    def _report(self, new: Sequence[NewNotification], created: list[Created]) -> None:
        if not self._journal.enabled:
            return
        for wanted, made in zip(new, created, strict=True):
            self._journal.write(
                "notification.created" if made.deliver_at is None else "notification.scheduled",
                user_id=made.user_id,
                step=STEP,
                summary=_summary(made),
                notification_id=made.notification_id,
                detail=_detail(wanted, made),
            )


def _detail(wanted: NewNotification, made: Created) -> dict[str, Any]:
    options = {name: getattr(wanted, name) for name in ("ttl", "urgency", "topic", "policy")}
    return {"data": wanted.data, **options, **asdict(made)}


def _summary(made: Created) -> str:
    if made.deliver_at is not None:
        return f"A notification is kept until {clock.iso(made.deliver_at)}."
    devices = "1 device" if made.devices == 1 else f"{made.devices} devices"
    return f"A notification is stored for {devices}, {made.subscriptions} with a push subscription."


def _create_once(
    session: Session,
    new: Sequence[NewNotification],
    idempotency: Idempotency | None,
    grace: float,
) -> tuple[list[Created], bool]:
    """Create, unless this request was answered before: then the same answer, and False."""
    if idempotency is None:
        return _make_all(session, new, grace), True
    # All users at once: a second lock, taken later, could be out of order. It also makes two
    # requests with one key come one after the other.
    lock_users(session.connection(), [idempotency.user_id, *_users_of(new)])
    known = find_answer(session, idempotency)
    if known is not None:
        return known, False
    created = _make_all(session, new, grace)
    keep_answer(session, idempotency, created)
    return created, True


def _make_all(session: Session, new: Sequence[NewNotification], grace: float) -> list[Created]:
    """What is for now is made real, what is for later is kept; in their order."""
    now = [item for item in new if item.deliver_at is None]
    if len(now) == len(new):
        return create_all(session.connection(), now, grace)
    lock_users(session.connection(), _users_of(new))
    made = iter(create_all(session.connection(), now, grace))
    return [next(made) if item.deliver_at is None else schedule.add(session, item) for item in new]


def _users_of(new: Sequence[NewNotification]) -> set[int]:
    """Whom these are for, and who wants them."""
    return {item.user_id for item in new} | {item.creator_id or item.user_id for item in new}
