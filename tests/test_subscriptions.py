"""Whose a push subscription is, and when it moves."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import devices, subscriptions
from app.db import Database
from app.errors import EndpointOfAnotherSession, VapidKeyUnknown
from app.models import PushSubscription, Registration
from app.subscriptions import NewSubscription, Stored
from tests.factories import make_device, make_vapid_key, new_subscription, public_key


@pytest.fixture
def any_base(any_database: Database) -> Database:
    any_database.write(make_vapid_key)
    return any_database


def store(database: Database, device: Registration, new: NewSubscription) -> Stored:
    def work(session: Session) -> Stored:
        found = devices.ensure_device(session, device.session_id, "")
        return subscriptions.store(session, found, new)

    return database.write(work)


def count(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(PushSubscription)) or 0


def test_same_endpoint_twice_is_one_row(any_base: Database) -> None:  # W-6
    device, new = any_base.write(make_device), new_subscription()
    first, again = store(any_base, device, new), store(any_base, device, new)
    assert (first.created, again.created) == (True, False)
    assert first.subscription_id == again.subscription_id
    assert count(any_base) == 1


def test_second_device_is_added_beside_the_first(any_base: Database) -> None:  # W-6, W-13
    for address in ("https://push.example/a", "https://push.example/b"):
        store(any_base, any_base.write(make_device), new_subscription(address))
    assert count(any_base) == 2


def test_browser_that_subscribed_anew_replaces_its_own(any_base: Database) -> None:  # W-6
    device = any_base.write(make_device)
    store(any_base, device, new_subscription("https://push.example/a"))
    store(any_base, device, new_subscription("https://push.example/b"))
    assert count(any_base) == 1


def test_endpoint_moves_with_the_browser(any_base: Database) -> None:  # W-13, failure 11
    ada, bob = any_base.write(make_device), any_base.write(lambda s: make_device(s, "Bob"))
    new = new_subscription()
    store(any_base, ada, new)
    moved = store(any_base, bob, new)
    assert moved.former_connection_id == ada.connection_id
    assert count(any_base) == 1


def test_endpoint_does_not_move_without_its_keys(any_base: Database) -> None:  # P-13
    ada, bob = any_base.write(make_device), any_base.write(lambda s: make_device(s, "Bob"))
    new = new_subscription()
    store(any_base, ada, new)
    with pytest.raises(EndpointOfAnotherSession):
        store(any_base, bob, replace(new_subscription(), auth=new.auth))
    assert count(any_base) == 1


def test_unknown_vapid_key_is_refused(any_base: Database) -> None:  # W-3
    device = any_base.write(make_device)
    with pytest.raises(VapidKeyUnknown):
        store(any_base, device, replace(new_subscription(), application_server_key=public_key()))
    assert count(any_base) == 0


def test_retired_key_keeps_its_subscriptions(any_base: Database) -> None:  # W-1
    retired = any_base.write(lambda s: make_vapid_key(s, "old", "retired"))
    new = replace(new_subscription(), application_server_key=retired.public_key)
    stored = store(any_base, any_base.write(make_device), new)
    with any_base.read() as session:
        row = session.get_one(PushSubscription, stored.subscription_id)
        assert row.vapid_key_id == "old"


def test_only_the_own_subscription_is_removed(any_base: Database) -> None:  # W-13
    ada, bob = any_base.write(make_device), any_base.write(lambda s: make_device(s, "Bob"))
    store(any_base, ada, new_subscription())

    def remove(device: Registration) -> bool:
        return any_base.write(
            lambda s: subscriptions.remove_by_endpoint(
                s, device.connection_id, "https://push.example/a"
            )
        )

    assert remove(bob) is False
    assert remove(ada) is True
    assert count(any_base) == 0


def test_long_endpoint_is_stored_whole(any_base: Database) -> None:  # failure 13
    long = "https://push.example/" + "x" * 4000
    stored = store(any_base, any_base.write(make_device), new_subscription(long))
    with any_base.read() as session:
        assert session.get_one(PushSubscription, stored.subscription_id).endpoint == long
