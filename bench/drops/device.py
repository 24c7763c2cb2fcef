"""A device on a bad network: connected, then cut off, again and again, by a seed.

The network goes as networks do: for a moment nobody notices, while what the server sends, or else
what the device sends, arrives at nobody; then the connection is gone, and for a while there is no
other.
The loop is the same for every server; how to speak to it is a `Dialect`."""

from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple, Protocol

import gevent
from gevent.event import Event

from tests.net.clients import Client, Refused

#: Seconds, from and to: connected; cut off unnoticed; gone.
CONNECTED, UNNOTICED, GONE = (0.2, 1.5), (0.05, 0.3), (0.05, 0.6)
#: Seconds between two attempts to connect.
PAUSE = 0.05


class Dialect(Protocol):
    """How a client speaks to one kind of server."""

    def connect(self) -> Client:
        """Open a WebSocket. Raises Refused or OSError."""

    def read(self, client: Client, text: str) -> "Notification | None":
        """The notification, if it is one; whatever else wants an answer gets it."""

    def on_shown(self, client: Client, text: str) -> None:
        """What the client says of a notification that is on the screen."""


class Notification(NamedTuple):
    """`number` counts what was published. `id` is the server's, where it gives one."""

    number: int
    id: str | None = None


@dataclass
class Device:
    """`shown` is the screen, by numbers. An id that was shown is not shown again; what has none is
    shown whenever it comes."""

    dialect: Dialect
    random: Random
    shown: list[int] = field(default_factory=list)
    drops: int = 0
    came_again: int = 0
    #: Set once the server knows it.
    known: Event = field(default_factory=Event)
    _ids: set[str] = field(default_factory=set)

    def live(self, calm: Event) -> None:
        """Connected and cut off until `calm`; from then on connected."""
        while not calm.is_set():
            with suppress(OSError, Refused):
                self._connect(self.random.uniform(*CONNECTED))
                self.drops += 1
                gevent.sleep(self.random.uniform(*GONE))
            gevent.sleep(PAUSE)
        while True:
            with suppress(OSError, Refused):
                self._connect(None)
            gevent.sleep(PAUSE)

    def _connect(self, seconds: float | None) -> None:
        client = self.dialect.connect()
        self.known.set()
        try:
            gevent.with_timeout(seconds, self._listen, client, timeout_value=None)
            self._lose(client, self.random.uniform(*UNNOTICED))
        finally:
            client.drop()

    def _listen(self, client: Client) -> None:
        while True:
            text = client.next_text()
            if self._take(client, text):
                self.dialect.on_shown(client, text)

    def _lose(self, client: Client, seconds: float) -> None:
        """One direction is dead, and nobody knows yet."""
        if self.random.random() < 0.5:
            gevent.sleep(seconds)
        else:
            gevent.with_timeout(seconds, self._listen_unheard, client, timeout_value=None)

    def _listen_unheard(self, client: Client) -> None:
        while True:
            self._take(client, client.next_text())

    def _take(self, client: Client, text: str) -> bool:
        """Show it, unless it was. Was it a notification?"""
        notification = self.dialect.read(client, text)
        if notification is None:
            return False
        if notification.id in self._ids:
            self.came_again += 1
            return True
        if notification.id:
            self._ids.add(notification.id)
        self.shown.append(notification.number)
        return True
