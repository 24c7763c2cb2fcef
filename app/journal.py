"""What happened, append-only: read by the codelab and the tests. Any layer above writes here;
outside lab mode nothing is written at all.

Telling costs next to nothing, as it is done on the way of every message: what was told within a
moment goes into the database as one batch, as it is. Whoever reads makes rows of the batches first,
with all that can be worked out of them."""

import json
import logging
import marshal
import threading
import uuid
from collections import deque
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, cast

from sqlalchemy import Select, Table, and_, delete, func, insert, or_, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app import clock, metrics
from app.db import Database
from app.models import JournalBatch, JournalEvent, User

log = logging.getLogger(__name__)

#: Events that may wait for the next batch; beyond it the oldest are dropped: memory is bounded.
WAITING = 5000
#: Seconds in which events gather for a batch, and while there are many in one.
GATHER = 0.1
GATHER_MANY = 0.5
MANY = 100
#: Batches that a reader makes rows of in one transaction.
BATCHES = 10
#: Characters of an event's detail as JSON, and of a text in one that has more.
DETAIL_SIZE = 24 * 1024
TEXT_SIZE = 1024
KEEP_SECONDS = 7 * 86400
PAGE = 500

_EVENTS, _BATCHES = (cast(Table, model.__table__) for model in (JournalEvent, JournalBatch))
_ANY_BATCH = select(_BATCHES.c.id).limit(1)
_TAKE_OLDEST = (
    delete(_BATCHES)
    .where(_BATCHES.c.id.in_(select(_BATCHES.c.id).order_by(_BATCHES.c.id).limit(BATCHES)))
    .returning(_BATCHES.c.id, _BATCHES.c.events)
)
_ADD = insert(_BATCHES)


class Event(NamedTuple):
    """One thing that happened. `user_id` finds the run it belongs to and is not stored itself;
    `raw` is what the opener of its kind makes the rest of the detail of. All values are plain: no
    classes of our own."""

    kind: str
    at: float
    user_id: int | None = None
    actor: str = "app-server"
    step: int | None = None
    summary: str = ""
    notification_id: str | None = None
    connection_id: str | None = None
    endpoint: str | None = None
    message_url: str | None = None
    detail: dict[str, Any] | None = None
    raw: tuple[Any, ...] | None = None


Opener = Callable[..., dict[str, Any]]
#: By kind; each gets what is in `raw`.
_openers: dict[str, Opener] = {}


def opens(kind: str) -> Callable[[Opener], Opener]:
    """Marks the function that makes something readable of the raw material of such events."""

    def register(opener: Opener) -> Opener:
        _openers[kind] = opener
        return opener

    return register


class PublicEvent(TypedDict):
    """An event as a reader gets it."""

    id: int
    at: float
    actor: str
    kind: str
    step: int | None
    notification_id: str | None
    connection_id: str | None
    endpoint: str | None
    message_url: str | None
    summary: str
    detail: dict[str, Any]


class JournalPage(TypedDict):
    """`cursor` is what the next request sends as `after`; `more`: it is worth asking at once."""

    events: list[PublicEvent]
    cursor: int
    more: bool


class Journal:
    """Collects events and writes them in batches, off the path of whoever reports them."""

    def __init__(self, database: Database, *, enabled: bool) -> None:
        self.enabled = enabled
        #: Called with the user ids of each batch, once it can be read; wiring rings the pages.
        self.on_written: Callable[[set[int]], None] = lambda user_ids: None
        self._database = database
        self._waiting: deque[Event] = deque(maxlen=WAITING)
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many events are in no batch yet."""
        return len(self._waiting)

    def write(self, kind: str, *, at: float | None = None, **fields: Any) -> None:
        """Report an event; the keywords are the fields of `Event`."""
        if self.enabled:
            self.add(Event(kind, clock.now() if at is None else at, **fields))

    def add(self, event: Event) -> None:
        """The same, for whoever has looked whether the journal is `enabled`."""
        if len(self._waiting) == WAITING:
            metrics.JOURNAL_DROPPED.inc()
        self._waiting.append(event)
        if not self._changed.is_set():
            self._changed.set()

    def start(self) -> None:
        if self.enabled and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._changed.set()
        if self._thread:
            self._thread.join(timeout=5)

    def flush(self) -> None:
        """Make rows of all that was told, by any process; a reader calls it before it reads."""
        if not self.enabled:
            return
        while self._has_batches():
            self._database.write_alone(_open_batches)
        events = self._take()
        if events:
            self._database.write_alone(lambda session: _write(session, events))
            self._tell(events)

    def _has_batches(self) -> bool:
        with self._database.read() as session:
            return _has_batches(session)

    def _take(self) -> list[Event]:
        events = []
        while self._waiting:
            events.append(self._waiting.popleft())
        return events

    def _tell(self, events: list[Event]) -> None:
        self.on_written({event.user_id for event in events if event.user_id is not None})

    def _run(self) -> None:
        gather = GATHER
        while not self._stopped.is_set():
            self._changed.wait()
            self._stopped.wait(gather)
            self._changed.clear()
            gather = GATHER_MANY if self._put_aside() > MANY else GATHER
        self._put_aside()

    def _put_aside(self) -> int:
        """Returns how many events there were."""
        events = self._take()
        if not events:
            return 0
        try:
            self._database.write(lambda session: _add_batch(session, events))
            self._tell(events)
        except Exception:  # a database that is away takes a batch, not the journal
            log.exception("the journal could not be written")
        return len(events)


def _add_batch(session: Session, events: list[Event]) -> None:
    """As marshal packs it, because that takes a tenth of the time of JSON; version 4 is what every
    Python of these years reads."""
    packed = marshal.dumps((Event._fields, [tuple(event) for event in events]), 4)
    session.execute(_ADD, {"at": clock.now(), "events": packed})


def _has_batches(session: Session) -> bool:
    return session.scalar(_ANY_BATCH) is not None


def _open_batches(session: Session) -> None:
    """The oldest ones become rows. Readers take turns, so each batch is opened once. One that
    cannot be opened is lost, and not the journal."""
    _take_turn(session)
    for _, packed in sorted(session.execute(_TAKE_OLDEST)):
        try:
            with session.begin_nested():
                _insert(session, _unpacked(packed))
        except OperationalError:
            raise
        except Exception:
            log.exception("a batch of the journal could not be opened")


def _unpacked(packed: bytes) -> list[Event]:
    """A process of another version may have packed it: what it did not know has its default."""
    names, events = marshal.loads(packed)  # noqa: S302 (from our own database)
    known = [(place, name) for place, name in enumerate(names) if name in Event._fields]
    return [Event(**{name: event[place] for place, name in known}) for event in events]


def _write(session: Session, events: list[Event]) -> None:
    _take_turn(session)
    _insert(session, events)


def _insert(session: Session, events: list[Event]) -> None:
    """Events of a user who was deleted in the meantime are nobody's: they go too."""
    runs = _runs_of(session, {event.user_id for event in events if event.user_id is not None})
    known = [event for event in events if event.user_id is None or event.user_id in runs]
    if known:
        session.execute(insert(_EVENTS), [_row(event, runs) for event in known])


