"""Every few seconds: this process says how it does, and a process with pages looks at all of them.
A plain thread, in every process; made, started and stopped by wiring."""

import logging
import os
import threading
import uuid
from collections.abc import Callable

from app import clock
from app.db import Database
from app.ops import sample
from app.ops.cluster import Lookout
from app.ops.history import History
from app.ops.sample import Sample

log = logging.getLogger(__name__)

#: Seconds between two looks.
EVERY = 5.0


class Watch:
    """`tell` is asked for this process's sample; `looks`: whether it shows all processes too."""

    def __init__(
        self, database: Database, tell: Callable[[float, int], Sample], *, looks: bool
    ) -> None:
        self.history = History()
        self.lookout = Lookout(database)
        self._database = database
        self._tell = tell
        self._looks = looks
        self._process_id = str(uuid.uuid4())
        self._started_at = clock.now()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._started_at = clock.now()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is None:
            return
        self._thread.join()
        try:
            self._database.write(lambda session: sample.end(session, self._process_id))
        except Exception:
            log.exception("this process could not take its leave; it will be missed in a minute")

    def turn(self) -> None:
        """Say how this process does; then look at all."""
        mine = self._tell(self._started_at, os.getpid())
        self._database.write(lambda session: sample.write(session, self._process_id, mine))
        if self._looks:
            self._database.write(sample.forget_silent)
            with self._database.read() as session:
                processes = sample.read_all(session)
            self.history.add(clock.now(), processes, self.lookout.look())

    def _run(self) -> None:
        while True:
            try:
                self.turn()
            except Exception:  # the database is away: the plots have a gap
                log.warning("this process could not say how it does", exc_info=True)
            if self._stopped.wait(EVERY):
                return
