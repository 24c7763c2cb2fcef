"""Expiry: nothing grows for ever, and what was lost is counted."""

from functools import partial
from typing import Any

from sqlalchemy import delete, select

from app import clock
from app.db import Database
from app.models import (
    IdempotencyKey,
    NotificationData,
    PendingNotification,
    PushOutbox,
    Registration,
)
from app.notifications import expire
from app.notifications.idempotency import Idempotency, keep_answer
from tests.records import create, make_device, make_user, rows


def pass_time(monkeypatch: Any, seconds: float) -> None:
    then = clock.now() + seconds
    monkeypatch.setattr(clock, "now", lambda: then)


# P-14
def test_expired_notification_goes_with_its_rows(any_database: Database, monkeypatch: Any) -> None:
    user = make_user(any_database)
    make_device(any_database, user)
    create(any_database, user, ttl=10, expires_at=clock.now())
    [kept] = create(any_database, user)
    pass_time(monkeypatch, 11)
    assert expire.sweep(any_database) == 1
    assert [row.notification_id for row in rows(any_database, NotificationData)] == [
        kept.notification_id
    ]
    assert len(rows(any_database, PendingNotification)) == len(rows(any_database, PushOutbox)) == 1


# P-14
def test_expiry_counts_what_each_device_never_got(any_database: Database, monkeypatch: Any) -> None:
    user = make_user(any_database)
    one, two = make_device(any_database, user), make_device(any_database, user)
    created = create(any_database, user, user, user, ttl=10, expires_at=clock.now())
    acked = PendingNotification.notification_id == created[0].notification_id
    of_one = PendingNotification.connection_id == one.connection_id
    any_database.write(lambda s: s.execute(delete(PendingNotification).where(acked, of_one)))
    pass_time(monkeypatch, 11)
    expire.sweep(any_database)
    counts = {row.connection_id: row.expired_count for row in rows(any_database, Registration)}
    assert counts == {one.connection_id: 2, two.connection_id: 3}


# P-14
def test_expiry_leaves_others_what_has_the_same_number(
    any_database: Database, monkeypatch: Any
) -> None:
    ada, bob = make_user(any_database), make_user(any_database)
    make_device(any_database, ada)
    his = make_device(any_database, bob)
    create(any_database, ada, ttl=10, expires_at=clock.now())
    create(any_database, bob)
    pass_time(monkeypatch, 11)
    expire.sweep(any_database)
    [pending] = rows(any_database, PendingNotification)
    assert (pending.connection_id, pending.seq) == (his.connection_id, 1)
    counts = {row.user_id: row.expired_count for row in rows(any_database, Registration)}
    assert counts == {ada: 1, bob: 0}


# P-14
def test_sweep_works_in_batches(database: Database, monkeypatch: Any) -> None:
    monkeypatch.setattr(expire, "BATCH", 2)
    create(database, *[make_user(database)] * 5, ttl=10, expires_at=clock.now())
    pass_time(monkeypatch, 11)
    assert expire.sweep(database) == 5
    assert not rows(database, NotificationData)


# P-14
def test_idempotency_keys_go_after_a_day(database: Database, monkeypatch: Any) -> None:
    user = make_user(database)
    for seconds in (0, 86000, 1000):
        pass_time(monkeypatch, seconds)
        request = Idempotency(user, f"after {seconds}", b"")
        database.write(partial(keep_answer, request=request, created=[]))
    expire.sweep(database)
    assert {row.key for row in rows(database, IdempotencyKey)} == {"after 86000", "after 1000"}


# P-14
def test_expiry_is_found_by_an_index(database: Database) -> None:
    query = select(NotificationData.user_id).where(NotificationData.expires_at <= 1).limit(5)
    with database.read() as session:
        text = str(query.compile(session.bind, compile_kwargs={"literal_binds": True}))
        plan = session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + text).all()
    assert "USING INDEX ix_notification_data_expires_at" in str(plan)