def _take_turn(session: Session) -> None:
    """Readers go on behind the last id they saw, so ids must be committed in their order. On
    PostgreSQL processes insert beside each other: here the next one waits for the commit."""
    if session.get_bind().dialect.name == "postgresql":
        turn = func.pg_advisory_xact_lock(func.hashtext(JournalEvent.__tablename__))
        session.execute(select(turn))


def _runs_of(session: Session, user_ids: set[int]) -> dict[int, str | None]:
    """Whoever signed up before the lab mode gets a run now: events of no run are everybody's."""
    users = session.scalars(select(User).where(User.id.in_(user_ids))).all()
    for user in users:
        user.run_id = user.run_id or str(uuid.uuid4())
    return {user.id: user.run_id for user in users}


def _row(event: Event, runs: dict[int, str | None]) -> dict[str, Any]:
    opened = _openers[event.kind](*event.raw) if event.raw is not None else {}
    return {
        "run_id": runs.get(event.user_id) if event.user_id is not None else None,
        "at": event.at,
        "actor": event.actor,
        "kind": event.kind,
        "step": event.step,
        "summary": event.summary,
        "notification_id": event.notification_id,
        "connection_id": event.connection_id,
        "endpoint": event.endpoint,
        "message_url": event.message_url,
        "detail": _bounded(opened | (event.detail or {})),
    }


def _bounded(detail: dict[str, Any]) -> dict[str, Any]:
    """One push message fits with all its headers; of what is larger only the beginning is kept."""
    if len(json.dumps(detail)) <= DETAIL_SIZE:
        return detail
    shortened = {name: _shortened(value) for name, value in detail.items()}
    return shortened if len(json.dumps(shortened)) <= DETAIL_SIZE else {"cut": True}


def _shortened(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) <= TEXT_SIZE:
        return value
    return f"{text[:TEXT_SIZE]}… ({len(text) - TEXT_SIZE} more)"


def read_run(session: Session, run_id: str | None, after: int = 0) -> list[PublicEvent]:
    """Events of one run, and those of no run at all (the keys' making), oldest first."""
    mine = or_(JournalEvent.run_id == run_id, JournalEvent.run_id.is_(None))
    return _page(session, select(JournalEvent).where(mine), after)


def read_all(session: Session, after: int = 0) -> list[PublicEvent]:
    """Events of all runs, oldest first; for whoever holds the lab secret."""
    return _page(session, select(JournalEvent), after)


def page_of(events: list[PublicEvent], after: int) -> JournalPage:
    """What was read after the cursor `after`, with the next one."""
    cursor = events[-1]["id"] if events else after
    return {"events": events, "cursor": cursor, "more": len(events) == PAGE}


def _page(session: Session, query: Select[JournalEvent], after: int) -> list[PublicEvent]:
    query = query.where(JournalEvent.id > after).order_by(JournalEvent.id).limit(PAGE)
    return [_public(event) for event in session.scalars(query)]


def _public(event: JournalEvent) -> PublicEvent:
    return {
        "id": event.id,
        "at": event.at,
        "actor": event.actor,
        "kind": event.kind,
        "step": event.step,
        "notification_id": event.notification_id,
        "connection_id": event.connection_id,
        "endpoint": event.endpoint,
        "message_url": event.message_url,
        "summary": event.summary,
        "detail": event.detail,
    }


def forget(session: Session, run_id: str | None, connection_ids: Collection[str]) -> None:
    """A user is deleted: so are the events of the run, and all of the devices."""
    while _has_batches(session):
        _open_batches(session)
    its_run = and_(JournalEvent.run_id.is_not(None), JournalEvent.run_id == run_id)
    theirs = or_(its_run, JournalEvent.connection_id.in_(connection_ids))
    statement = delete(JournalEvent).where(theirs)
    session.execute(statement, execution_options={"synchronize_session": False})


def expire(session: Session, now: float) -> None:
    """Forget events older than a week; the sweep calls it."""
    for table in (_EVENTS, _BATCHES):
        session.execute(delete(table).where(table.c.at < now - KEEP_SECONDS))
