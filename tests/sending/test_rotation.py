"""Key rotation while everything runs: nothing that was held or is sent gets lost (W-1)."""

import stat
from collections.abc import Iterator
from typing import Any

import pytest

from app.config import ConfigError, Settings
from app.config import load as load_settings
from app.db import Database
from app.models import VapidKey
from app.sending import rotation, vapid
from app.subscriptions import NewSubscription
from push_service.testing.push_service_process import PushServiceProcess
from push_service.testing.virtual_device import VirtualDevice
from tests.records import Device, make_user, rows, store_device, store_subscription
from tests.sending.office import Office


@pytest.fixture
def office(
    settings: Settings, database: Database, push_service: PushServiceProcess
) -> Iterator[Office]:
    values = {"push_service": "local", "push_service_url": push_service.http}
    local = settings.model_copy(update=values | {"sender_greenlets": 8})
    office = Office(local, database, vapid.load(local))
    office.sender.start()
    yield office
    office.sender.stop()


def subscribe(office: Office, browser: VirtualDevice) -> NewSubscription:
    """What a page does: with the key that the app serves at that moment."""
    key = office.keys.current.public_key
    subscription = browser.subscribe(key)
    keys = subscription.as_json()["keys"]
    return NewSubscription(subscription.endpoint, keys["p256dh"], keys["auth"], key)


def rotate(office: Office) -> None:
    """What `./pushlab keys rotate` does, in another process."""
    elsewhere = vapid.load(office.settings)
    rotation.rotate(office.settings)
    office.database.write(lambda session: vapid.register(session, elsewhere))


def retire(office: Office) -> list[str]:
    gone = office.database.write(rotation.retire_unused)
    rotation.delete_files(office.settings, gone)
    return gone


def send(office: Office, device: Device, title: str) -> None:
    office.create(device.user_id, data={"title": title})


def states(database: Database) -> dict[str, str]:
    return {row.id: row.state for row in rows(database, VapidKey)}


# W-1, W-9
def test_messages_before_during_and_after_a_rotation_all_arrive(
    office: Office, virtual_device: VirtualDevice
) -> None:
    old = office.keys.current
    new_one = subscribe(office, virtual_device)
    device = store_device(office.database, make_user(office.database), new_one)
    virtual_device.disconnect()
    send(office, device, "before, held")
    office.wait_for("send.answered", 1)
    rotate(office)
    send(office, device, "after, signed with the old key, held")
    office.wait_for("send.answered", 2)
    virtual_device.connect()
    titles = [virtual_device.receive().json()["notification"]["title"] for _ in range(2)]
    assert retire(office) == []
    office.sender.stop()
    send(office, device, "queued for the old subscription")
    store_subscription(office.database, device, subscribe(office, virtual_device))
    office.sender.start()
    send(office, device, "signed with the new key")
    titles += [virtual_device.receive().json()["notification"]["title"] for _ in range(2)]
    assert titles == [
        "before, held",
        "after, signed with the old key, held",
        "queued for the old subscription",
        "signed with the new key",
    ]
    assert office.stop() == ["delivered"] * 2  # the rows of the old subscription went with it
    assert retire(office) == [old.id]
    assert states(office.database) == {office.keys.current.id: "current"}


# W-1
def test_old_key_keeps_a_file_until_it_is_retired(settings: Settings, database: Database) -> None:
    keys = vapid.load(settings)
    old = keys.current
    new = rotation.rotate(settings)
    database.write(lambda session: vapid.register(session, keys))
    assert (new.id != old.id, keys.current.id) == (True, new.id)
    assert states(database) == {old.id: "retired", new.id: "current"}
    paths = sorted(settings.instance_dir.glob("vapid/*"))
    assert {path.name for path in paths} == {"current.pem", f"{old.id}.pem"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert database.write(rotation.retire_unused) == [old.id]
    rotation.delete_files(settings, [old.id])
    assert [path.name for path in settings.instance_dir.glob("vapid/*")] == ["current.pem"]
    assert [pair.id for pair in keys] == [new.id]


# W-1 (killed between the two steps)
def test_rotation_that_was_cut_short_is_repeated(settings: Settings) -> None:
    old = vapid.load(settings).current
    path = vapid.current_path(settings)
    path.with_name(f"{old.id}.pem").hardlink_to(path)
    keys = vapid.load(settings)
    assert [pair.id for pair in keys] == [old.id]
    new = rotation.rotate(settings)
    assert {pair.id for pair in keys} == {old.id, new.id}


# W-1
def test_running_app_goes_on_when_the_new_key_cannot_be_read(settings: Settings) -> None:
    keys = vapid.load(settings)
    old = keys.current
    path = vapid.current_path(settings)
    path.rename(path.with_name("away.pem"))
    path.write_text("no key")
    assert keys.current == old


# W-1
def test_given_key_says_how_it_is_rotated(settings: Settings, tmp_path: Any) -> None:
    vapid.load(settings)
    pem = vapid.current_path(settings).read_text()
    given = load_settings({}, instance_dir=tmp_path / "b", vapid_private_key=pem)
    with pytest.raises(ConfigError, match="PUSHLAB_VAPID_PRIVATE_KEY") as caught:
        rotation.rotate(given)
    assert pem.splitlines()[1] not in str(caught.value)
