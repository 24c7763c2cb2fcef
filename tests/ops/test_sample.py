"""What a process says of itself reaches every other one through the database; what the database
tells of all is bounded."""

from collections.abc import Callable

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app import clock, metrics
from app.db import Database, database_now
from app.models import NotificationData, PnsNode, ProcessSample, PushOutbox, User
from app.notifications.transaction import NewNotification, create_all
from app.ops import cluster, sample
from app.ops.sample import Sample
from app.ops.watch import Watch
from app.subscriptions import store
from tests.factories import make_device, make_vapid_key, new_subscription

ORIGIN = "https://push.example"


def one_sample(started_at: float = 0, pid: int = 1) -> Sample:
    return sample.take(
        roles={"app", "sender"},
        pid=pid,
        started_at=started_at,
        writer_waiting=0,
        node=None,
        sender=None,
    )


@pytest.fixture
def make_watch(any_database: Database) -> Callable[[], Watch]:
    return lambda: Watch(any_database, one_sample, looks=True)


def rows(database: Database) -> int:
    with database.read() as session:
        return len(session.scalars(select(ProcessSample.process_id)).all())


def test_processes_see_each_other(any_database: Database, make_watch: Callable[[], Watch]) -> None:
    here, there = make_watch(), make_watch()
    for watch in (here, there, here):
        watch.turn()
    assert rows(any_database) == 2
    assert len(here.history.processes) == 2
    assert all(told.ago < 60 for told in here.history.processes.values())


def test_what_was_sent_is_in_the_next_point(make_watch: Callable[[], Watch]) -> None:
    watch = make_watch()
    watch.turn()
    metrics.count_send(ORIGIN, "201", 0.02)
    metrics.count_send(ORIGIN, "ours", 9.0)  # nobody was asked, so nobody was slow
    watch.turn()
    traffic = watch.history.points[-1].traffic[ORIGIN]
    assert traffic.answers == {"201": 1, "ours": 1}
    assert traffic.seconds.total() == 1


def test_other_versions_are_shown_too(
    any_database: Database, make_watch: Callable[[], Watch]
) -> None:
    """While an update is under way, a newer and an older process tell what they know."""
    service = {"answers": {"201": 3}, "seconds": [3, 0], "paused_until": 9e9, "mood": "good"}
    newer = {"roles": ["sender"], "pid": 7, "weather": "fine", "services": {ORIGIN: service}}
    with any_database.engine.begin() as connection:
        for name, data in (("newer", newer), ("older", {"roles": ["node"], "connections": 5})):
            values = {"process_id": name, "at": database_now(), "data": data}
            connection.execute(insert(ProcessSample).values(**values))
    watch = make_watch()
    watch.turn()
    shown = watch.history.processes
    assert shown["newer"].sample.services[ORIGIN].answers == {"201": 3}
    assert shown["older"].sample.connections == 5
    assert watch.history.points[-1].connections == 5
    assert watch.history.pauses() == {ORIGIN: 9e9}
    # The newer one's next words, by bounds of time that are not ours.
    service["answers"] = {"201": 4}
    service["seconds"] = [4, 0]
    changed = update(ProcessSample).where(ProcessSample.process_id == "newer").values(data=newer)
    any_database.write(lambda session: session.execute(changed))
    watch.turn()
    traffic = watch.history.points[-1].traffic[ORIGIN]
    assert (traffic.sent, traffic.seconds.total()) == (1, 0)


def test_process_that_ends_takes_its_leave(
    any_database: Database, make_watch: Callable[[], Watch]
) -> None:
    watch = make_watch()
    watch.start()
    watch.stop()
    assert rows(any_database) == 0


def test_process_that_died_is_forgotten(
    any_database: Database, make_watch: Callable[[], Watch]
) -> None:
    dead, alive = make_watch(), make_watch()
    dead.turn()
    long_ago = update(ProcessSample).values(at=ProcessSample.at - sample.SILENT - 1)
    any_database.write(lambda session: session.execute(long_ago))
    alive.turn()
    assert rows(any_database) == 1
    assert len(alive.history.processes) == 1


