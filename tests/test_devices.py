"""A device is a signed-in session with one connection_id."""

from functools import partial

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app import accounts, clock, devices, subscriptions, tokens
from app.db import Database
from app.errors import InvalidInput, NotFound, SignedOut
from app.models import AuthSession, PushOutbox, PushSubscription, Registration, User
from tests import records
from tests.factories import make_device, make_vapid_key, new_subscription

DAY = 86400


def test_session_has_one_connection_id(any_database: Database) -> None:  # P-5
    device = any_database.write(make_device)
    again = any_database.write(lambda s: devices.ensure_device(s, device.session_id, "other"))
    assert again.connection_id == device.connection_id


def test_two_sessions_are_two_devices(any_database: Database) -> None:  # P-3, W-13
    first, second = any_database.write(make_device), any_database.write(make_device)
    assert first.user_id == second.user_id
    assert first.connection_id != second.connection_id


def test_sign_out_removes_the_record_for_good(any_database: Database) -> None:  # W-13
    device = any_database.write(make_device)
    ended = any_database.write(lambda s: devices.sign_out(s, device.session_id))
    assert ended is not None
    assert ended.connection_id == device.connection_id
    with pytest.raises(SignedOut):
        any_database.write(lambda s: devices.ensure_device(s, device.session_id, ""))
    assert any_database.write(lambda s: devices.sign_out(s, device.session_id)) is None


def test_device_of_another_user_is_not_found(database: Database) -> None:  # P-13
    mine = database.write(make_device)
    theirs = database.write(lambda s: make_device(s, "Bob"))
    with pytest.raises(NotFound):
        database.write(lambda s: devices.sign_out_device(s, mine.user_id, theirs.connection_id))


def rename(database: Database, device: Registration, name: str) -> None:
    def work(session: Session) -> None:
        found = devices.find_own(session, device.user_id, device.connection_id)
        devices.rename(session, found, name)

    database.write(work)


def test_device_is_renamed_and_listed(database: Database) -> None:
    device = database.write(make_device)
    rename(database, device, " My  laptop ")
    with database.read() as session:
        (listed,) = devices.list_devices(session, device.user_id)
    assert listed.name == "My laptop"
    assert listed.browser == "Firefox on Linux"
    assert listed.push is False
    with pytest.raises(InvalidInput):
        rename(database, device, "\t")


def test_equal_devices_get_names_of_their_own(any_database: Database) -> None:
    made = [any_database.write(make_device) for _ in range(3)]
    names = [device.device_name for device in made]
    assert names == ["Firefox on Linux", "Firefox on Linux 2", "Firefox on Linux 3"]
    assert any_database.write(lambda s: make_device(s, "Bob")).device_name == "Firefox on Linux"
    any_database.write(lambda s: devices.sign_out(s, made[1].session_id))
    assert any_database.write(make_device).device_name not in {names[0], names[2]}


def test_name_of_another_own_device_is_refused(database: Database) -> None:
    one, two = database.write(make_device), database.write(make_device)
    with pytest.raises(InvalidInput, match="Another device"):
        rename(database, two, one.device_name)
    rename(database, two, two.device_name)


def test_lost_device_tells_what_its_push_service_holds(any_database: Database) -> None:
    """Handed over and not acknowledged: nobody can call it back, so its end is told."""
    user = records.make_user(any_database)
    lost, other = (records.make_device(any_database, user) for _ in range(2))
    for ttl in (60, 3600, 600):
        records.create(any_database, user, ttl=ttl)
    at = clock.now() - 10

    def hand_over(session: Session) -> None:
        first = (PushOutbox.subscription_id == lost.subscription_id) & (PushOutbox.seq < 3)
        session.execute(update(PushOutbox).where(first).values(state="delivered"))
        session.get_one(PushSubscription, lost.subscription_id).last_success_at = at

    any_database.write(hand_over)
    with any_database.read() as session:
        listed = {one.connection_id: one for one in devices.list_devices(session, user)}
    assert listed[lost.connection_id].held == devices.Held(2, at + 3600)
    assert listed[other.connection_id].held == devices.Held()


def test_revoked_sessions_are_forgotten_in_the_end(any_database: Database) -> None:  # P-14
    device = any_database.write(make_device)
    any_database.write(lambda s: devices.sign_out(s, device.session_id))
    for days, left in ((29, 1), (31, 0)):
        later = clock.now() + days * DAY
        any_database.write(partial(devices.forget_revoked, now=later, retention=30 * DAY))
        assert len(records.rows(any_database, AuthSession)) == left


def test_silent_device_expires(any_database: Database) -> None:  # P-14
    silent = any_database.write(make_device)
    later = clock.now() + 31 * DAY
    [ended] = any_database.write(lambda s: devices.expire(s, later, 30 * DAY))
    assert ended is not None
    assert ended.connection_id == silent.connection_id


def test_expiry_goes_in_portions(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:  # P-14
    """Nobody waits for the end of a transaction that signs thousands out."""
    monkeypatch.setattr(devices, "PORTION", 2)
    for _ in range(5):
        any_database.write(make_device)
    later = partial(devices.expire, now=clock.now() + 31 * DAY, retention=30 * DAY)
    assert [len(any_database.write(later)) for _ in range(4)] == [2, 2, 1, 0]
    forget = partial(devices.forget_revoked, now=clock.now() + 31 * DAY, retention=30 * DAY)
    assert [any_database.write(forget) for _ in range(4)] == [2, 2, 1, 0]


def test_device_with_push_or_socket_never_expires_by_age(database: Database) -> None:  # P-14
    pushed, online = database.write(make_device), database.write(make_device)
    database.write(make_vapid_key)
    database.write(
        lambda s: subscriptions.store(
            s, s.get_one(Registration, pushed.connection_id), new_subscription()
        )
    )

    def connect(session):  # type: ignore[no-untyped-def]
        session.get_one(Registration, online.connection_id).node_uri = "node"

    database.write(connect)
    assert database.write(lambda s: devices.expire(s, clock.now() + 365 * DAY, 30 * DAY)) == []


def test_guest_goes_with_the_last_session(any_database: Database) -> None:  # P-14
    """An account stays, and so does a guest who is still signed in, or has a program."""
    for name in ("Guest", "Account", "Present", "Program"):
        device = any_database.write(partial(make_device, name=name))
        if name != "Present":
            any_database.write(partial(devices.sign_out, session_id=device.session_id))

    def tell_apart(session: Session) -> None:
        session.execute(update(User).where(User.name == "Account").values(password_hash="hash"))
        session.execute(update(Registration).values(node_uri="node"))
        program = accounts.find_by_name(session, "Program")
        assert program is not None
        tokens.create(session, program.id, "a program")

    any_database.write(tell_apart)
    later = clock.now() + 31 * DAY
    any_database.write(partial(devices.forget_revoked, now=later, retention=30 * DAY))
    left = {user.name for user in records.rows(any_database, User)}
    assert left == {"Account", "Present", "Program"}


def test_used_session_lives_on(database: Database) -> None:  # P-14
    device = database.write(make_device)
    database.write(lambda s: accounts.touch_sessions(s.connection(), [device.session_id]))
    assert database.write(lambda s: devices.expire(s, clock.now() + 29 * DAY, 30 * DAY)) == []


@pytest.mark.parametrize(
    ("user_agent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/156.0 Safari/537.36 Edg/156.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19) Version/19 Safari/604.1", "Safari on iPhone"),
        ("curl/8", "Browser"),
    ],
)
def test_browser_is_described(user_agent: str, shown: str) -> None:
    assert devices.describe_browser(user_agent) == shown
