"""The create transaction, on both databases."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.orm import Session

from app.db import Database
from app.errors import NotFound
from app.models import NotificationData, PendingNotification, PushOutbox, PushSubscription, User
from app.notifications.transaction import Created, NewNotification, create_all
from tests.records import as_processes, create, make_device, make_user, rows


# P-7, W-6
def test_notification_is_pending_for_every_device(any_database: Database) -> None:
    user = make_user(any_database)
    devices = [make_device(any_database, user) for _ in range(2)]
    make_device(any_database, make_user(any_database))
    [created] = create(any_database, user)
    pending = rows(any_database, PendingNotification)
    assert {row.connection_id for row in pending} == {d.connection_id for d in devices}
    assert (created.devices, created.subscriptions) == (2, 2)


# W-7, W-13
def test_notification_is_queued_for_every_subscription(any_database: Database) -> None:
    user = make_user(any_database)
    devices = [make_device(any_database, user) for _ in range(2)]
    [created] = create(any_database, user)
    queued = rows(any_database, PushOutbox)
    assert {row.subscription_id for row in queued} == {d.subscription_id for d in devices}
    assert {(row.state, row.seq) for row in queued} == {("queued", created.seq)}


# P-7
def test_test_notification_alerts_one_device(any_database: Database) -> None:
    user = make_user(any_database)
    one, _other = make_device(any_database, user), make_device(any_database, user)
    [created] = create(any_database, user, only_connection_id=one.connection_id)
    [pending] = rows(any_database, PendingNotification)
    assert pending.connection_id == one.connection_id
    assert (created.devices, created.subscriptions) == (1, 1)


# P-7
def test_devices_are_counted_whatever_their_subscriptions(any_database: Database) -> None:
    user, nobody = make_user(any_database), make_user(any_database)
    silent, one, two = (make_device(any_database, user) for _ in range(3))
    mine = PushSubscription.connection_id == silent.connection_id
    any_database.write(lambda session: session.execute(delete(PushSubscription).where(mine)))
    gone = make_device(any_database, nobody)
    new = [
        NewNotification(user, {"title": "all"}),
        NewNotification(user, {"title": "one"}, only_connection_id=one.connection_id),
        NewNotification(user, {"title": "silent"}, only_connection_id=silent.connection_id),
        NewNotification(user, {"title": "no one"}, only_connection_id=gone.connection_id),
        NewNotification(nobody, {"title": "another's"}, only_connection_id=two.connection_id),
    ]
    made = any_database.write(lambda session: create_all(session.connection(), new))
    counts = [(each.devices, each.subscriptions) for each in made]
    assert counts == [(3, 2), (1, 1), (1, 0), (0, 0), (0, 0)]
    pending = Counter(row.notification_id for row in rows(any_database, PendingNotification))
    assert [pending[each.notification_id] for each in made] == [3, 1, 1, 0, 0]


# P-8 (order)
def test_seq_grows_by_one_per_user(any_database: Database) -> None:
    ada, bob = make_user(any_database), make_user(any_database)
    first = create(any_database, ada, bob, ada)
    second = create(any_database, ada)
    assert [(c.user_id, c.seq) for c in first] == [(ada, 1), (bob, 1), (ada, 2)]
    assert second[0].seq == 3


# P-8 (order)
def test_seq_has_no_gaps_under_concurrency(any_database: Database) -> None:
    users = [make_user(any_database) for _ in range(3)]
    orders = [users, users[::-1], [users[1], users[2], users[0]]] * 10
    databases = as_processes(any_database, 4)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(create, databases[n % 4], *order) for n, order in enumerate(orders)]
    assert all(job.exception() is None for job in jobs)
    for user in users:
        seqs = sorted(r.seq for r in rows(any_database, NotificationData) if r.user_id == user)
        assert seqs == list(range(1, 31))


# P-12
def test_concurrent_creates_never_deadlock(any_database: Database) -> None:
    errors: list[str] = []

    @event.listens_for(any_database.engine, "handle_error")
    def _on_error(context: ExceptionContext) -> None:
        errors.append(str(context.original_exception))

    users = [make_user(any_database) for _ in range(8)]

    def create_ten(seed: int) -> None:
        [process] = as_processes(any_database, 1)
        for order in range(10):
            create(process, *random.Random(f"{seed} {order}").sample(users, 5))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(create_ten, range(6)))
    assert not [error for error in errors if "deadlock" in error]


# P-12
def test_failing_create_leaves_nothing(any_database: Database) -> None:
    user = make_user(any_database)
    make_device(any_database, user)
    with pytest.raises(NotFound):
        create(any_database, user, 999_999)
    assert not rows(any_database, NotificationData)
    assert not rows(any_database, PushOutbox)
    [row] = rows(any_database, User)
    assert row.last_seq == 0


# P-12
def test_failing_one_of_a_group_harms_no_other(any_database: Database) -> None:
    users = [make_user(any_database) for _ in range(6)]

    def create_or_fail(user: int) -> list[Created]:
        return create(any_database, user if user != users[2] else 999_999)

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(create_or_fail, user) for user in users]
    assert [type(job.exception()) for job in jobs].count(NotFound) == 1
    stored = {row.user_id for row in rows(any_database, NotificationData)}
    assert stored == set(users) - {users[2]}


# P-14
@pytest.mark.parametrize(("ttl", "expires_in", "lifetime"), [(60, None, 28 * 86400), (90, 30, 90)])
def test_notification_lives_at_least_its_ttl(
    database: Database, ttl: int, expires_in: float | None, lifetime: float
) -> None:
    user = make_user(database)
    before = create(database, user)[0].created_at
    expires_at = None if expires_in is None else before + expires_in
    [created] = create(database, user, ttl=ttl, expires_at=expires_at)
    with database.read() as session:
        row = session.get_one(NotificationData, created.notification_id)
    assert row.expires_at - row.created_at == pytest.approx(lifetime, abs=1)


def test_ids_sort_by_time(database: Database) -> None:
    user = make_user(database)
    ids = [create(database, user)[0].notification_id for _ in range(20)]
    assert ids == sorted(ids)


def test_create_rolled_back_by_its_caller_leaves_nothing(database: Database) -> None:
    user = make_user(database)

    def work(session: Session) -> None:
        create_all(session.connection(), [NewNotification(user, {"title": "hello"})])
        raise RuntimeError("the process dies here")

    with pytest.raises(RuntimeError):
        database.write(work)
    assert rows(database, NotificationData) == []
