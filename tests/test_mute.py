"""Quiet devices: everything arrives, nothing alerts."""

from collections.abc import Callable

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app import clock, mute
from app.db import Database
from app.models import PendingNotification, PushOutbox, Registration, User
from tests.records import Device, create, make_device, make_user, rows

Mute = Callable[[Session, Device, float | None], None]


def mute_device(session: Session, device: Device, until: float | None) -> None:
    mute.mute_device(session, session.get_one(Registration, device.connection_id), until)


def mute_user(session: Session, device: Device, until: float | None) -> None:
    mute.mute_user(session, session.get_one(User, device.user_id), until)


def states(database: Database, device: Device) -> list[str]:
    """Of the device's outbox, the oldest first."""
    outbox = sorted(rows(database, PushOutbox), key=lambda row: row.seq)
    return [row.state for row in outbox if row.subscription_id == device.subscription_id]


# X-2 P-7
@pytest.mark.parametrize("begin", [mute_device, mute_user])
def test_muted_device_gets_everything_but_no_push(any_database: Database, begin: Mute) -> None:
    device = make_device(any_database, make_user(any_database))
    any_database.write(lambda s: begin(s, device, mute.end_of(3600)))
    create(any_database, device.user_id)
    assert states(any_database, device) == ["muted"]
    assert len(rows(any_database, PendingNotification)) == 1
    any_database.write(lambda s: begin(s, device, None))
    create(any_database, device.user_id)
    assert states(any_database, device) == ["muted", "queued"]


#
def test_mute_of_one_device_leaves_the_other_loud(any_database: Database) -> None:
    user = make_user(any_database)
    quiet, loud = make_device(any_database, user), make_device(any_database, user)
    any_database.write(lambda s: mute_device(s, quiet, mute.end_of(None)))
    create(any_database, user)
    assert (states(any_database, quiet), states(any_database, loud)) == (["muted"], ["queued"])


#
def test_mute_of_a_user_is_for_devices_that_come_later_too(database: Database) -> None:
    first = make_device(database, make_user(database))
    database.write(lambda s: mute_user(s, first, mute.end_of(None)))
    later = make_device(database, first.user_id)
    create(database, first.user_id)
    assert states(database, later) == ["muted"]


#
def test_mute_ends_by_itself(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    device = make_device(database, make_user(database))
    database.write(lambda s: mute_device(s, device, mute.end_of(3600)))
    later = clock.now() + 3601
    monkeypatch.setattr(clock, "now", lambda: later)
    create(database, device.user_id)
    assert states(database, device) == ["queued"]


def claim(database: Database, seq: int, until: float) -> None:
    row = update(PushOutbox).where(PushOutbox.seq == seq)
    database.write(lambda session: session.execute(row.values(claimed_until=until)))


#
@pytest.mark.parametrize("begin", [mute_device, mute_user])
def test_mute_withdraws_what_still_waits_to_be_sent(any_database: Database, begin: Mute) -> None:
    """But for what a sender holds at that moment: whether it went out, only the sender knows."""
    device = make_device(any_database, make_user(any_database))
    create(any_database, device.user_id, device.user_id, device.user_id)
    claim(any_database, seq=1, until=clock.now() - 1)
    claim(any_database, seq=2, until=clock.now() + 60)
    any_database.write(lambda s: begin(s, device, mute.end_of(3600)))
    assert states(any_database, device) == ["muted", "queued", "muted"]


#
def test_mute_for_ever_can_be_written_as_a_date() -> None:
    assert clock.iso(mute.end_of(None)) == "9999-12-31T23:59:59.000Z"
