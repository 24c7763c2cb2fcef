"""The one connection to the database, and the one thread that uses it. The hub calls `run`.

Work that waits is put into one transaction (group commit). Everything, reads too, goes through
the same queue, so each caller sees what was asked for before it, in that order.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import StaticPool

T = TypeVar("T")
P = ParamSpec("P")

MAX_BATCH = 256


class DatabaseClosedError(RuntimeError):
    """Work was handed in after `close`."""


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
        with self._engine.connect() as connection:
            open_for_work = True
            while open_for_work:
                batch, open_for_work = self._next_batch()
                _run_batch(connection, batch)
        self._engine.dispose()

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
    except Exception:
        # One bad apple: each gets its own transaction, and answers for itself only.
        for job in batch:
            _run_alone(connection, job)
    for job in batch:
        job.done.set()


def _run_together(connection: Connection, batch: list[_Job]) -> None:
    with connection.begin():
        for job in batch:
            job.result = job.work(connection)


def _run_alone(connection: Connection, job: _Job) -> None:
    try:
        _run_together(connection, [job])
    except Exception as error:
        job.error = error


def _engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url)
    engine = create_engine(
        url, poolclass=StaticPool, connect_args={"check_same_thread": False, "timeout": 5}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see below
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # The driver's own BEGIN comes late and is deferred: a read that turns into a write could fail.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
