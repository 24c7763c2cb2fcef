"""The sender and the push service as processes of their own, a device that decrypts at the end."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.config import Settings
from app.db import Database
from app.models import PushSubscription
from app.sending import results, vapid
from app.subscriptions import NewSubscription
from push_service.testing.push_service_process import PushServiceProcess
from push_service.testing.virtual_device import VirtualDevice
from tests.records import Device, make_user, rows, store_device
from tests.sending.office import Office


@pytest.fixture
def office(
    settings: Settings, database: Database, push_service: PushServiceProcess, monkeypatch: Any
) -> Iterator[Office]:
    monkeypatch.setattr(results, "BACKOFF_FIRST", 0.05)
    values = {"push_service": "local", "push_service_url": push_service.http}
    local = settings.model_copy(update=values | {"sender_greenlets": 4})
    office = Office(local, database, vapid.load(local))
    office.sender.start()
    yield office
    office.sender.stop()


@pytest.fixture
def device(office: Office, virtual_device: VirtualDevice) -> Device:
    """The virtual device, subscribed and known to the app."""
    subscription = virtual_device.subscribe(office.keys.current.public_key)
    keys = subscription.as_json()["keys"]
    new = NewSubscription(subscription.endpoint, keys["p256dh"], keys["auth"])
    return store_device(office.database, make_user(office.database), new)


# W-8, W-9
def test_device_reads_what_was_created(
    office: Office, device: Device, virtual_device: VirtualDevice
) -> None:
    office.create(device.user_id, data={"title": "hi", "body": "ü" * 3000}, topic="t")
    message = virtual_device.receive().json()
    assert message["notification"]["title"] == "hi"
    assert message["pushlab"]["cut"] is True
    assert office.stop() == ["delivered"]
    assert office.event("send.answered").message_url


# W-9, W-13
def test_held_messages_come_in_order(
    office: Office, device: Device, virtual_device: VirtualDevice
) -> None:
    virtual_device.disconnect()
    office.create(*[device.user_id] * 5)
    office.wait_for("send.answered", 5)
    virtual_device.connect()
    seqs = [json.loads(virtual_device.receive().data or b"")["pushlab"]["seq"] for _ in range(5)]
    assert seqs == [1, 2, 3, 4, 5]


# W-8
def test_unsubscribed_endpoint_is_forgotten(
    office: Office, device: Device, virtual_device: VirtualDevice
) -> None:
    [subscription] = virtual_device.subscriptions.values()
    virtual_device.unsubscribe(subscription)
    office.create(device.user_id)
    office.wait_for("subscription.removed")
    assert rows(office.database, PushSubscription) == []


# P-12
def test_push_service_that_was_killed_loses_nothing(
    office: Office,
    device: Device,
    virtual_device: VirtualDevice,
    push_service: PushServiceProcess,
) -> None:
    push_service.kill()
    office.create(device.user_id)
    office.wait_for("send.retry")
    push_service.restart()
    virtual_device.connect()
    assert virtual_device.receive().json()["pushlab"]["seq"] == 1


# W-9
def test_wrong_key_is_refused_and_shown(
    office: Office, virtual_device: VirtualDevice, tmp_path: Any
) -> None:
    other = vapid.load(office.settings.model_copy(update={"instance_dir": tmp_path / "other"}))
    subscription = virtual_device.subscribe(other.current.public_key)
    keys = subscription.as_json()["keys"]
    new = NewSubscription(subscription.endpoint, keys["p256dh"], keys["auth"])
    device = store_device(office.database, make_user(office.database), new)
    office.create(device.user_id)
    office.wait_for("send.answered")
    assert office.stop() == ["refused"]
    assert office.event("send.answered").detail["status"] == 401
