"""Ours, whole: from rows in the outbox to their outcome in the outbox, on SQLite. In the lab also
the journal of it, until that is in the database and the pages are rung."""

from gevent import monkey

monkey.patch_all()

import threading  # noqa: E402
from collections.abc import Collection  # noqa: E402
from types import SimpleNamespace  # noqa: E402
from typing import Any, cast  # noqa: E402

from sqlalchemy import create_engine, delete, func, select  # noqa: E402
from sqlalchemy.orm import Session  # noqa: E402

from app import accounts, devices, subscriptions  # noqa: E402
from app.bus import open_bus  # noqa: E402
from app.bus.envelope import Envelope  # noqa: E402
from app.bus.ringer import Ringer  # noqa: E402
from app.cli.garbage import spare_the_loaded  # noqa: E402
from app.db import Database, Model, prepare_sqlite  # noqa: E402
from app.faults import Faults  # noqa: E402
from app.journal import Journal  # noqa: E402
from app.models import JournalEvent, NotificationData, PendingNotification, PushOutbox  # noqa: E402
from app.notifications.transaction import NewNotification, create_all  # noqa: E402
from app.sending import sender, vapid  # noqa: E402
from app.sending.sender import Sender  # noqa: E402
from app.sending.webpush import WebPush  # noqa: E402
from app.subscriptions import NewSubscription  # noqa: E402
from bench.web_push.contestant import Plan, read_plan, run  # noqa: E402
from bench.web_push.ours import settings_of  # noqa: E402

POLL = 0.02


class Bench:
    """One user with as many subscribed devices as the plan has subscriptions, and a sender."""

    def __init__(self, plan: Plan) -> None:
        settings = settings_of(plan)
        plan.folder.mkdir(parents=True, exist_ok=True)
        engine = create_engine(settings.database_url)
        prepare_sqlite(engine)
        Model.metadata.create_all(engine)
        self.database = Database(engine)
        self.keys = vapid.load(settings)
        self.changed = threading.Event()
        self.user_id = self.database.write(lambda session: self._subscribe_all(session, plan))
        self.ringer = Ringer(open_bus("memory://", b"bench"), self._find_nodes)
        self.journal = Journal(self.database, enabled=plan.journal == "on")
        self.journal.on_written = self._ring
        if plan.journal == "none":
            cast(Any, sender).report = SimpleNamespace(answered=_tell_nobody, finished=_tell_nobody)
        self.sender = Sender(
            settings=settings,
            database=self.database,
            webpush=WebPush(settings, self.keys),
            journal=self.journal,
            faults=Faults(enabled=False),
            ringer=self.ringer,
            changed=self.changed,
        )

    def _subscribe_all(self, session: Session, plan: Plan) -> int:
        vapid.register(session, self.keys)
        user = accounts.sign_up(session, "bench", None, lab=plan.journal == "on")
        for one in plan.subscriptions:
            opened = accounts.open_session(session, user.id)
            device = devices.ensure_device(session, opened.session_id, "bench")
            new = NewSubscription(one["endpoint"], one["keys"]["p256dh"], one["keys"]["auth"])
            subscriptions.store(session, device, new)
        return user.id

    def send_all(self, body: str) -> int:
        """Create one notification for all devices; until each row has its outcome."""
        new = NewNotification(self.user_id, {"title": "bench", "body": body})
        [created] = self.database.write(lambda session: create_all(session.connection(), [new]))
        self.changed.set()
        waiting = threading.Event()
        while self._count(created.notification_id, "queued"):
            waiting.wait(POLL)
        while self.journal.waiting:
            waiting.wait(POLL)
        self.database.write(lambda session: None)  # the last batch was before this in the queue
        return self._count(created.notification_id, "delivered")

    def _count(self, notification_id: str, state: str) -> int:
        these = PushOutbox.notification_id == notification_id, PushOutbox.state == state
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(PushOutbox).where(*these)) or 0

    def _ring(self, user_ids: set[int]) -> None:
        """The open pages, as wiring does."""
        self.ringer.tell(Envelope("hint", what="journal", user_ids=tuple(user_ids)))

    def _find_nodes(self, user_ids: Collection[int]) -> list[str]:
        with self.database.engine.connect() as connection:
            return devices.node_uris(connection, user_ids)

    def clear(self) -> None:
        """Two events of each message are in the journal, or none."""
        self.journal.flush()
        with self.database.read() as session:
            told = session.scalar(select(func.count()).select_from(JournalEvent)) or 0
            sent = session.scalar(select(func.count()).select_from(PushOutbox)) or 0
        if told != (2 * sent if self.journal.enabled else 0):
            raise RuntimeError(f"{sent} messages, and {told} events in the journal")
        self.database.write(lambda session: session.execute(delete(PendingNotification)))
        self.database.write(lambda session: session.execute(delete(NotificationData)))
        self.database.write(lambda session: session.execute(delete(JournalEvent)))


def _tell_nobody(*_arguments: object) -> None:
    pass


def main() -> None:
    plan = read_plan()
    bench = Bench(plan)
    bench.sender.start()
    bench.journal.start()
    spare_the_loaded()
    run(lambda: bench.send_all(""), bench.clear)  # with what is around it the payload has 350 bytes


if __name__ == "__main__":
    main()
