"""The creator: idempotency, what is told after the commit, and faults in between."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

import pytest
from sqlalchemy import Engine, event, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import accounts, clock, db
from app.bus.envelope import Envelope
from app.bus.ringer import Ringer
from app.db import Database, Model
from app.errors import IdempotencyConflict, NotFound
from app.faults import Faults, InjectedFault
from app.journal import Journal, read_run
from app.models import IdempotencyKey, NotificationData, User
from app.notifications.create import Creator, Idempotency, NewNotification
from tests import postgres
from tests.records import as_processes, make_device, make_user, rows
from tests.waiting import until


class ListeningRinger:
    """Notes what was told, and how many notifications could be read at that moment."""

    def __init__(self, database: Database) -> None:
        self.told: list[tuple[Envelope, int]] = []
        self._database = database

    def tell(self, envelope: Envelope) -> None:
        with self._database.read() as session:
            stored = session.scalar(select(func.count()).select_from(NotificationData)) or 0
        self.told.append((envelope, stored))


class Parts:
    """A creator and all that it tells."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ringer = ListeningRinger(database)
        self.journal = Journal(database, enabled=True)
        self.faults = Faults(enabled=True)
        self.outbox_changed = threading.Event()
        self.schedule_changed = threading.Event()
        self.creator = Creator(
            database=database,
            ringer=cast(Ringer, self.ringer),
            journal=self.journal,
            faults=self.faults,
            outbox_changed=self.outbox_changed,
            schedule_changed=self.schedule_changed,
        )


def hello(user_id: int, title: str = "hello") -> list[NewNotification]:
    return [NewNotification(user_id, {"title": title})]


def key(user_id: int, body: bytes = b"{}", name: str = "k1") -> Idempotency:
    return Idempotency(user_id, name, body)


# P-7
def test_nodes_are_rung_after_the_commit(any_database: Database) -> None:
    parts, user = Parts(any_database), make_user(any_database)
    [created] = parts.creator.create(hello(user))
    [(envelope, stored)] = parts.ringer.told
    assert stored == 1
    assert envelope == Envelope("ring", user_ids=(user,), ids=(created.notification_id,))


# W-8
def test_sender_is_woken(database: Database) -> None:
    parts, user = Parts(database), make_user(database)
    parts.creator.create(hello(user))
    assert not parts.outbox_changed.is_set()  # nobody subscribed
    make_device(database, user)
    parts.creator.create(hello(user))
    assert parts.outbox_changed.is_set()


# W-11
def test_journal_tells_of_the_notification(database: Database) -> None:
    parts, user = Parts(database), make_user(database)
    [created] = parts.creator.create(hello(user, "news"))
    parts.journal.flush()
    with database.read() as session:
        [event] = read_run(session, session.get_one(User, user).run_id)
    assert (event["kind"], event["step"]) == ("notification.created", 7)
    assert event["notification_id"] == created.notification_id
    assert event["detail"]["data"] == {"title": "news"}


# W-7
def test_repeated_request_gets_the_same_answer(any_database: Database) -> None:
    parts, user = Parts(any_database), make_user(any_database)
    first = parts.creator.create(hello(user), key(user))
    assert parts.creator.create(hello(user), key(user)) == first
    assert len(rows(any_database, NotificationData)) == 1
    assert len(parts.ringer.told) == 1


# W-7
def test_same_key_at_the_same_time_creates_once(any_database: Database) -> None:
    user = make_user(any_database)
    processes = [Parts(process) for process in as_processes(any_database, 8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda parts: parts.creator.create(hello(user), key(user)), processes)
        )
    assert all(answer == answers[0] for answer in answers)
    assert len(rows(any_database, NotificationData)) == 1


