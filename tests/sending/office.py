"""A sender and everything around it, for the tests that let it work."""

import threading
from collections import Counter
from typing import Any, cast

from app.bus.envelope import Envelope
from app.bus.ringer import Ringer
from app.config import Settings
from app.db import Database
from app.faults import Faults
from app.journal import Event, Journal
from app.models import JournalEvent, PushOutbox
from app.sending import vapid
from app.sending.sender import Sender
from app.sending.vapid import VapidKeys
from app.sending.webpush import WebPush
from tests.records import create, rows


class WatchedJournal(Journal):
    """Lets a test wait for what happens."""

    def __init__(self, database: Database, *, enabled: bool) -> None:
        super().__init__(database, enabled=enabled)
        self._counts: Counter[str] = Counter()
        self._written = threading.Condition()

    def add(self, event: Event) -> None:
        super().add(event)
        with self._written:
            self._counts[event.kind] += 1
            self._written.notify_all()

    def wait_for(self, kind: str, count: int, timeout: float = 10) -> None:
        with self._written:
            enough = self._written.wait_for(lambda: self._counts[kind] >= count, timeout)
            assert enough, self._counts


class ListeningRinger:
    def __init__(self) -> None:
        self.told: list[Envelope] = []

    def tell(self, envelope: Envelope) -> None:
        self.told.append(envelope)


class Office:
    """A sender and what it works with."""

    def __init__(self, settings: Settings, database: Database, keys: VapidKeys) -> None:
        self.settings = settings
        self.database = database
        self.keys = keys
        self.journal = WatchedJournal(database, enabled=True)
        self.faults = Faults(enabled=True)
        self.ringer = ListeningRinger()
        self.changed = threading.Event()
        database.write(lambda session: vapid.register(session, keys))
        self.sender = Sender(
            settings=settings,
            database=database,
            webpush=WebPush(settings, keys),
            journal=self.journal,
            faults=self.faults,
            ringer=cast(Ringer, self.ringer),
            changed=self.changed,
        )

    def create(self, *user_ids: int, **fields: Any) -> None:
        create(self.database, *user_ids, **fields)
        self.changed.set()

    def stop(self) -> list[str]:
        """The states of the outbox after all that was under way is written down; what was told to
        the journal waits in a batch."""
        self.sender.stop()
        self.journal.start()
        self.journal.stop()
        return [row.state for row in sorted(rows(self.database, PushOutbox), key=lambda r: r.seq)]

    def events(self) -> list[JournalEvent]:
        self.journal.flush()
        return rows(self.database, JournalEvent)

    def event(self, kind: str) -> JournalEvent:
        [found] = [event for event in self.events() if event.kind == kind]
        return found

    def wait_for(self, kind: str, count: int = 1) -> None:
        """Until the journal has that many of these."""
        self.journal.wait_for(kind, count)
