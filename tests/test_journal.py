"""The app's journal: batches, runs, nothing outside lab mode."""

import marshal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.engine import Connection

from app import accounts, clock, journal
from app.db import Database, Model
from app.errors import TryAgain
from app.journal import Journal, read_all, read_run
from app.models import JournalBatch, User
from tests import postgres, waiting


@pytest.fixture
def ada(database: Database) -> User:
    return database.write(lambda s: accounts.sign_up(s, "Ada", None, lab=True))


@pytest.fixture
def running(database: Database) -> Iterator[Journal]:
    started = Journal(database, enabled=True)
    started.start()
    yield started
    started.stop()


def test_journal_gives_a_run_its_own_events(database: Database, ada: User) -> None:  # W-11
    bob = database.write(lambda s: accounts.sign_up(s, "Bob", None, lab=True))
    book = Journal(database, enabled=True)
    book.write("vapid.key-made", step=1)
    book.write("subscription.stored", user_id=ada.id, step=6, detail={"created": True})
    book.write("subscription.stored", user_id=bob.id, step=6)
    book.flush()
    with database.read() as session:
        events = read_run(session, ada.run_id)
    assert [event["kind"] for event in events] == ["vapid.key-made", "subscription.stored"]
    assert events[1]["detail"] == {"created": True}
    with database.read() as session:
        assert read_run(session, ada.run_id, after=events[1]["id"]) == []


def test_material_is_bounded(database: Database, ada: User) -> None:  # W-11
    """What fits stays as it is; of the rest a reader sees that it was more."""
    book = Journal(database, enabled=True)
    for detail in (
        {"body": "x" * 9000, "plaintext": "y" * 4000},
        {"status": 201, "body": "x" * 40_000, "data": ["z" * 2000]},
        {f"name {number}": "x" * 1000 for number in range(100)},
    ):
        book.write("send.started", user_id=ada.id, detail=detail)
    book.flush()
    with database.read() as session:
        kept = [event["detail"] for event in read_run(session, ada.run_id)]
    assert len(kept[0]["body"]) == 9000
    assert kept[1]["status"] == 201
    assert kept[1]["body"].endswith("x… (38976 more)")
    assert len(str(kept[1])) < 3000
    assert kept[2] == {"cut": True}


def test_user_of_the_days_before_the_lab_gets_a_run(database: Database, ada: User) -> None:  # W-11
    old = database.write(lambda s: accounts.sign_up(s, "Old", None, lab=False))
    book = Journal(database, enabled=True)
    book.write("notification.created", user_id=old.id, detail={"title": "for Old only"})
    book.flush()
    with database.read() as session:
        assert read_run(session, ada.run_id) == []
        run_id = session.get_one(User, old.id).run_id
        assert [event["kind"] for event in read_run(session, run_id)] == ["notification.created"]


def test_journal_tells_who_has_news(running: Journal, ada: User) -> None:  # W-11
    told = threading.Event()
    users: set[int] = set()

    def tell(user_ids: set[int]) -> None:
        users.update(user_ids)
        told.set()

    running.on_written = tell
    running.write("push.received", user_id=ada.id, actor="service-worker")
    assert told.wait(5)
    assert users == {ada.id}


