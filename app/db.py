"""The database: one engine, one helper that opens a short session, one writer. `wiring` makes it;
domain functions get a Session or a Connection and neither commit nor do I/O."""

import json
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Dialect,
    Double,
    Engine,
    MetaData,
    Select,
    String,
    Text,
    TypeDecorator,
    bindparam,
    event,
    func,
    select,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from app import metrics
from app.errors import TryAgain

T = TypeVar("T")
Item = TypeVar("Item")

NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
TRIES = 8
#: Seconds for which a transaction may stand still. Ours never wait for anything but the database:
#: its process is stopped, or cut off, and others wait for what it has locked.
STANDSTILL = 5.0
#: For PostgreSQL's connections. The kernel finds out that a server is gone without a word, within
#: some half a minute.
ALIVE: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


class Model(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMES)


db = SQLAlchemy(metadata=Model.metadata)


class database_now(FunctionElement[float]):  # noqa: N801 (an SQL function)
    """Seconds since the epoch by the database's clock: the one that all processes share. It goes
    on within a transaction."""

    type = Double()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _sqlite_now(_element: database_now, _compiler: SQLCompiler, **_options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_now, "postgresql")
def _postgresql_now(_element: database_now, _compiler: SQLCompiler, **_options: Any) -> str:
    return "extract(epoch from clock_timestamp())"


class is_one_of(FunctionElement[bool]):  # noqa: N801 (an SQL operator)
    """`column` is in the list that the statement gets as parameter `name`. However long that is,
    it is one parameter and the text stays the same: nobody writes, parses or plans it anew.

    Without a type: of a Boolean SQLAlchemy would ask SQLite whether it `= 1`, which no index can
    answer."""

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        super().__init__(column, bindparam(name, type_=_List(column.type)))


class _List(TypeDecorator[list[Any]]):
    """An array of PostgreSQL; SQLite has none, but it reads JSON."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        # Of the column's VARCHAR(n) PostgreSQL would cut off what is longer, and find that.
        item = Text() if isinstance(self.item, String) else self.item
        return dialect.type_descriptor(ARRAY(item))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return json.dumps(list(value)) if dialect.name == "sqlite" else list(value)


@compiles(is_one_of, "sqlite")
def _sqlite_is_one_of(element: is_one_of, compiler: SQLCompiler, **options: Any) -> str:
    column, wanted = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({wanted}))"  # noqa: S608 (no values)


@compiles(is_one_of, "postgresql")
def _postgresql_is_one_of(element: is_one_of, compiler: SQLCompiler, **options: Any) -> str:
    column, wanted = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} = ANY({wanted})"


def each_value(column: ColumnElement[Any], *where: ColumnElement[bool]) -> Select[Any]:
    """The values that a column has in these rows, without NULL. From each one a jump in the index
    to the next, whatever the number of its rows. (Neither database does that for DISTINCT.)"""
    first = select(func.min(column).label("value")).where(*where)
    found = first.cte("found", recursive=True)
    after = select(func.min(column)).where(*where, column > found.c.value)
    every = found.union_all(select(after.scalar_subquery()).where(found.c.value.is_not(None)))
    return select(every.c.value).where(every.c.value.is_not(None))


LockUsers = Callable[[Connection, Collection[int]], None]


def _lock_nobody(_connection: Connection, _user_ids: Collection[int]) -> None:
    pass


#: Does something with each item and returns what came of it, in the items' order.
WorkOnAll = Callable[[Connection, list[Item]], Sequence[T]]


def _each(connection: Connection, works: list[Callable[[Session], T]]) -> list[T]:
    with Session(connection, expire_on_commit=False) as session:
        values = [work(session) for work in works]
        session.flush()
    return values


class _Job(Generic[Item, T]):
    """One caller's item of some work and, after its transaction, its own outcome."""

    def __init__(self, work: WorkOnAll[Item, T], item: Item, users: Collection[int] = ()) -> None:
        self.work = work
        self.item = item
        self.users = users
        self.done = False
        self.value: T | None = None
        #: Until the work is committed its caller is told to come again: also when the greenlet
        #: that runs the batch is killed in the middle.
        self.error: BaseException | None = TryAgain()

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return cast(T, self.value)


Jobs = list[_Job[Any, Any]]


