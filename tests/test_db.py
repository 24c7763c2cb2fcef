"""The writer: group commit, own outcomes, retries."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from subprocess import PIPE

import pytest
from sqlalchemy import Engine, create_engine, event, func, select, text, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from app.config import Settings
from app.db import Database, Model, is_one_of, prepare_postgresql, prepare_sqlite
from app.errors import NameTaken
from app.models import VapidKey
from tests import postgres
from tests.waiting import until


def add_key(session: Session, name: str) -> str:
    session.add(VapidKey(id=name, public_key=name, state="current", created_at=0))
    session.flush()
    return name


def count_keys(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(VapidKey)) or 0


def test_write_commits_before_it_returns(any_database: Database) -> None:  # P-12
    assert any_database.write(lambda session: add_key(session, "a")) == "a"
    assert count_keys(any_database) == 1


def write_while_writer_is_held(
    database: Database, names: list[str], write: Callable[[str], object] | None = None
) -> list[object]:
    """Let `names` wait together behind a transaction that is held open until all have queued."""
    held, go = threading.Event(), threading.Event()

    def hold(_session: Session) -> None:
        held.set()
        go.wait(10)

    def write_one(name: str) -> object:
        return database.write(lambda session: add_or_refuse(session, name))

    def outcome(name: str) -> object:
        try:
            return (write or write_one)(name)
        except Exception as error:
            return type(error)

    with ThreadPoolExecutor(len(names) + 1) as pool:
        first = pool.submit(database.write, hold)
        held.wait(10)
        waiting = [pool.submit(outcome, name) for name in names]
        until(lambda: database.waiting == len(names))
        go.set()
        first.result()
        return [future.result() for future in waiting]


def add_or_refuse(session: Session, name: str) -> str:
    if name == "refused":
        raise NameTaken()
    return add_key(session, name)


def test_waiting_writes_share_one_transaction(any_database: Database) -> None:  # P-7
    commits = []
    event.listen(any_database.engine, "commit", lambda connection: commits.append(1))
    outcomes = write_while_writer_is_held(any_database, ["a", "b", "c", "d"])
    assert outcomes == ["a", "b", "c", "d"]
    assert len(commits) == 2  # of who held the writer, and of all who waited


def test_failing_write_fails_alone(any_database: Database) -> None:  # P-7
    outcomes = write_while_writer_is_held(any_database, ["a", "refused", "c"])
    assert outcomes == ["a", NameTaken, "c"]
    assert count_keys(any_database) == 2


@pytest.mark.parametrize("refused", [[], ["refused"]])
def test_items_that_wait_are_worked_on_together(  # P-7
    any_database: Database, refused: list[str]
) -> None:
    calls: list[set[str]] = []

    def add_all(connection: Connection, names: list[str]) -> list[str]:
        calls.append(set(names))
        with Session(connection) as session:
            keys = [add_or_refuse(session, name) for name in names]
            session.flush()
        return keys

    names = ["a", *refused, "b"]
    outcomes = write_while_writer_is_held(
        any_database, names, lambda name: any_database.write_together(add_all, name)
    )
    assert outcomes == ["a", *[NameTaken for _ in refused], "b"]
    assert calls[0] == set(names)  # and if one fails, each alone
    assert sorted(map(len, calls[1:])) == [1 for _ in names if refused]
    assert count_keys(any_database) == 2


def test_write_waits_for_another_process(database: Database, settings: Settings) -> None:  # P-12
    other = create_engine(settings.database_url)
    prepare_sqlite(other)
    with other.connect() as connection:
        connection.execute(text("INSERT INTO vapid_keys VALUES ('x', 'x', 'current', 0)"))
        threading.Timer(0.1, connection.commit).start()
        # The connection above holds a read lock first, then the write lock until it commits.
        database.write(lambda session: add_key(session, "y"))
    other.dispose()
    assert count_keys(database) == 2


def test_read_session_keeps_nothing(any_database: Database) -> None:
    with any_database.read() as session:
        add_key(session, "a")
    assert count_keys(any_database) == 0


OF_NAMES = select(VapidKey.id).where(is_one_of(VapidKey.__table__.c.id, "ids"))


def test_list_is_one_parameter_however_long(any_database: Database) -> None:  # P-7
    for name in ("a", "b", "c'\\\"é", "x" * 16):
        any_database.write(partial(add_key, name=name))

    def find(*names: str) -> set[str]:
        with any_database.read() as session:
            return set(session.scalars(OF_NAMES, {"ids": names}))

    assert find() == find("nobody") == set()
    assert find("c'\\\"é", "a", "a") == {"c'\\\"é", "a"}
    assert find("x" * 17) == set()  # longer than the column: not cut off
    assert find(*"abcdefgh", *map(str, range(40_000))) == {"a", "b"}


def test_list_is_looked_up_in_the_index(database: Database) -> None:  # P-7
    statement = str(OF_NAMES.compile(database.engine))
    with database.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", ("[]",)).all()
    assert "SEARCH vapid_keys USING" in str(plan)


def test_foreign_keys_cascade(database: Database) -> None:
    with database.read() as session:
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"


def test_write_without_luck_raises(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(_session: Session) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        database.write(break_down)
    assert database.write(lambda session: add_key(session, "after")) == "after"


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import sys
import gevent
from sqlalchemy import create_engine, event
from app.db import Database, prepare_sqlite
engine = create_engine(f"sqlite:///{sys.argv[1]}")
prepare_sqlite(engine)
commits = []
event.listen(engine, "commit", lambda connection: commits.append(1))
database = Database(engine)
def work(session):
    session.connection()
gevent.joinall([gevent.spawn(database.write, work) for _ in range(8)])
print(len(commits))
"""


