"""The outbox on both databases: order, leases, topics, giving up, and the end of a subscription."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app import clock
from app.db import Database
from app.models import PUSH_IF_UNACKED, PushOutbox, PushSubscription
from app.notifications.transaction import GRACE, NewNotification, create_all
from app.pns import pending
from app.sending import outbox, results, statements
from app.sending.outbox import Claimed
from app.sending.outcome import Outcome, no_answer, sort_answer
from app.sending.results import Done, Finished
from tests.records import as_processes, create, make_device, make_user, rows

LEASE = 30.0
#: Where the devices of these tests are subscribed.
VENDOR = "https://fcm.googleapis.com"


def claim(database: Database, limit: int = 10) -> list[Claimed]:
    return database.write(lambda session: outbox.claim(session, LEASE, limit))


def finish(database: Database, item: Claimed, outcome: Outcome) -> Finished | None:
    [finished] = database.write(lambda session: results.finish(session, [Done(item, outcome)]))
    return finished


def next_due(database: Database) -> float | None:
    with database.read() as session:
        return outbox.next_due(session, outbox.origins_with_work(session))


def answer(status: int, retry_after: str | None = None) -> Outcome:
    headers = {"retry-after": retry_after} if retry_after else {}
    return sort_answer(status, headers, "", clock.now())


def states(database: Database) -> list[str]:
    return [row.state for row in sorted(rows(database, PushOutbox), key=lambda row: row.seq)]


@pytest.fixture
def user(any_database: Database) -> int:
    """A user with one subscribed device."""
    user = make_user(any_database)
    make_device(any_database, user)
    return user


class Clock:
    def __init__(self, monkeypatch: Any) -> None:
        self.time = clock.now()
        monkeypatch.setattr(clock, "now", lambda: self.time)


@pytest.fixture
def time(monkeypatch: Any) -> Clock:
    return Clock(monkeypatch)


# W-8
def test_claim_brings_all_it_takes_to_send(any_database: Database, user: int) -> None:
    device = make_device(any_database, user)
    wishes = {"ttl": 5, "urgency": "high", "topic": "t", "data": {"title": "hi"}}
    [created] = create(any_database, user, **wishes)
    items = {item.subscription_id: item for item in claim(any_database)}
    item = items[device.subscription_id]
    assert (item.endpoint, item.p256dh) == (device.endpoint, device.browser.p256dh)
    assert (item.ttl, item.urgency, item.topic, item.attempts) == (5, "high", "t", 1)
    assert item.content.notification_id == created.notification_id
    assert (item.content.connection_id, item.content.seq) == (device.connection_id, 1)
    assert item.content.data == {"title": "hi"}


# W-8 (order of hand-over)
def test_only_the_oldest_of_a_subscription_is_claimed(any_database: Database, user: int) -> None:
    create(any_database, user, user, user)
    seen = []
    while claimed := claim(any_database):
        [item] = claimed
        seen.append(item.content.seq)
        assert claim(any_database) == []
        finish(any_database, item, answer(201))
    assert seen == [1, 2, 3]
    assert states(any_database) == ["delivered"] * 3


# W-8 (order of hand-over)
def test_oldest_holds_the_others_back_while_it_backs_off(
    any_database: Database, user: int, time: Clock
) -> None:
    create(any_database, user)
    finish(any_database, claim(any_database)[0], answer(503))
    create(any_database, user)
    assert claim(any_database) == []
    time.time += 2
    [item] = claim(any_database)
    assert (item.content.seq, item.attempts) == (1, 2)


# W-8 (a push service that is down costs little)
def test_backing_off_moves_the_whole_queue(any_database: Database, user: int) -> None:
    create(any_database, user, user)
    finished = finish(any_database, claim(any_database)[0], answer(503))
    assert finished is not None
    assert {row.next_attempt_at for row in rows(any_database, PushOutbox)} == {
        finished.next_attempt_at
    }


# W-8 (failures 19)
def test_other_subscriptions_carry_on(any_database: Database, user: int) -> None:
    make_device(any_database, user)
    create(any_database, user)
    first, second = claim(any_database)
    finish(any_database, first, answer(503))
    finish(any_database, second, answer(201))
    assert sorted(states(any_database)) == ["delivered", "queued"]


# W-8
def test_limit_is_kept(any_database: Database, user: int) -> None:
    for _ in range(3):
        make_device(any_database, user)
    create(any_database, user)
    assert [len(claim(any_database, limit=3)) for _ in range(3)] == [3, 1, 0]


# W-8 (failures 19)
def test_each_push_service_gets_what_there_is_room_for(any_database: Database, user: int) -> None:
    other = "https://x.notify.windows.com"
    for number in range(3):
        make_device(any_database, user, f"{other}/{number}")
        make_device(any_database, user)
    create(any_database, user)
    rooms = {VENDOR: 3, other: 1}
    claimed = any_database.write(lambda s: outbox.claim(s, LEASE, 10, rooms.__getitem__))
    assert Counter(item.origin for item in claimed) == rooms
    with any_database.read() as session:
        assert sorted(outbox.origins_with_work(session)) == [VENDOR, other]


# W-8 (failures 19)
def test_no_push_service_is_always_the_last(any_database: Database, user: int) -> None:
    for number in range(5):
        make_device(any_database, user, f"https://x{number}.notify.windows.com/x")
    create(any_database, user)
    with any_database.read() as session:
        first = {outbox.origins_with_work(session)[0] for _ in range(100)}
    assert len(first) > 1


# W-8
def test_outcomes_of_many_are_written_together(
    any_database: Database, user: int, time: Clock
) -> None:
    """Each gets its own: also where the lease is over, the subscription gone, another try due."""
    devices = [make_device(any_database, user) for _ in range(5)]
    create(any_database, user)
    items = {item.subscription_id: item for item in claim(any_database)}
    late, ok, created, gone, retry = (items[device.subscription_id] for device in devices)
    late = replace(late, claimed_until=late.claimed_until - 1)
    statuses = ((late, 201), (ok, 200), (created, 201), (gone, 410), (retry, 503))
    done = [Done(item, answer(status)) for item, status in statuses]
    finished = any_database.write(lambda session: results.finish(session, done))
    assert [one.state if one else None for one in finished] == [
        *(None, "delivered", "delivered", "gone", "queued")
    ]
    found = {row.subscription_id: row for row in rows(any_database, PushOutbox)}
    assert (found[ok.subscription_id].last_status, found[ok.subscription_id].claimed_until) == (
        *(200, None),
    )
    assert found[created.subscription_id].last_status == 201
    assert found[late.subscription_id].state == "queued"
    assert gone.subscription_id not in found


# P-12 (a sender was killed)
def test_row_of_a_dead_sender_is_claimed_again(
    any_database: Database, user: int, time: Clock
) -> None:
    create(any_database, user)
    [dead] = claim(any_database)
    time.time += LEASE - 1
    assert claim(any_database) == []
    time.time += 1
    [item] = claim(any_database)
    assert (item.content, item.attempts) == (dead.content, 2)


# P-12
def test_sender_that_lost_its_lease_writes_nothing(
    any_database: Database, user: int, time: Clock
) -> None:
    create(any_database, user)
    [late] = claim(any_database)
    time.time += LEASE
    [item] = claim(any_database)
    assert finish(any_database, late, answer(201)) is None
    assert states(any_database) == ["queued"]
    assert finish(any_database, item, answer(201)) == Finished("delivered")


# P-12
def test_only_sender_of_a_database_takes_over_at_once(any_database: Database, user: int) -> None:
    create(any_database, user)
    claim(any_database)
    any_database.write(outbox.release_all)
    assert len(claim(any_database)) == 1


# W-8 (RFC 8030 section 5.4)
def test_row_with_a_newer_one_of_its_topic_is_replaced(any_database: Database, user: int) -> None:
    create(any_database, user, topic="score")
    create(any_database, user, topic="other")
    create(any_database, user)
    create(any_database, user, topic="score")
    seen = []
    while claimed := claim(any_database):
        seen.append(claimed[0].content.seq)
        finish(any_database, claimed[0], answer(201))
    assert seen == [2, 3, 4]
    assert states(any_database) == ["replaced", "delivered", "delivered", "delivered"]


# W-8
def test_row_under_way_is_not_replaced(any_database: Database, user: int) -> None:
    create(any_database, user, topic="score")
    [item] = claim(any_database)
    create(any_database, user, topic="score")
    assert claim(any_database) == []
    finish(any_database, item, answer(201))
    assert [item.content.seq for item in claim(any_database)] == [2]


# W-8
def test_topic_of_another_device_replaces_nothing(any_database: Database, user: int) -> None:
    device = make_device(any_database, user)
    create(any_database, user, topic="score", only_connection_id=device.connection_id)
    make_device(any_database, make_user(any_database))
    create(any_database, user, topic="score")
    claim(any_database)
    assert states(any_database).count("replaced") == 1


# W-8
def test_newer_of_a_topic_respects_retry_after(
    any_database: Database, user: int, time: Clock
) -> None:
    create(any_database, user, topic="score")
    finish(any_database, claim(any_database)[0], answer(429, "30"))
    create(any_database, user, topic="score")
    time.time += 29
    assert claim(any_database) == []
    time.time += 20
    assert [item.content.seq for item in claim(any_database)] == [2]


# W-8
def test_retry_after_is_respected(any_database: Database, user: int, time: Clock) -> None:
    create(any_database, user)
    finished = finish(any_database, claim(any_database)[0], answer(429, "100"))
    assert finished is not None
    assert finished.next_attempt_at is not None
    assert 100 <= finished.next_attempt_at - time.time <= 150
    assert next_due(any_database) == pytest.approx(finished.next_attempt_at)


# W-8
def test_message_is_given_up_after_its_ttl(any_database: Database, user: int, time: Clock) -> None:
    create(any_database, user, ttl=300)
    attempts = 0
    while due := next_due(any_database):
        time.time = due
        for item in claim(any_database):
            attempts += 1
            finish(any_database, item, no_answer("refused"))
    assert states(any_database) == ["expired"]
    assert 5 <= attempts <= 12


# W-8
@pytest.mark.parametrize(("age", "state"), [(59, "queued"), (61, "expired")])
def test_even_ttl_0_is_tried_for_a_minute(
    any_database: Database, user: int, time: Clock, age: float, state: str
) -> None:
    create(any_database, user, ttl=0)
    time.time += age
    assert len(claim(any_database)) == (state == "queued")
    assert states(any_database) == [state]


# W-8 (failures 18, 5)
@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_refused_row_is_kept_and_shown(any_database: Database, user: int, status: int) -> None:
    create(any_database, user)
    finish(any_database, claim(any_database)[0], answer(status))
    [row] = rows(any_database, PushOutbox)
    assert (row.state, row.last_status) == ("refused", status)
    assert row.last_error == answer(status).reason
    [subscription] = rows(any_database, PushSubscription)
    assert subscription.last_status == status


# W-8
@pytest.mark.parametrize("status", [404, 410])
def test_gone_removes_the_subscription(any_database: Database, user: int, status: int) -> None:
    other = make_device(any_database, user)
    create(any_database, user, user)
    item = next(i for i in claim(any_database) if i.subscription_id != other.subscription_id)
    assert finish(any_database, item, answer(status)) == Finished("gone")
    [left] = rows(any_database, PushSubscription)
    assert left.id == other.subscription_id
    assert {row.subscription_id for row in rows(any_database, PushOutbox)} == {left.id}


# W-8
def test_outcome_for_a_subscription_that_went_is_dropped(any_database: Database, user: int) -> None:
    create(any_database, user)
    [item] = claim(any_database)
    finish(any_database, item, answer(410))
    assert finish(any_database, item, answer(410)) is None
    assert finish(any_database, item, answer(201)) is None


#
def test_subscription_notes_its_last_success(
    any_database: Database, user: int, time: Clock
) -> None:
    create(any_database, user)
    finish(any_database, claim(any_database)[0], answer(201))
    [subscription] = rows(any_database, PushSubscription)
    assert (subscription.last_status, subscription.last_success_at) == (201, time.time)


# W-7, W-8 (RFC 8030 section 5.4)
@pytest.mark.slow
def test_five_hundred_at_once_keep_order_and_topics(any_database: Database, user: int) -> None:
    """The largest batch the API takes, for two users, of whom each has one topic."""
    other = make_user(any_database)
    make_device(any_database, other)
    new = [
        NewNotification(to, {"title": "x"}, topic="score" if number % 10 == 0 else None)
        for number in range(250)
        for to in (user, other)
    ]
    created = any_database.write(lambda session: create_all(session.connection(), new))
    assert [one.seq for one in created if one.user_id == other] == list(range(1, 251))
    seen: dict[int, list[int]] = {user: [], other: []}
    while claimed := claim(any_database):
        for item in claimed:
            seen[item.user_id].append(item.content.seq)
            assert finish(any_database, item, answer(201)) is not None
    wanted = [seq for seq in range(1, 251) if seq % 10 != 1 or seq == 241]
    assert seen == {user: wanted, other: wanted}


# W-8
def test_nothing_is_due_when_all_is_done(any_database: Database, user: int) -> None:
    create(any_database, user)
    finish(any_database, claim(any_database)[0], answer(201))
    assert next_due(any_database) is None


# W-8 (any number of senders)
def test_many_senders_hand_over_each_row_once_and_in_order(any_database: Database) -> None:
    users = [make_user(any_database) for _ in range(3)]
    for user in users:
        make_device(any_database, user)
        make_device(any_database, user)
    create(any_database, *users * 5)
    handed: list[tuple[int, int]] = []

    def drain(process: Database) -> None:
        while "queued" in states(process):
            for item in claim(process, limit=2):
                handed.append((item.subscription_id, item.content.seq))
                finish(process, item, answer(201))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(drain, as_processes(any_database, 4)))
    for subscription in rows(any_database, PushSubscription):
        assert [seq for sid, seq in handed if sid == subscription.id] == list(range(1, 6))


# W-8
def acknowledge(database: Database, notification_id: str, connection_id: str) -> None:
    database.write(lambda s: pending.acknowledge_one(s, connection_id, notification_id))


def test_silent_device_is_pushed_after_its_grace(any_database: Database, time: Clock) -> None:
    """One of the user's two devices acknowledges over its WebSocket, the other is asleep."""
    user = make_user(any_database)
    awake, asleep = make_device(any_database, user), make_device(any_database, user)
    (made,) = create(any_database, user, policy=PUSH_IF_UNACKED)
    assert claim(any_database) == []
    acknowledge(any_database, made.notification_id, awake.connection_id)
    time.time += GRACE
    (claimed,) = claim(any_database)
    assert claimed.subscription_id == asleep.subscription_id
    assert sorted(states(any_database)) == ["acknowledged", "queued"]


def test_acknowledged_is_pushed_all_the_same_by_default(any_database: Database) -> None:
    user = make_user(any_database)
    device = make_device(any_database, user)
    (made,) = create(any_database, user)
    acknowledge(any_database, made.notification_id, device.connection_id)
    assert len(claim(any_database)) == 1


def test_backoff_grows_and_is_bounded() -> None:
    waits = [results.backoff(attempts, None) for attempts in (1, 2, 3, 10, 1000)]
    for wait, least in zip(waits, (1, 2, 4, 512, 600), strict=True):
        assert least <= wait <= least * 1.5


# W-8
def test_claim_uses_indexes_only(database: Database) -> None:
    def explain(session: Session) -> str:
        due = statements.DUE.params(origin=VENDOR, now=clock.now(), size=5)
        query = str(due.compile(session.bind, compile_kwargs={"literal_binds": True}))
        return str(session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + query).all())

    plan = database.write(explain)
    assert "ix_push_outbox_due" in plan
    assert "ix_push_outbox_order" in plan
    assert "SCAN" not in plan
