"""Users and sessions."""

import pytest
from sqlalchemy.orm import Session

from app import accounts, clock
from app.db import Database
from app.errors import InvalidInput, NameTaken, SignedOut, WrongPassword
from app.models import AuthSession, User
from tests.records import make_user


@pytest.mark.parametrize("name", ["", "   ", "x" * 33, "a\x00b", "a\u202eb", "\u0390" * 32])
def test_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        accounts.clean_name(name)
    assert refused.value.errors[0].field == "name"


def test_name_is_taken_in_any_spelling(any_database: Database) -> None:
    any_database.write(lambda s: accounts.sign_up(s, "Ada  Lovelace", None, lab=False))
    with pytest.raises(NameTaken):
        any_database.write(lambda s: accounts.sign_up(s, "ada lovelace ", None, lab=False))


def test_name_with_control_characters_is_nobodys(any_database: Database) -> None:
    with any_database.read() as session:
        assert accounts.find_by_name(session, "Ada\0") is None
        with pytest.raises(WrongPassword):
            accounts.check_password(session, "\0", "a password")


def test_names_of_many_calls_are_found_each_for_its_own(any_database: Database) -> None:  # W-7
    ada, bob = make_user(any_database, "Ada"), make_user(any_database, "Bob")
    calls = [{"bob", "Nobody"}, set[str](), {"Ada", "BOB"}, {"Ada\0"}]
    with any_database.engine.connect() as connection:
        found = accounts.find_ids(connection, calls)
    assert found == [{"bob": bob}, {}, {"Ada": ada, "BOB": bob}, {}]


@pytest.mark.parametrize("password", ["short", "x" * 129])
def test_password_length_is_checked(password: str) -> None:
    with pytest.raises(InvalidInput):
        accounts.hash_password(password)


def test_password_is_checked(database: Database) -> None:
    hashed = accounts.hash_password("correct horse")
    database.write(lambda s: accounts.sign_up(s, "Ada", hashed, lab=False))
    with database.read() as session:
        assert accounts.check_password(session, "ADA", "correct horse").name == "Ada"
        for name, password in (("Ada", "wrong horse"), ("Bob", "correct horse")):
            with pytest.raises(WrongPassword):
                accounts.check_password(session, name, password)


def test_guest_has_no_password_to_guess(database: Database) -> None:
    guest = database.write(lambda s: accounts.sign_up_guest(s, lab=False))
    with database.read() as session, pytest.raises(WrongPassword):
        accounts.check_password(session, guest.name, "")


def test_session_lives_until_revoked(database: Database) -> None:  # P-2
    user = database.write(lambda s: accounts.sign_up(s, "Ada", None, lab=True))
    opened = database.write(lambda s: accounts.open_session(s, user.id))
    with database.read() as session:
        found = accounts.find_live_session(session, opened.session_id)
        assert found is not None
        assert found[1].name == "Ada"
        found[0].revoked_at = clock.now()
        session.flush()
        assert accounts.find_live_session(session, opened.session_id) is None


def test_password_changed_meanwhile_is_not_changed_again(any_database: Database) -> None:
    user = any_database.write(lambda s: accounts.sign_up(s, "Ada", "first", lab=False))

    def change(known: str, new: str) -> None:
        def work(session: Session) -> None:
            accounts.change_password(session, session.get_one(User, user.id), known, new)

        any_database.write(work)

    change("first", "second")
    with pytest.raises(WrongPassword):
        change("first", "third")
    with any_database.read() as session:
        assert accounts.password_hash_of(session, user.id) == "second"


def test_lock_is_for_a_live_session_only(any_database: Database) -> None:
    user = any_database.write(lambda s: accounts.sign_up(s, "Ada", None, lab=True))
    opened = any_database.write(lambda s: accounts.open_session(s, user.id))

    def revoke(session: Session) -> None:
        session.get_one(AuthSession, opened.session_id).revoked_at = clock.now()

    _, found = any_database.write(lambda s: accounts.lock_session(s, opened.session_id))
    assert found.id == user.id
    any_database.write(revoke)
    with pytest.raises(SignedOut):
        any_database.write(lambda s: accounts.lock_session(s, opened.session_id))
