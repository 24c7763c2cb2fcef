"""One writer, many callers: each gets its own outcome, and what is returned is stored."""

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from push_service.database import Database, DatabaseClosedError
from push_service.model import StoreUnavailableError
from tests.waiting import until

CLAIMS_THAT_WAIT = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


def insert(connection: Connection, number: int) -> int:
    connection.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})
    return number


def open_database(path: Path) -> Database:
    database = Database(f"sqlite:///{path}")
    database.run(lambda connection: connection.execute(text("CREATE TABLE numbers (n UNIQUE)")))
    return database


def stored(path: Path) -> list[int]:
    with sqlite3.connect(path) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM numbers ORDER BY n")]


def test_run_returns_after_the_commit(path: Path) -> None:  # W-9
    database = open_database(path)
    assert database.run(insert, 1) == 1
    assert stored(path) == [1]
    database.close()


def test_one_failure_in_a_batch_hurts_nobody_else(path: Path) -> None:  # W-9
    database = open_database(path)
    gate, outcomes = threading.Event(), dict[int, object]()
    database_waits = threading.Thread(target=lambda: database.run(lambda _: gate.wait()))
    database_waits.start()

    def call(caller: int, number: int) -> None:
        try:
            outcomes[caller] = database.run(insert, number)
        except IntegrityError as error:
            outcomes[caller] = type(error)

    callers = [threading.Thread(target=call, args=(n, n % 9)) for n in range(10)]
    for caller in callers:
        caller.start()
    gate.set()
    for thread in (database_waits, *callers):
        thread.join()
    assert sorted(map(str, outcomes.values()))[-1] == str(IntegrityError)
    assert stored(path) == list(range(9))
    database.close()


def test_close_finishes_what_was_handed_in(path: Path) -> None:  # W-9
    database = open_database(path)
    database.run(insert, 1)
    database.close()
    database.close()
    with pytest.raises(DatabaseClosedError):
        database.run(insert, 2)


def test_database_that_is_away_fails_the_work_and_is_asked_again(tmp_path: Path) -> None:  # W-9
    folder = tmp_path / "later"
    database = Database(f"sqlite:///{folder / 'test.db'}")
    with pytest.raises(StoreUnavailableError):
        database.run(insert, 1)
    folder.mkdir()
    database.run(lambda connection: connection.execute(text("CREATE TABLE numbers (n UNIQUE)")))
    assert database.run(insert, 1) == 1
    database.close()


def test_database_is_in_write_ahead_mode(path: Path) -> None:  # W-9
    database = open_database(path)
    pragmas = [
        database.run(lambda connection, name: connection.scalar(text(f"PRAGMA {name}")), name)
        for name in ("journal_mode", "synchronous", "foreign_keys")
    ]
    assert pragmas == ["wal", 1, 1]
    database.close()


def test_postgresql_is_waited_for_until_it_lets_go_of_a_former_self(push_engine: Engine) -> None:
    # W-9
    url = push_engine.url.render_as_string(hide_password=False)
    former, database, answers = Database(url), Database(url), list[str]()
    former.run(lambda _: None)
    waiting = threading.Thread(target=lambda: answers.append(database.run(lambda _: "mine")))
    waiting.start()
    with push_engine.connect() as connection:
        until(lambda: bool(connection.scalar(text(CLAIMS_THAT_WAIT))))
    former.close()
    waiting.join()
    database.close()
    assert answers == ["mine"]