# P-7
@pytest.mark.parametrize("gone", [0, 1])
def test_creates_at_the_same_time_share_statements_not_outcomes(
    any_database: Database, gone: int
) -> None:
    parts, user, other = Parts(any_database), make_user(any_database), make_user(any_database)
    inserts: list[str] = []
    seen = partial(_note_inserts, inserts)
    event.listen(any_database.engine, "before_cursor_execute", seen)
    wanted = [hello(user) * 2, hello(other), hello(user), *[hello(999_999)] * gone]
    held, go = threading.Event(), threading.Event()

    def hold(_session: Session) -> None:
        held.set()
        go.wait(10)

    with ThreadPoolExecutor(len(wanted) + 1) as pool:
        pool.submit(any_database.write, hold)
        held.wait(10)
        creating = [pool.submit(parts.creator.create, new) for new in wanted]
        until(lambda: any_database.waiting == len(wanted))
        go.set()
    event.remove(any_database.engine, "before_cursor_execute", seen)
    assert all(isinstance(one.exception(), NotFound) for one in creating[3:])
    made = [one.result() for one in creating[:3]]
    assert [len(one) for one in made] == [2, 1, 1]
    assert sorted(item.seq for item in made[0] + made[2]) == [1, 2, 3]
    assert [(item.user_id, item.seq) for item in made[1]] == [(other, 1)]
    assert len(inserts) == (3 if gone else 1)  # together, or each alone


def _note_inserts(inserts: list[str], _connection: Any, _cursor: Any, text: str, *_: Any) -> None:
    if text.startswith("INSERT INTO notification_data"):
        inserts.append(text)


# W-7
def test_same_key_with_other_content_is_refused(database: Database) -> None:
    parts, user = Parts(database), make_user(database)
    parts.creator.create(hello(user), key(user, b"one"))
    with pytest.raises(IdempotencyConflict):
        parts.creator.create(hello(user), key(user, b"two"))
    assert len(rows(database, NotificationData)) == 1


# W-7
def test_same_key_of_another_user_is_another_key(database: Database) -> None:
    parts, ada, bob = Parts(database), make_user(database), make_user(database)
    parts.creator.create(hello(ada), key(ada, b"one"))
    parts.creator.create(hello(bob), key(bob, b"two"))
    assert len(rows(database, NotificationData)) == 2


# W-7
def test_key_is_forgotten_after_a_day(database: Database, monkeypatch: Any) -> None:
    parts, user = Parts(database), make_user(database)
    parts.creator.create(hello(user), key(user, b"one"))
    tomorrow = clock.now() + 86401
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    parts.creator.create(hello(user), key(user, b"two"))
    assert len(rows(database, NotificationData)) == 2


# P-12
def test_fault_before_the_commit_leaves_nothing(database: Database) -> None:
    parts, user = Parts(database), make_user(database)
    parts.faults.arm("create.before_commit")
    with pytest.raises(InjectedFault):
        parts.creator.create(hello(user), key(user))
    assert not rows(database, NotificationData)
    assert not rows(database, IdempotencyKey)


# P-12
def test_fault_after_the_commit_keeps_the_notification(database: Database) -> None:
    parts, user = Parts(database), make_user(database)
    parts.faults.arm("create.after_commit")
    with pytest.raises(InjectedFault):
        parts.creator.create(hello(user), key(user))
    [stored] = rows(database, NotificationData)
    [answer] = parts.creator.create(hello(user), key(user))
    assert answer.notification_id == stored.notification_id


def test_processes_that_create_for_the_same_users_never_wait_for_each_other(
    postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:  # P-7
    """Their batches lock all users at once, in order; else PostgreSQL would end deadlocks."""
    failures: list[str] = []

    def note(error: OperationalError) -> bool:
        failures.append(str(error))
        return True

    monkeypatch.setattr(db, "_passes", note)
    postgres.empty(postgres_engine, Model.metadata)
    processes = [Parts(Database(postgres_engine, accounts.lock_users)) for _ in range(3)]
    users = [make_user(processes[0].database) for _ in range(8)]

    def publish(number: int) -> None:
        dice = random.Random(number)
        for _ in range(8):
            wanted = [NewNotification(one, {"title": "x"}) for one in dice.sample(users, 3)]
            processes[number % 3].creator.create(wanted)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(publish, range(12)))
    assert failures == []
    assert len(rows(processes[0].database, NotificationData)) == 12 * 8 * 3
