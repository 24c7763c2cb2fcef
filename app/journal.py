"""What happened, append-only: read by the codelab and the tests. Any layer above writes here;
outside lab mode nothing is written at all."""

import json
import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, and_, delete, func, insert, or_, select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app import clock, metrics
from app.db import Database
from app.models import JournalEvent, User

log = logging.getLogger(__name__)

#: Events that may wait for the flusher; beyond it the oldest are dropped, so memory is bounded.
WAITING = 5000
#: Characters of an event's detail as JSON, and of a text in one that has more.
DETAIL_SIZE = 24 * 1024
TEXT_SIZE = 1024
KEEP_SECONDS = 7 * 86400
PAGE = 500


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `user_id` finds the run it belongs to and is not stored itself."""

    kind: str
    user_id: int | None = None
    actor: str = "app-server"
    step: int | None = None
    summary: str = ""
    notification_id: str | None = None
    connection_id: str | None = None
    endpoint: str | None = None
    message_url: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    at: float = field(default_factory=clock.now)


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

    def write(self, kind: str, **fields: Any) -> None:
        """Report an event; the keywords are the fields of `Event`."""
        if not self.enabled:
            return
        if len(self._waiting) == WAITING:
            metrics.JOURNAL_DROPPED.inc()
        self._waiting.append(Event(kind, **fields))
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
        """Write all that waits; a reader calls it to see what was reported before."""
        events = []
        while self._waiting:
            events.append(self._waiting.popleft())
        if events:
            self._database.write_alone(lambda session: _insert(session, events))
            self.on_written({event.user_id for event in events if event.user_id is not None})

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._changed.wait()
            self._changed.clear()
            try:
                self.flush()
            except Exception:  # a database that is away takes a batch, not the journal
                log.exception("the journal could not be written")


def _insert(session: Session, events: list[Event]) -> None:
    """Events of a user who was deleted in the meantime are nobody's: they go too."""
    runs = _runs_of(session, {event.user_id for event in events if event.user_id is not None})
    known = [event for event in events if event.user_id is None or event.user_id in runs]
    if known:
        _take_turn(session)
        session.execute(insert(JournalEvent), [_row(event, runs) for event in known])


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
        "detail": _bounded(event.detail),
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
    its_run = and_(JournalEvent.run_id.is_not(None), JournalEvent.run_id == run_id)
    theirs = or_(its_run, JournalEvent.connection_id.in_(connection_ids))
    statement = delete(JournalEvent).where(theirs)
    session.execute(statement, execution_options={"synchronize_session": False})


def expire(session: Session, now: float) -> None:
    """Forget events older than a week; the sweep calls it."""
    session.execute(delete(JournalEvent).where(JournalEvent.at < now - KEEP_SECONDS))
