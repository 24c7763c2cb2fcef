"""Everything about one user: handed out, and deleted."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from app import accounts, clock, devices, personal_data, tokens
from app.codelab import answers
from app.codelab.steps import STEPS
from app.db import Database, Model
from app.errors import NotFound, SignedOut, WrongPassword
from app.journal import Journal
from app.models import JournalEvent, User
from app.notifications import schedule
from app.notifications.idempotency import Idempotency, keep_answer
from app.notifications.transaction import NewNotification
from tests import postgres, records
from tests.waiting import until

#: Tables that refer to a user, and the part of the export that tells of them.
EXPORTED = {
    "api_tokens": "tokens",
    "codelab_answers": "answers",
    "notification_data": "notifications",
    "notification_registry": "devices",
    "push_subscriptions": "subscriptions",
    "scheduled_notifications": "scheduled",
    "sessions": "sessions",
}
#: The client's own words, and the answer that it had; kept for a day.
NOT_EXPORTED = {"idempotency_keys"}


def fill(database: Database) -> records.Device:
    """A user with a row in every table that refers to users."""
    device = records.make_device(database, records.make_user(database))
    records.create(database, device.user_id)
    later = NewNotification(device.user_id, {"title": "later"}, deliver_at=clock.now() + 60)

    def work(session: Session) -> None:
        schedule.add(session, replace(later, creator_id=device.user_id))
        keep_answer(session, Idempotency(device.user_id, "once", b"{}"), [])
        tokens.create(session, device.user_id, "a program")
        answers.keep(session, device.user_id, STEPS[0], "check")

    database.write(work)
    return device


def delete(database: Database, device: records.Device, known: str | None = None) -> list[str]:
    def work(session: Session) -> list[devices.Ended]:
        _, user = accounts.lock_session(session, device.session_id)
        return personal_data.delete_user(session, user, known)

    return [one.connection_id for one in database.write(work)]


def referring_to_users() -> set[str]:
    return {
        table.name
        for table in Model.metadata.sorted_tables
        if any(key.column.table.name == "users" for key in table.foreign_keys)
    }


def count_rows(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Model.metadata.sorted_tables
        }


#
def test_every_table_about_a_user_is_in_the_export(any_database: Database) -> None:
    device = fill(any_database)
    with any_database.read() as session:
        found = personal_data.export(session, device.user_id)
    assert EXPORTED.keys() | NOT_EXPORTED == referring_to_users()
    counts = {part: len(rows) for part, rows in found.items() if isinstance(rows, list)}
    assert counts == dict.fromkeys(EXPORTED.values(), 1)


#
def test_export_is_of_one_user_alone(any_database: Database) -> None:
    mine, other = fill(any_database), fill(any_database)
    with any_database.read() as session:
        found = str(personal_data.export(session, mine.user_id))
    assert mine.connection_id in found
    assert other.connection_id not in found


#
def test_deletion_leaves_no_row_of_the_user(any_database: Database) -> None:
    device = fill(any_database)
    assert all(count_rows(any_database)[table] for table in referring_to_users())
    assert delete(any_database, device) == [device.connection_id]
    left = {table: number for table, number in count_rows(any_database).items() if number}
    assert left == {"vapid_keys": 1}


#
def test_deletion_leaves_others_alone(any_database: Database) -> None:
    gone, stays = fill(any_database), fill(any_database)
    before = {table: number // 2 for table, number in count_rows(any_database).items()}
    delete(any_database, gone)
    after = count_rows(any_database)
    assert {table: after[table] for table in referring_to_users()} == {
        table: before[table] for table in referring_to_users()
    }
    with any_database.read() as session:
        assert session.get(User, stays.user_id) is not None


#
def test_whoever_comes_after_the_deletion_is_told_so(any_database: Database) -> None:
    device = fill(any_database)
    delete(any_database, device)
    with pytest.raises(NotFound):
        records.create(any_database, device.user_id)
    with pytest.raises(SignedOut):
        delete(any_database, device)
    with pytest.raises(SignedOut):
        any_database.write(lambda s: devices.ensure_device(s, device.session_id, ""))
    with pytest.raises(WrongPassword):
        any_database.write(lambda s: accounts.open_session(s, device.user_id))
    assert any_database.write(lambda s: devices.sign_out(s, device.session_id)) is None


#
def test_password_that_was_changed_in_the_meantime_deletes_nothing(database: Database) -> None:
    device = fill(database)
    with pytest.raises(WrongPassword):
        delete(database, device, known="the hash of an older password")
    assert len(records.rows(database, User)) == 1


# X-2 W-11
def test_journal_of_a_deleted_user_is_nobodys(database: Database) -> None:
    """Also what was reported before and is written after: of no run, it would be in everybody's."""
    device, stays = fill(database), fill(database)
    book = Journal(database, enabled=True)
    for one in (device, stays):
        book.write("subscription.stored", user_id=one.user_id, connection_id=one.connection_id)
    book.write("node.connected", connection_id=device.connection_id)
    book.flush()
    book.write("notification.created", user_id=device.user_id)
    put_aside = Journal(database, enabled=True)  # nobody has read it yet
    put_aside.write("node.connected", connection_id=device.connection_id)
    put_aside.start()
    put_aside.stop()
    delete(database, device)
    book.flush()
    (left,) = records.rows(database, JournalEvent)
    assert left.connection_id == stays.connection_id


def is_waiting_for_a_lock(engine: Engine) -> bool:
    with engine.connect() as connection:
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(connection.scalar(waiting))


def sign_out(session: Session, device: records.Device) -> None:
    devices.sign_out(session, device.session_id)


def delete_now(session: Session, device: records.Device) -> None:
    personal_data.delete_user(session, session.get_one(User, device.user_id), None)


# X-2 P-12
@pytest.mark.parametrize("first", [sign_out, delete_now])
def test_what_comes_first_wins_between_two_processes(
    postgres_engine: Engine, first: Callable[[Session, records.Device], None]
) -> None:
    """The session lived when the second one looked for it, and is over when it has the lock."""
    postgres.empty(postgres_engine, Model.metadata)
    database = Database(postgres_engine)
    device = fill(database)
    with ThreadPoolExecutor() as other, Session(postgres_engine) as session:
        accounts.lock_users(session.connection(), [device.user_id])
        late = other.submit(
            database.write, lambda late: accounts.lock_session(late, device.session_id)
        )
        until(lambda: is_waiting_for_a_lock(postgres_engine))
        first(session, device)
        session.commit()
        with pytest.raises(SignedOut):
            late.result(timeout=30)
