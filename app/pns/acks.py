"""Collects acknowledgements and deletes their rows, one transaction for all that came within some
ten milliseconds (P-11). A part of `pns.node`."""

import logging
from collections import Counter
from collections.abc import Callable

import gevent
from gevent.event import Event
from sqlalchemy.engine import Connection as DatabaseConnection

from app import metrics
from app.db import Database
from app.faults import Faults
from app.journal import Journal
from app.pns import pending, registry
from app.pns.connections import Connection
from app.pns.session import Acknowledged

log = logging.getLogger(__name__)

COLLECT = 0.01
#: Seconds before the next try when the database does not answer.
RETRY = 0.5

Batch = list[tuple[Connection, Acknowledged]]


class Acks:
    """Bounded by the windows of the connections: what was not sent cannot be acknowledged. `name`
    says which node this is."""

    def __init__(
        self, database: Database, journal: Journal, faults: Faults, name: Callable[[], str]
    ) -> None:
        self._name = name
        self._database = database
        self._journal = journal
        self._faults = faults
        self._waiting: Batch = []
        self._wake = Event()
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Delete what was acknowledged so far, and end."""
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None
        self._flush()

    def add(self, connection: Connection, acknowledged: Acknowledged) -> None:
        if acknowledged.rows or acknowledged.expired:
            if not self._waiting:
                self._wake.set()
            self._waiting.append((connection, acknowledged))

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            gevent.sleep(COLLECT)
            if not self._flush():
                gevent.sleep(RETRY)

    def _flush(self) -> bool:
        """False: the database did not answer, everything waits on."""
        batch, self._waiting = self._waiting, []
        if not batch:
            return True
        try:
            self._faults.reach("node.before_ack")
            self._database.write_together(_store, batch)
            self._faults.reach("node.after_ack")
        except Exception:
            log.exception("acknowledgements could not be stored")
            self._waiting = batch + self._waiting
            self._wake.set()
            return False
        metrics.ACKNOWLEDGED.inc(sum(len(one.rows) for _, one in batch))
        self._report(batch)
        return True

    def _report(self, batch: Batch) -> None:
        if not self._journal.enabled:
            return
        for connection, acknowledged in batch:
            for row in acknowledged.rows:
                self._journal.write(
                    "node.acknowledged",
                    actor="node",
                    user_id=connection.held.user_id,
                    connection_id=connection.connection_id,
                    notification_id=row.notification_id,
                    summary="The device acknowledged the notification; its pending row is gone.",
                    detail={"node": self._name()},
                )


def _store(connection: DatabaseConnection, batches: list[Batch]) -> list[None]:
    """There is but one at a time; it comes as work for many because that needs no session."""
    batch = [one for some in batches for one in some]
    pending.acknowledge(connection, ((one.connection_id, acked.rows) for one, acked in batch))
    told: Counter[tuple[str, int]] = Counter()
    for device, acknowledged in batch:
        if acknowledged.expired:
            told[device.connection_id, device.held.epoch] += acknowledged.expired
    registry.subtract_expired(connection, told)
    return [None] * len(batches)
