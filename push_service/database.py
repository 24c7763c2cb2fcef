"""The one connection to the database, and the one thread that uses it. The hub calls `run`.

Work that waits is put into one transaction (group commit). Everything, reads too, goes through
the same queue, so each caller sees what was asked for before it, in that order.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from push_service.model import StoreUnavailableError

T = TypeVar("T")
P = ParamSpec("P")

MAX_BATCH = 256
CLAIM_MILLISECONDS = 3000
LOCK = 0x70757368  # PostgreSQL's advisory locks are numbers, this one is "push"


class DatabaseClosedError(RuntimeError):
    """Work was handed in after `close`."""


class DatabaseInUseError(StoreUnavailableError):
    """Another push service works on this database."""


class _Job:
    """A piece of work, and its outcome once `done` is set."""

    __slots__ = ("done", "error", "result", "work")

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.work = work
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None


class Database:
    """Runs work in transactions, one after the other."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="database", daemon=True)
        self._thread.start()

    def run(
        self,
        work: Callable[Concatenate[Connection, P], T],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        """What `work(connection, ...)` returned, after its transaction was committed.

        Work may be run a second time (when another one of its batch failed): it must not touch
        anything but the connection.
        """
        if self._closing:
            raise DatabaseClosedError("the database is closed")
        job = _Job(lambda connection: work(connection, *arguments, **named))
        self._jobs.put(job)
        job.done.wait()
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    def close(self) -> None:
        """Finish what was handed in, then close. Harmless twice."""
        if not self._closing:
            self._closing = True
            self._jobs.put(None)
        self._thread.join()

    def _serve(self) -> None:
        open_for_work = True
        while open_for_work:
            # One connection for as long as it holds: after a failure of the server, a new one.
            batch, open_for_work = self._next_batch()
            try:
                with self._engine.connect() as connection:
                    open_for_work = self._work(connection, batch, open_for_work)
            except DBAPIError as error:
                _fail(batch, StoreUnavailableError(f"the database is away: {error.orig}"))
            except Exception as error:
                _fail(batch, error)
        self._engine.dispose()

    def _work(self, connection: Connection, batch: list[_Job], open_for_work: bool) -> bool:
        """Until the connection breaks, or the end; whether to go on."""
        while True:
            _run_batch(connection, batch)
            if connection.invalidated or not open_for_work:
                return open_for_work
            batch, open_for_work = self._next_batch()

    def _next_batch(self) -> tuple[list[_Job], bool]:
        """All that waits (at least one job, unless the end is near), and whether to go on."""
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if self._jobs.empty() or len(batch) == MAX_BATCH:
                return batch, True
            job = self._jobs.get()
        return batch, False


def _run_batch(connection: Connection, batch: list[_Job]) -> None:
    try:
        _run_together(connection, batch)
    except Exception as error:
        if lost := _lost(connection, error):
            # Nobody knows what was committed: a second run could do it twice.
            _fail(batch, lost)
            return
        # One bad apple: each gets its own transaction, and answers for itself only.
        for job in batch:
            _run_alone(connection, job)
    for job in batch:
        job.done.set()


def _lost(connection: Connection, error: Exception) -> StoreUnavailableError | None:
    """What to say when the connection to the server broke, and only then."""
    if isinstance(error, DBAPIError) and (error.connection_invalidated or connection.invalidated):
        return StoreUnavailableError(f"the database is away: {error.orig}")
    return None


def _fail(batch: list[_Job], error: Exception) -> None:
    for job in batch:
        if not job.done.is_set():
            job.error = error
            job.done.set()


def _run_together(connection: Connection, batch: list[_Job]) -> None:
    with connection.begin():
        for job in batch:
            job.result = job.work(connection)


def _run_alone(connection: Connection, job: _Job) -> None:
    try:
        _run_together(connection, [job])
    except Exception as error:
        job.error = _lost(connection, error) or error


def _engine(url: str) -> Engine:
    match make_url(url).get_backend_name():
        case "sqlite":
            return _sqlite(url)
        case "postgresql":
            engine = create_engine(url, poolclass=NullPool)
            event.listen(engine, "connect", _claim_postgresql)
            return engine
        case other:
            raise ValueError(f"the database must be SQLite or PostgreSQL, not {other}")


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url, poolclass=StaticPool, connect_args={"check_same_thread": False, "timeout": 5}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _claim_postgresql(connection: Any, _record: object) -> None:
    """Keep a second push service off the database. The server lets go of it with the connection,
    but a moment later: who starts again at once has to wait for its own former self."""
    from psycopg.errors import LockNotAvailable

    try:
        connection.execute(f"SET LOCAL lock_timeout = {CLAIM_MILLISECONDS}")
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.commit()
    except LockNotAvailable as error:
        connection.close()
        raise DatabaseInUseError("another push service uses this database") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see below
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # The driver's own BEGIN comes late and is deferred: a read that turns into a write could fail.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
