"""The sender: takes what is due from the outbox and hands it to the push services. Plain threads,
so it runs patched by gevent and unpatched alike. Made, started and stopped by wiring."""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from sqlalchemy.exc import OperationalError

from app import clock, metrics
from app.bus.envelope import Envelope
from app.bus.ringer import Ringer
from app.config import Settings
from app.db import Database
from app.faults import Faults
from app.journal import Journal
from app.sending import outbox, outcome, payload, report, results
from app.sending.origins import Origins
from app.sending.outbox import Claimed
from app.sending.outcome import Outcome
from app.sending.results import Done
from app.sending.webpush import Message, OnRequest, WebPush

log = logging.getLogger(__name__)

#: Longest sleep (seconds): rows whose sender died are found at the latest after this.
POLL = 5.0
#: Shortest sleep: what is due may be locked by another sender.
BREATH = 0.02
#: Wait after a failure of our own, such as a database that is away.
PAUSE = 1.0
#: Outcomes that are written down in one transaction.
BATCH = 200
#: A lease outlasts a request and the writing down of its outcome.
LEASE_TIMEOUTS = 2.5


class Sender:
    """The workers send. One dispatcher writes down what became of it and claims what is next, many
    rows in one transaction: never more than there are idle workers, nor more for one push service
    than its share."""

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
        self._done: deque[Done] = deque()
        self._origins = Origins(settings.sender_greenlets)
        self._idle = settings.sender_greenlets
        self._counting = threading.Lock()

    @property
    def pauses(self) -> dict[str, float]:
        """When each push service that is left alone will be tried again."""
        return self._origins.pauses()

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
            wait = self._attempt(self._take_turn)
        for _ in range(self._settings.sender_greenlets):
            self._work.put(None)
        while self._idle < self._settings.sender_greenlets:
            self._changed.wait(POLL)
            self._changed.clear()
            self._attempt(self._write_down)
        self._attempt(self._write_down)

    def _attempt(self, work: Callable[[], float]) -> float:
        try:
            return work()
        except Exception:
            log.exception("the outbox could not be read or written")
            return PAUSE

    def _take_over(self) -> float:
        """SQLite has one sender at a time: whoever held a lease is dead."""
        if self._database.is_sqlite:
            self._database.write(outbox.release_all)
        return 0

    def _take_turn(self) -> float:
        """Returns how long there will be nothing to do."""
        self._write_down()
        return self._dispatch()

    def _write_down(self) -> float:
        """What became of the messages. While the database is away they are kept; should we end
        before it is back, the leases do too, and somebody sends them again."""
        while self._done:
            some = list(self._done)[:BATCH]
            self._store(some)
            for _ in some:
                self._done.popleft()
        return POLL

    def _store(self, done: Sequence[Done]) -> None:
        try:
            finished = self._database.write(lambda session: results.finish(session, done))
        except OperationalError:
            raise
        except Exception:
            if len(done) > 1:  # one of them: the others shall not suffer for it
                for one in done:
                    self._store([one])
            else:
                log.exception("an outcome cannot be stored; the lease will end")
            return
        self._faults.reach("sender.after_store")
        for one, result in zip(done, finished, strict=True):
            if result is not None:
                self._tell(one.item, result)

    def _tell(self, item: Claimed, result: results.Finished) -> None:
        report.finished(self._journal, item, result)
        if result.state == "gone":
            self._tell_devices(item.user_id)

    def _dispatch(self) -> float:
        """Hand out what is due; returns how long there will be nothing to do."""
        idle = self._idle
        if not idle:
            return POLL  # a worker that gets idle wakes us
        lease = LEASE_TIMEOUTS * self._settings.push_timeout
        room = self._origins.room
        claimed = self._database.write(lambda session: outbox.claim(session, lease, idle, room))
        for item in claimed:
            self._origins.start(item.origin)
            self._count_idle(-1)
            self._work.put(item)
        return POLL if len(claimed) == idle else self._until_due()

    def _until_due(self) -> float:
        """Of those that have no room a worker, or the end of their pause, wakes us."""
        with self._database.read() as session:
            origins = [one for one in outbox.origins_with_work(session) if self._origins.room(one)]
            due = outbox.next_due(session, origins)
        times = [time for time in (due, self._origins.next_end_of_pause()) if time is not None]
        return min(max(min(times) - clock.now(), BREATH), POLL) if times else POLL

    def _count_idle(self, change: int) -> None:
        with self._counting:
            self._idle += change

    def _run_worker(self) -> None:
        while (item := self._work.get()) is not None:
            began = time.perf_counter()
            sent = self._send(item)
            metrics.count_send(item.origin, sent.answer, time.perf_counter() - began)
            report.answered(self._journal, item, sent)
            self._judge(item, sent)
            self._done.append(Done(item, sent))
            self._count_idle(1)
            self._changed.set()  # to be written down; then the next of its subscription is due

    def _judge(self, item: Claimed, sent: Outcome) -> None:
        pause = self._origins.finish(item.origin, sent)
        if pause is not None:
            log.warning("%s is left alone for %.0f s: %s", item.origin, pause, sent.reason)
            report.paused(self._journal, item, pause)

    def _send(self, item: Claimed) -> Outcome:
        try:
            self._faults.reach("sender.before_send")
            message = self._message(item)
            sent = self._webpush.send(message, self._reporter(item, message))
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

    def _reporter(self, item: Claimed, message: Message) -> OnRequest | None:
        if not self._journal.enabled:
            return None
        return lambda request: report.started(self._journal, item, request, message.payload)

    def _tell_devices(self, user_id: int) -> None:
        self._ringer.tell(Envelope("hint", what="devices", user_ids=(user_id,)))