def test_journal_goes_on_after_a_failure(
    running: Journal, database: Database, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, told = threading.Event(), threading.Event()

    def fail(_work: object) -> None:
        failed.set()
        raise TryAgain

    with monkeypatch.context() as broken:
        broken.setattr(database, "write", fail)
        running.write("push.received", user_id=ada.id)
        assert failed.wait(5)
    running.on_written = lambda _users: told.set()
    running.write("push.received", user_id=ada.id)
    assert told.wait(5)


def test_journal_is_silent_outside_the_lab(database: Database, ada: User) -> None:
    book = Journal(database, enabled=False)
    book.write("subscription.stored", user_id=ada.id)
    book.flush()
    with database.read() as session:
        assert read_run(session, ada.run_id) == []


def test_journal_forgets_after_a_week(database: Database, ada: User) -> None:  # P-14
    """Also what nobody ever read."""
    book = Journal(database, enabled=True)
    book.write("push.received", user_id=ada.id, at=1000.0)
    book.flush()
    put_aside(database, ada, "push.received")
    database.write(lambda s: journal.expire(s, clock.now() + journal.KEEP_SECONDS + 1))
    book.flush()
    assert kinds(database, ada) == []


# -- batches: what was told and is not yet read


def put_aside(database: Database, user: User, *kinds: str) -> None:
    """As a process that tells its events and ends."""
    told = Journal(database, enabled=True)
    for kind in kinds:
        told.write(kind, user_id=user.id, detail={"of": kind})
    told.start()
    told.stop()
    assert not told.waiting


def kinds(database: Database, user: User) -> list[str]:
    with database.read() as session:
        return [event["kind"] for event in read_run(session, user.run_id)]


def test_reader_opens_the_batches_of_all_processes_in_their_order(  # W-11
    any_database: Database,
) -> None:
    ada = any_database.write(lambda s: accounts.sign_up(s, "Ada", None, lab=True))
    for number in range(journal.BATCHES + 1):
        put_aside(any_database, ada, f"first.{number}", f"second.{number}")
    reader = Journal(any_database, enabled=True)
    reader.write("own", user_id=ada.id)
    assert kinds(any_database, ada) == []
    reader.flush()
    told = [f"{half}.{n}" for n in range(journal.BATCHES + 1) for half in ("first", "second")]
    assert kinds(any_database, ada) == [*told, "own"]
    reader.flush()
    assert len(kinds(any_database, ada)) == len(told) + 1


def test_batch_of_another_version_is_read(database: Database, ada: User) -> None:
    """During an update old and new run side by side: of what was told the known part is shown."""
    names = ("kind", "weather", "at", "user_id")
    pack_aside(database, marshal.dumps((names, [("send.started", "rain", 1.0, ada.id)])))
    Journal(database, enabled=True).flush()
    with database.read() as session:
        (event,) = read_run(session, ada.run_id)
    assert (event["kind"], event["actor"], event["detail"]) == ("send.started", "app-server", {})


@pytest.mark.parametrize("packed", [b"", b"no batch", marshal.dumps((("kind",), [("early",)]))])
def test_batch_that_cannot_be_opened_holds_up_no_other(
    database: Database, ada: User, packed: bytes
) -> None:
    put_aside(database, ada, "before")
    pack_aside(database, packed)
    put_aside(database, ada, "after")
    Journal(database, enabled=True).flush()
    assert kinds(database, ada) == ["before", "after"]


def pack_aside(database: Database, packed: bytes) -> None:
    row = JournalBatch(at=clock.now(), events=packed)
    database.write(lambda session: session.add(row))


WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


def test_reader_misses_nothing_that_is_committed_late(postgres_engine: Engine) -> None:  # W-11
    """Two processes write, and the first is slow to commit: a reader that has seen the second's
    event goes on behind it, and the first's must not have a lower number."""
    postgres.empty(postgres_engine, Model.metadata)
    reached, go = threading.Event(), threading.Event()

    def be_slow(_connection: Connection) -> None:
        if not reached.is_set():
            reached.set()
            go.wait(10)

    slow, quick = (Journal(Database(postgres_engine), enabled=True) for _ in range(2))
    slow.write("from.the-slow")
    quick.write("from.the-quick")
    event.listen(postgres_engine, "commit", be_slow)
    with ThreadPoolExecutor() as pool, postgres_engine.connect() as looking:
        first = pool.submit(slow.flush)
        assert reached.wait(10)
        second = pool.submit(quick.flush)
        waiting.until(lambda: second.done() or bool(looking.scalar(WAITING)))
        seen = read_after(postgres_engine, 0)
        go.set()
        for flushed in (first, second):
            flushed.result(10)
    event.remove(postgres_engine, "commit", be_slow)
    seen += read_after(postgres_engine, seen[-1]["id"] if seen else 0)
    assert {one["kind"] for one in seen} == {"from.the-slow", "from.the-quick"}


def read_after(engine: Engine, cursor: int) -> list[journal.PublicEvent]:
    with Database(engine).read() as session:
        return read_all(session, cursor)
