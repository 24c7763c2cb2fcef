"""The sender: takes what is due from the outbox and hands it to the push services. Plain threads,
so it runs patched by gevent and unpatched alike. Made, started and stopped by wiring."""

import logging
import queue
import threading
from collections.abc import Callable

from app import clock
from app.bus.envelope import Envelope
from app.bus.ringer import Ringer
from app.config import Settings
from app.db import Database
from app.devices import node_uris
from app.faults import Faults
from app.journal import Journal
from app.sending import outbox, outcome, payload, report, results
from app.sending.outbox import Claimed
from app.sending.outcome import Outcome
from app.sending.webpush import Message, OnRequest, WebPush

log = logging.getLogger(__name__)

#: Longest sleep (seconds): rows whose sender died are found at the latest after this.
POLL = 5.0
#: Shortest sleep: what is due may be locked by another sender.
BREATH = 0.02
#: Wait after a failure of our own, such as a database that is away.
PAUSE = 1.0
#: A lease outlasts a request and the writing down of its outcome.
LEASE_TIMEOUTS = 2.5


class Sender:
    """One dispatcher claims, never more than there are idle workers; the workers send."""

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        webpush: WebPush,
        journal: Journal,
        faults: Faults,
        ringer: Ringer,
        changed: threading.Event,
    ) -> None:
        self._settings = settings
        self._database = database
        self._webpush = webpush
        self._journal = journal
        self._faults = faults
        self._ringer = ringer
        self._changed = changed
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._work: queue.SimpleQueue[Claimed | None] = queue.SimpleQueue()
        self._idle = settings.sender_greenlets
        self._counting = threading.Lock()

    def start(self) -> None:
        if self._threads:
            return
        self._stopped.clear()
        workers = [self._run_worker] * self._settings.sender_greenlets
        for number, run in enumerate([self._run_dispatcher, *workers]):
            thread = threading.Thread(target=run, name=f"sender-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Requests under way are finished and written down; nothing new begins."""
        self._stopped.set()
        self._changed.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._webpush.close()

    def _run_dispatcher(self) -> None:
        wait = self._attempt(self._take_over)
        while not self._stopped.is_set():
            self._changed.wait(wait)
            self._changed.clear()  # before the claim: what comes later wakes us again
            wait = self._attempt(self._dispatch)
        for _ in range(self._settings.sender_greenlets):
            self._work.put(None)

    def _attempt(self, work: Callable[[], float]) -> float:
        try:
            return work()
        except Exception:
            log.exception("the outbox could not be read")
            return PAUSE

    def _take_over(self) -> float:
        """SQLite has one sender at a time: whoever held a lease is dead."""
        if self._database.is_sqlite:
            self._database.write(outbox.release_all)
        return 0

    def _dispatch(self) -> float:
        """Hand out what is due; returns how long there will be nothing to do."""
        idle = self._idle
        if not idle:
            return POLL  # a worker that gets idle wakes us
        lease = LEASE_TIMEOUTS * self._settings.push_timeout
        claimed = self._database.write(lambda session: outbox.claim(session, lease, idle))
        for item in claimed:
            self._count_idle(-1)
            self._work.put(item)
        return POLL if len(claimed) == idle else self._until_due()

    def _until_due(self) -> float:
        with self._database.read() as session:
            due = outbox.next_due(session)
        return POLL if due is None else min(max(due - clock.now(), BREATH), POLL)

    def _count_idle(self, change: int) -> None:
        with self._counting:
            self._idle += change

    def _run_worker(self) -> None:
        while (item := self._work.get()) is not None:
            try:
                self._deliver(item)
            except Exception:
                log.exception("an outcome could not be stored; the lease will end")
            self._count_idle(1)
            self._changed.set()  # the next row of this subscription may be due

    def _deliver(self, item: Claimed) -> None:
        sent = self._send(item)
        report.answered(self._journal, item, sent)
        finished = self._database.write(lambda session: results.finish(session, item, sent))
        if finished is None:
            return
        report.finished(self._journal, item, finished)
        if finished.state == "gone":
            self._tell_devices(item.user_id)

    def _send(self, item: Claimed) -> Outcome:
        try:
            self._faults.reach("sender.before_send")
            sent = self._webpush.send(self._message(item), self._reporter(item))
            self._faults.reach("sender.after_send")
        except Exception as error:
            log.warning("sending failed", exc_info=True)
            return outcome.failed_here(str(error))
        return sent

    def _message(self, item: Claimed) -> Message:
        return Message(
            endpoint=item.endpoint,
            p256dh=item.p256dh,
            auth=item.auth,
            vapid_key_id=item.vapid_key_id,
            payload=payload.build(item.content, self._settings.public_url),
            ttl=item.ttl,
            urgency=item.urgency,
            topic=item.topic,
        )

    def _reporter(self, item: Claimed) -> OnRequest:
        return lambda request: report.started(self._journal, item, request)

    def _tell_devices(self, user_id: int) -> None:
        with self._database.read() as session:
            nodes = node_uris(session, [user_id])
        self._ringer.ring(nodes, Envelope("hint", what="devices", user_ids=(user_id,)))
