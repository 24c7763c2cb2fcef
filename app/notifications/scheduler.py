"""Makes real what is due. A plain thread, in every process with the role `sender`; made, started
and stopped by wiring. Any number may run: what one takes the others do not find."""

import logging
import threading

from app import clock
from app.db import Database
from app.notifications import schedule
from app.notifications.create import Creator

log = logging.getLogger(__name__)

#: Longest sleep (seconds): other processes schedule too.
POLL = 1.0
#: Made real in one transaction.
BATCH = 200


class Scheduler:
    """Sleeps until the next one is due, or until `changed` is set."""

    def __init__(self, database: Database, creator: Creator, changed: threading.Event) -> None:
        self._database = database
        self._creator = creator
        self._changed = changed
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """What is being made real is finished."""
        self._stopped.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join()

    def turn(self) -> float:
        """Make real what is due; returns how many seconds there will be nothing to do."""
        while self._creator.create_due(BATCH) == BATCH:
            pass
        with self._database.read() as session:
            due = schedule.next_due(session)
        return POLL if due is None else min(max(due - clock.now(), 0.0), POLL)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._changed.clear()
            self._changed.wait(self._try())

    def _try(self) -> float:
        try:
            return self.turn()
        except Exception:
            log.exception("what is due could not be made real; it will be tried again")
            return POLL