class _Batches:
    """Whoever holds the lock does the work of all who wait, by one call of `do`; the others find
    theirs done. If a batch fails each piece is done alone, so every caller gets its own outcome
    only."""

    def __init__(self, do: Callable[[Jobs], None]) -> None:
        self._do = do
        self._waiting: deque[_Job[Any, Any]] = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How much work waits."""
        return len(self._waiting)

    def do(self, job: _Job[Item, T]) -> T:
        self._waiting.append(job)
        time.sleep(0)  # one turn of the loop: whoever has something to do by then comes along
        with self._lock:
            if not job.done:
                self._run(self._take_waiting())
        return job.outcome()

    def do_alone(self, job: _Job[Item, T]) -> T:
        with self._lock:
            self._run([job])
        return job.outcome()

    def _take_waiting(self) -> Jobs:
        jobs = list(self._waiting)
        self._waiting.clear()
        return jobs

    def _run(self, jobs: Jobs) -> None:
        try:
            self._do(jobs)
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].error = error
            else:
                for job in jobs:
                    self._run([job])
        else:
            for job in jobs:
                job.error = None
        finally:
            for job in jobs:
                job.done = True


class Database:
    """Short read sessions for everybody, and one writer per process.

    The writer is the group commit: all work that waits is done in one transaction. Work may
    therefore run more than once: it must have no side effects outside its transaction, and makes
    anew what it adds. On SQLite it must not yield to another greenlet either.

    `lock_users` locks users in the order of their ids. A batch locks all that its work names before
    any of it runs: locks that are taken one after the other are out of order, and two processes
    that do so wait for each other (PostgreSQL ends such a deadlock after a second).
    """

    def __init__(self, engine: Engine, lock_users: LockUsers = _lock_nobody) -> None:
        self.engine = engine
        self._lock_users = lock_users
        self._writing = engine.execution_options(pushlab_begin="IMMEDIATE")
        self._writes = _Batches(self._commit)
        self._reads = _Batches(self._read)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def waiting(self) -> int:
        """How much work waits for the writer."""
        return len(self._writes)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; whatever it changed is rolled back."""
        with Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    def read_together(self, find: WorkOnAll[Item, T], item: Item) -> T:
        """What costs less when it is looked up for many at once: `find` gets a connection and the
        items of all callers who wait for it now."""
        return self._reads.do(_Job(find, item))

    def write(self, work: Callable[[Session], T], *, users: Collection[int] = ()) -> T:
        """Run `work` in a transaction and return its value, once it is committed. `users`: ids of
        those that it will lock, as far as they are known before."""
        return self._writes.do(_Job(_each, work, users))

    def write_together(
        self, work: WorkOnAll[Item, T], item: Item, *, users: Collection[int] = ()
    ) -> T:
        """The same for work that costs less when it is done for many at once: it gets a connection
        (a session costs as much as two statements) and the items of all callers who wait now."""
        return self._writes.do(_Job(work, item, users))

    def write_alone(self, work: Callable[[Session], T]) -> T:
        """The same in a transaction with nobody else's work: for what takes a lock that other
        processes wait for."""
        job: _Job[Callable[[Session], T], T] = _Job(_each, work)
        return self._writes.do_alone(job)

    def _read(self, jobs: Jobs) -> None:
        with self.engine.connect() as connection:
            _work_on(connection, jobs)

    def _commit(self, jobs: Jobs) -> None:
        users = {user_id for job in jobs for user_id in job.users}
        for attempt in range(TRIES):
            try:
                with self._writing.begin() as connection:
                    if users:
                        self._lock_users(connection, users)
                    _work_on(connection, jobs)
                metrics.TRANSACTIONS.inc()
                return
            except DBAPIError as error:
                if attempt == TRIES - 1 or not _passes(error):
                    raise
            # busy_timeout is 0: sqlite's own wait would stop every greenlet of this process.
            time.sleep(random.uniform(0.01, 0.05) * (attempt + 1))  # noqa: S311


def _work_on(connection: Connection, jobs: Jobs) -> None:
    together: defaultdict[WorkOnAll[Any, Any], Jobs] = defaultdict(list)
    for job in jobs:
        together[job.work].append(job)
    for work, group in together.items():
        values = work(connection, [job.item for job in group])
        for job, value in zip(group, values, strict=True):
            job.value = value


def _passes(error: DBAPIError) -> bool:
    """True for what another try may heal: a busy SQLite; of PostgreSQL a deadlock, a serialization
    failure, a lock that was not available, a transaction that stood still."""
    code = getattr(error.orig, "sqlstate", None)
    if code is not None:
        return code in ("40001", "40P01", "55P03", "25P03")
    return isinstance(error, OperationalError) and "locked" in str(error.orig)


def prepare_sqlite(engine: Engine) -> None:
    """WAL, foreign keys, and transactions that begin when we say so."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # sqlite3 must not begin transactions on its own
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "busy_timeout=0",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("pushlab_begin")
        if mode is None:  # locks nothing, so it cannot fail; by the shortest way, as reads are many
            connection.connection.dbapi_connection.execute("BEGIN")  # type: ignore[union-attr]
        else:
            connection.exec_driver_sql(f"BEGIN {mode}")


def prepare_postgresql(engine: Engine) -> None:
    """Nobody waits for ever: not for a process that was stopped in the middle of a transaction, nor
    for a server that is gone. What the database's URL says of it counts more. Many rows are one
    INSERT: each statement costs more than a row. And no plan reads a whole table while an index can
    answer: it may have been made when the table was empty, and is kept while the table grows."""
    engine.dialect.use_insertmanyvalues_wo_returning = True

    @event.listens_for(engine, "do_connect")
    def _on_connect(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
        limit = f"-c idle_in_transaction_session_timeout={int(STANDSTILL * 1000)}"
        options = f"{limit} -c enable_seqscan=off {parameters.get('options', '')}"
        parameters.update(ALIVE | parameters | {"options": options})