def test_push_services_have_no_end_but_series_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_services", {"https://a.example"})
    monkeypatch.setattr(metrics, "SERVICES", 2)
    origins = ["https://a.example", "https://b.example", "https://c.example"]
    labels = [metrics.service_label(origin) for origin in origins]
    assert labels == [*origins[:2], metrics.OTHERS]


# -- what the database tells of all


def fill(session: Session, notifications: int) -> None:
    device = make_device(session)
    make_vapid_key(session)
    store(session, device, new_subscription(f"{ORIGIN}/a"))
    new = [NewNotification(device.user_id, {"title": "x"})] * notifications
    create_all(session.connection(), new)
    session.execute(insert(PnsNode).values(node_uri="http://10.0.0.1:7/#abc", heartbeat_at=0))


def test_database_tells_what_waits(any_database: Database) -> None:
    any_database.write(lambda session: fill(session, 3))
    older = update(NotificationData).where(NotificationData.seq == 2)
    any_database.write(lambda s: s.execute(older.values(created_at=clock.now() - 100)))
    seen = cluster.Lookout(any_database).look()
    assert seen.pending == 3
    assert seen.queues.keys() == {ORIGIN}
    assert seen.queues[ORIGIN].messages == seen.queued == 3
    assert seen.oldest == pytest.approx(100, abs=20)
    # The name alone: the address of a node is nobody's business.
    assert seen.nodes.keys() == {"abc"}
    assert seen.nodes["abc"] > 1_000


def test_push_services_without_a_label_wait_together(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever subscribes names the push service: names of their choice are no series of ours."""
    monkeypatch.setattr(metrics, "_services", {f"https://{n}.example" for n in range(50)})
    any_database.write(lambda session: fill(session, 3))
    any_database.write(
        lambda s: s.execute(
            update(PushOutbox).where(PushOutbox.seq > 1).values(origin="https://other.example")
        )
    )
    seen = cluster.Lookout(any_database).look()
    assert {label: queue.messages for label, queue in seen.queues.items()} == {metrics.OTHERS: 3}


def test_sent_rows_do_not_wait(any_database: Database) -> None:
    any_database.write(lambda session: fill(session, 2))
    any_database.write(lambda s: s.execute(update(PushOutbox).values(state="delivered")))
    assert cluster.Lookout(any_database).look().queues == {}


def test_one_look_serves_all_who_ask_within_a_second(database: Database) -> None:
    lookout = cluster.Lookout(database)
    before = lookout.look()
    database.write(lambda session: fill(session, 1))
    assert lookout.look() is before


def test_look_stops_counting_at_its_bound(database: Database) -> None:
    bounds = (cluster.PENDING, cluster.MOST_PENDING), (cluster.QUEUE, cluster.MOST_QUEUED)
    for statement, most in bounds:
        text = statement.compile(database.engine)
        assert "LIMIT" in str(text)
        assert most in text.params.values()


def test_look_for_a_queue_uses_the_index(database: Database) -> None:
    compiled = cluster.QUEUE.compile(database.engine)
    values = compiled.construct_params({"origin": ORIGIN})
    positions = tuple(values[name] for name in compiled.positiontup or ())
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", positions)
        plan = " ".join(row[-1] for row in rows)
    assert "SEARCH push_outbox USING INDEX ix_push_outbox_due (state=? AND origin=?)" in plan
    assert "SCAN push_outbox" not in plan
    assert "SCAN notification_data" not in plan


def test_users_are_none_of_its_business(database: Database) -> None:
    database.write(lambda session: fill(session, 1))
    database.write(lambda session: sample.write(session, "x", one_sample()))
    with database.read() as session:
        (name,) = session.scalars(select(User.name))
        (data,) = session.scalars(select(ProcessSample.data))
    assert name not in str(data)
    assert f"{ORIGIN}/a" not in str(data)
