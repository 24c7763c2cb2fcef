"""What the push service's tests build their cases from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from push_service.connection import Connection
from push_service.database import Database
from push_service.faults import Faults
from push_service.hub import Hub
from push_service.journal import Event, Journal
from push_service.limits import Limits
from push_service.model import Draft, Message, Subscription, UserAgent
from push_service.reporter import Reporter


@dataclass
class Clock:
    """Time that passes when the test says so."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Socket:
    """A listener that notes what the hub told it."""

    heard: list[str] = field(default_factory=list)

    def wake(self) -> None:
        self.heard.append("wake")

    def replaced(self) -> None:
        self.heard.append("replaced")

    def close(self, code: int, reason: str) -> None:
        self.heard.append(f"close {code} {reason}")


@dataclass
class Service:
    """A hub over a real database, with its journal, its faults and its time."""

    database: Database
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.journal = Journal(self.clock)
        self._start = self.journal.cursor
        reporter = Reporter(self.journal)
        self.hub = Hub(self.database, reporter, self.faults, self.clock, self.limits)

    def firefox(self) -> UserAgent:
        return self.hub.autopush_agent(None)

    def subscribe(self, agent: UserAgent, channel: str = "channel") -> Subscription:
        return self.hub.subscribe(agent, channel, sender=None, key=None)

    def send(self, subscription: Subscription, body: bytes = b"x", **draft: object) -> Message:
        return self.hub.accept(subscription, Draft(**{"ttl": 60, **draft}, body=body))  # type: ignore[arg-type]

    def events(self, kind: str = "") -> list[Event]:
        everything = self.journal.after(self._start, 100_000)
        return [event for event in everything if event.kind.startswith(kind)]


def bodies(connection: Connection) -> list[bytes]:
    """Everything that can be pulled now."""
    pulled = []
    while messages := connection.pull():
        pulled += [message.draft.body for message in messages]
    return pulled


@contextmanager
def service_on(url: str, **more: Any) -> Iterator[Service]:
    """A service on the database at this URL; `more` are further fields of it."""
    database = Database(url)
    try:
        yield Service(database, **more)
    finally:
        database.close()


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'push-service.db'}"
