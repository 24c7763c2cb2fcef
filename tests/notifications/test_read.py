"""The inbox and the status of a notification."""

from typing import Any

import pytest
from sqlalchemy import delete, update

from app import accounts, clock, devices
from app.db import Database
from app.models import PendingNotification, PushOutbox
from app.notifications.read import find, list_since, mark_read
from app.notifications.status import Status, what_became_of
from tests.records import create, make_device, make_user


def status(database: Database, user_id: int, notification_id: str) -> Status | None:
    with database.read() as session:
        return what_became_of(session, user_id, notification_id)


def states(database: Database, user_id: int, notification_id: str) -> list[str]:
    found = status(database, user_id, notification_id)
    assert found is not None
    return [device.state for device in found.devices]


# P-9
def test_inbox_lists_what_came_since(any_database: Database) -> None:
    user, other = make_user(any_database), make_user(any_database)
    create(any_database, user, other, user, user)
    with any_database.read() as session:
        inbox = list_since(session, user, since=1)
    assert [item.seq for item in inbox.items] == [2, 3]
    assert inbox.last_seq == 3


# P-9
def test_inbox_comes_in_pages(database: Database) -> None:
    user = make_user(database)
    create(database, *[user] * 5)
    with database.read() as session:
        pages = [list_since(session, user, since, limit=2).items for since in (0, 2, 4)]
    assert [[item.seq for item in page] for page in pages] == [[1, 2], [3, 4], [5]]


# P-14
def test_inbox_leaves_out_what_expired(database: Database, monkeypatch: Any) -> None:
    user = make_user(database)
    [created] = create(database, user, ttl=10, expires_at=clock.now() + 10)
    later = clock.now() + 11
    monkeypatch.setattr(clock, "now", lambda: later)
    with database.read() as session:
        assert list_since(session, user).items == []
        assert find(session, user, created.notification_id) is None


# W-10
def test_notification_is_found_by_its_owner_only(database: Database) -> None:
    user, stranger = make_user(database), make_user(database)
    [created] = create(database, user, data={"title": "secret"})
    with database.read() as session:
        found = find(session, user, created.notification_id)
        assert found is not None
        assert found.data == {"title": "secret"}
        assert find(session, stranger, created.notification_id) is None


#
def test_mark_read_counts_each_once(any_database: Database) -> None:
    user, stranger = make_user(any_database), make_user(any_database)
    mine = [item.notification_id for item in create(any_database, user, user)]
    [theirs] = [item.notification_id for item in create(any_database, stranger)]
    counts = [
        any_database.write(lambda session: mark_read(session, user, [*mine[:1], theirs, "unknown"]))
        for _ in range(2)
    ]
    assert counts == [1, 0]
    with any_database.read() as session:
        assert [item.read_at is None for item in list_since(session, user).items] == [False, True]
        assert list_since(session, stranger).items[0].read_at is None


#
def test_status_tells_of_each_device(any_database: Database) -> None:
    user = make_user(any_database)
    one, two = make_device(any_database, user), make_device(any_database, user)
    [created] = create(any_database, user)
    acked = PendingNotification.connection_id == one.connection_id
    sent = update(PushOutbox).where(PushOutbox.subscription_id == two.subscription_id)
    refused = {"state": "refused", "attempts": 1, "last_status": 413, "last_error": "too large"}
    any_database.write(lambda session: session.execute(delete(PendingNotification).where(acked)))
    any_database.write(lambda session: session.execute(sent.values(refused)))
    found = status(any_database, user, created.notification_id)
    assert found is not None
    devices = {device.connection_id: device for device in found.devices}
    assert (devices[one.connection_id].pending, devices[two.connection_id].pending) == (False, True)
    push = devices[two.connection_id].push
    assert push is not None
    assert (push.state, push.last_status, push.last_error) == ("refused", 413, "too large")


#
def test_status_leaves_out_a_device_that_came_later(any_database: Database) -> None:
    """Also a session that was open before, and became a device only then: it has no pending row,
    and that must not read as an acknowledgement."""
    user = make_user(any_database)
    opened = any_database.write(lambda session: accounts.open_session(session, user))
    [created] = create(any_database, user)
    any_database.write(lambda session: devices.ensure_device(session, opened.session_id, ""))
    found = status(any_database, user, created.notification_id)
    assert found is not None
    assert found.devices == []


#
def test_status_of_a_test_is_of_the_tested_device_alone(database: Database) -> None:
    user = make_user(database)
    one, _two = make_device(database, user), make_device(database, user)
    [created] = create(database, user, only_connection_id=one.connection_id)
    found = status(database, user, created.notification_id)
    assert found is not None
    assert [device.connection_id for device in found.devices] == [one.connection_id]


#
@pytest.mark.parametrize(
    ("outbox", "state"),
    [
        ("queued", "queued"),
        ("delivered", "handed-over"),
        ("refused", "refused"),
        ("replaced", "replaced"),
        ("expired", "expired"),
        ("muted", "muted"),
    ],
)
def test_state_on_a_device_follows_from_the_tables(
    database: Database, outbox: str, state: str
) -> None:
    user = make_user(database)
    make_device(database, user)
    [created] = create(database, user)
    database.write(lambda session: session.execute(update(PushOutbox).values(state=outbox)))
    assert states(database, user, created.notification_id) == [state]
    database.write(lambda session: session.execute(delete(PendingNotification)))
    assert states(database, user, created.notification_id) == ["shown"]


#
def test_state_without_push_is_queued_until_acknowledged(database: Database) -> None:
    user = make_user(database)
    make_device(database, user)
    [created] = create(database, user)
    database.write(lambda session: session.execute(delete(PushOutbox)))
    assert states(database, user, created.notification_id) == ["queued"]


# X-2 P-14
def test_state_of_what_nobody_took_in_time_is_expired(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user(database)
    make_device(database, user)
    [created] = create(database, user, ttl=10, expires_at=clock.now() + 10)
    later = clock.now() + 11
    monkeypatch.setattr(clock, "now", lambda: later)
    assert states(database, user, created.notification_id) == ["expired"]


@pytest.mark.parametrize("notification_id", ["unknown", ""])
def test_status_of_an_unknown_notification_is_none(
    database: Database, notification_id: str
) -> None:
    assert status(database, make_user(database), notification_id) is None


def test_status_is_for_the_owner_only(database: Database) -> None:
    [created] = create(database, make_user(database))
    assert status(database, make_user(database), created.notification_id) is None
