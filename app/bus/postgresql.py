"""postgresql://...  Rings by LISTEN and NOTIFY, over the database that is there anyway.

Guarantees: at most once; order per ringing process; a ring for a node whose connection is down is
lost. URL: as libpq reads it (https://www.postgresql.org/docs/current/libpq-connect.html), the same
server for all processes. A node keeps one connection open, a process that rings another one.
"""

import contextlib
import logging
import threading
import uuid

import psycopg
from psycopg import sql

from app.bus.contract import BusError, Handler
from app.bus.envelope import Envelope
from app.db import ALIVE

log = logging.getLogger(__name__)

#: PostgreSQL takes less than 8000 bytes in one notification.
PAYLOAD = 7900
#: Seconds between two looks whether the node is still wanted, and after a lost connection.
LOOK = 0.5


class PostgresBus:
    """One connection per node that listens, one for all rings of this process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ears: dict[str, _Ear] = {}
        self._mouth: psycopg.Connection | None = None
        self._speaking = threading.Lock()

    def start(self) -> None:
        """Connections are made when they are first needed, and again when they are lost."""

    def stop(self) -> None:
        for node_uri in list(self._ears):
            self.unsubscribe(node_uri)
        with self._speaking:
            self._hang_up()

    def subscribe(self, handler: Handler) -> str:
        """Returns when the server knows of the node: no ring after that is lost. BusError: the
        server does not answer."""
        ear = _Ear(self._url, f"pns_{uuid.uuid4().hex}", handler)
        ear.start()
        node_uri = f"postgresql://{ear.channel}"
        self._ears[node_uri] = ear
        return node_uri

    def unsubscribe(self, node_uri: str) -> None:
        ear = self._ears.pop(node_uri, None)
        if ear is not None:
            ear.stop()

    def ring(self, node_uri: str, envelope: Envelope, timeout: float) -> None:
        channel = node_uri.partition("://")[2]
        if not self._speaking.acquire(timeout=timeout):
            raise BusError("the database takes too long")
        try:
            mouth = self._open_mouth(timeout)
            for part in envelope.parts(PAYLOAD):
                mouth.execute("SELECT pg_notify(%s, %s)", (channel, part.to_bytes().decode()))
        except psycopg.Error as error:
            self._hang_up()
            raise BusError(f"the database cannot ring: {error}") from error
        finally:
            self._speaking.release()

    def _open_mouth(self, timeout: float) -> psycopg.Connection:
        if self._mouth is not None and not _is_open(self._mouth):
            self._hang_up()
        if self._mouth is None:
            limit = f"-c statement_timeout={int(timeout * 1000)}"
            self._mouth = _connect(self._url, timeout, options=limit)
        return self._mouth

    def _hang_up(self) -> None:
        mouth, self._mouth = self._mouth, None
        if mouth is not None:
            mouth.close()


class _Ear:
    """Listens on a channel from `start` to `stop`; a lost connection is made again."""

    def __init__(self, url: str, channel: str, handler: Handler) -> None:
        self.channel = channel
        self._url = url
        self._handler = handler
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postgresql-bus", daemon=True)
        self._connection: psycopg.Connection

    def start(self) -> None:
        try:
            self._listen()
        except psycopg.Error as error:
            raise BusError(f"the database cannot be listened to: {error}") from error
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(2 * LOOK)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._hear()
            except psycopg.Error as error:
                log.warning("the database is away, rings are lost: %s", error)
                self._come_back()
        self._connection.close()

    def _hear(self) -> None:
        while not self._stopped.is_set():
            for notice in self._connection.notifies(timeout=LOOK):
                self._hand_over(notice.payload)
                if self._stopped.is_set():
                    return

    def _hand_over(self, payload: str) -> None:
        try:
            self._handler(Envelope.from_bytes(payload.encode()))
        except Exception:
            log.exception("a node could not handle a ring")

    def _come_back(self) -> None:
        self._connection.close()
        while not self._stopped.wait(LOOK):
            with contextlib.suppress(psycopg.Error):
                self._listen()
                return

    def _listen(self) -> None:
        self._connection = _connect(self._url, 2.0)
        self._connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self.channel)))


def _connect(url: str, timeout: float, options: str = "") -> psycopg.Connection:
    seconds = max(2, int(timeout))  # libpq waits for two seconds at least
    return psycopg.connect(url, autocommit=True, connect_timeout=seconds, options=options, **ALIVE)


def _is_open(connection: psycopg.Connection) -> bool:
    """False when the server has ended it meanwhile, as one does that restarts. Asks nobody: reads
    what has arrived, which may be a goodbye, and then the end."""
    try:
        for _ in range(2):
            connection.pgconn.consume_input()
    except psycopg.Error:
        return False
    return True