def test_writes_of_one_turn_share_one_transaction(tmp_path: Path) -> None:  # P-7
    """On SQLite nobody ever waits for the writer otherwise: its transactions do not yield."""
    command = [sys.executable, "-c", GREENLETS, str(tmp_path / "test.db")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "1\n"


STOPPED = """
import sys
from sqlalchemy import text
import app.db
from app import create_app
from app.config import load
app.db.STANDSTILL = 0.3
pushlab = create_app(load({"PUSHLAB_DATABASE_URL": sys.argv[1], "PUSHLAB_SECRET_KEY": "secret"}))
def lock(session):
    session.execute(text("UPDATE vapid_keys SET created_at = created_at + 1"))
    print("locked", flush=True)
    sys.stdin.readline()
pushlab.extensions["pushlab"].database.write(lock)
"""


def test_process_that_is_stopped_keeps_nobody_waiting(
    postgres_engine: Engine,
) -> None:  # P-12
    """What it has locked is free again soon. When it goes on it finds its transaction gone, and
    does it again."""
    postgres.empty(postgres_engine, Model.metadata)
    database = Database(postgres_engine)
    database.write(lambda session: add_key(session, "a"))
    url = postgres_engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", STOPPED, url]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        process.send_signal(signal.SIGSTOP)
        try:
            database.write(count_up)
        finally:
            process.send_signal(signal.SIGCONT)
        output, _nothing = process.communicate("\n\n", timeout=10)
    assert output == "locked\n"
    with database.read() as session:
        assert session.scalar(select(VapidKey.created_at)) == 2


def count_up(session: Session) -> None:
    session.execute(text("SET LOCAL lock_timeout = '1s'"))
    session.execute(update(VapidKey).values(created_at=VapidKey.created_at + 1))


def test_postgresql_is_connected_to_as_wiring_says(postgres_engine: Engine) -> None:  # P-12
    """And what the operator's URL says counts more."""
    url = postgres_engine.url.update_query_dict(
        {"keepalives_idle": "77", "options": "-c application_name=ours"}
    )
    engine = create_engine(url)
    prepare_postgresql(engine)
    with engine.connect() as connection:
        told = connection.connection.dbapi_connection.info.get_parameters()  # type: ignore[union-attr]
        names = ("application_name", "idle_in_transaction_session_timeout")
        shown = [connection.scalar(text(f"SHOW {name}")) for name in names]
    engine.dispose()
    assert (told["keepalives_idle"], told["keepalives_count"]) == ("77", "3")
    assert shown == ["ours", "5s"]
