"""Notifications with a time of their own: kept, made real once, taken back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app import clock
from app.db import Database
from app.errors import InvalidInput, NotFound
from app.models import NotificationData, ScheduledNotification
from app.notifications import schedule
from app.notifications.create import NewNotification
from app.notifications.scheduler import POLL, Scheduler
from tests.notifications.test_create import Parts, key
from tests.records import as_processes, make_device, make_user, rows


@pytest.fixture
def parts(any_database: Database) -> Parts:
    return Parts(any_database)


def later(user_id: int, seconds: float = 60, title: str = "tea") -> NewNotification:
    return NewNotification(user_id, {"title": title}, deliver_at=clock.now() + seconds)


def pass_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    then = clock.now() + seconds
    monkeypatch.setattr(clock, "now", lambda: then)


def test_it_waits_for_its_time_and_then_reaches_whoever_is_there(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:  # W-7
    user = make_user(parts.database)
    (kept,) = parts.creator.create([later(user)])
    assert parts.schedule_changed.is_set()
    assert parts.creator.create_due(10) == 0
    assert rows(parts.database, NotificationData) == []
    make_device(parts.database, user)  # not there when it was scheduled
    pass_time(monkeypatch, 61)
    assert parts.creator.create_due(10) == 1
    (made,) = rows(parts.database, NotificationData)
    assert (made.notification_id, made.seq) == (kept.notification_id, 1)
    assert parts.ringer.told[-1][0].ids == (kept.notification_id,)
    assert parts.outbox_changed.is_set()
    assert rows(parts.database, ScheduledNotification) == []
    assert parts.creator.create_due(10) == 0


def test_the_longest_due_comes_first(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:  # W-7
    user = make_user(parts.database)
    parts.creator.create([later(user, 30, "second"), later(user, 10, "first")])
    pass_time(monkeypatch, 60)
    assert parts.creator.create_due(1) == 1
    assert parts.creator.create_due(1) == 1
    made = sorted(rows(parts.database, NotificationData), key=lambda row: row.seq)
    assert [row.data["title"] for row in made] == ["first", "second"]


def test_many_schedulers_make_each_once(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:  # P-12
    parts = Parts(any_database)
    user = make_user(any_database)
    parts.creator.create([later(user, number) for number in range(60)])
    pass_time(monkeypatch, 100)
    others = [Parts(database).creator for database in as_processes(any_database, 4)]
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda one: sum(one.create_due(5) for _ in range(20)), others))
    assert sum(counts) == 60
    assert sorted(row.seq for row in rows(any_database, NotificationData)) == [*range(1, 61)]


def test_now_and_later_in_one_call_are_all_or_none(parts: Parts) -> None:  # W-7
    user = make_user(parts.database)
    both = [later(user), NewNotification(user, {"title": "now"})]
    kept, made = parts.creator.create(both)
    assert (kept.seq, made.seq) == (0, 1)
    with pytest.raises(NotFound):
        parts.creator.create([*both, later(user_id=9999)])
    assert len(rows(parts.database, NotificationData)) == 1
    assert len(rows(parts.database, ScheduledNotification)) == 1


def test_repeated_request_schedules_once(parts: Parts) -> None:  # W-7
    user = make_user(parts.database)
    new = later(user)
    first = parts.creator.create([new], key(user))
    assert parts.creator.create([new], key(user)) == first
    assert len(rows(parts.database, ScheduledNotification)) == 1


def test_creator_alone_may_take_it_back(parts: Parts) -> None:  # W-7
    ada, bob = make_user(parts.database, "Ada"), make_user(parts.database, "Bob")
    (kept,) = parts.creator.create([replace(later(bob), creator_id=ada)])
    where = (ada, kept.notification_id)
    with parts.database.read() as session:
        (waiting,) = schedule.list_of(session, ada)
        assert (waiting.to, waiting.notification_id) == ("Bob", kept.notification_id)
        assert schedule.list_of(session, bob) == []
        with pytest.raises(NotFound):
            schedule.find(session, bob, kept.notification_id)
    parts.database.write(lambda session: schedule.take_back(session, *where))
    with pytest.raises(NotFound, match="perhaps it was delivered"):
        parts.database.write(lambda session: schedule.take_back(session, *where))


def test_what_one_user_may_have_waiting_is_bounded(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:  # P-14
    monkeypatch.setattr(schedule, "MOST", 2)
    user = make_user(parts.database)
    parts.creator.create([later(user), later(user)])
    with pytest.raises(InvalidInput):
        parts.creator.create([later(user)])


def test_scheduler_wakes_at_the_right_time(parts: Parts) -> None:  # W-7
    changed = threading.Event()
    scheduler = Scheduler(parts.database, parts.creator, changed)
    user = make_user(parts.database)
    make_device(parts.database, user)
    assert scheduler.turn() == POLL
    parts.creator.create([later(user, 0.2)])
    assert 0 <= scheduler.turn() <= 0.2
    scheduler.start()
    assert parts.outbox_changed.wait(10)
    scheduler.stop()
    assert len(rows(parts.database, NotificationData)) == 1
