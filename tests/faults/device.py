"""A cheap device for the storm: a raw socket with habits. It keeps to the client's rule: what it
has shown it does not show again, and it acknowledges only what it has shown."""

import json
import random
from collections.abc import Callable

import gevent

from tests.faults.oracle import Seen
from tests.net.clients import Client, Refused

#: How a device behaves on one connection. Most are good.
HABITS = ("good", "good", "good", "good", "drops", "sleeps", "never-acks", "never-reads")


class Device:
    """`dial` opens a connection to any node, as a proxy would choose one; it may raise."""

    def __init__(self, seen: Seen, dial: Callable[[], Client], chance: random.Random) -> None:
        self.seen = seen
        self.calm = False
        self._dial = dial
        self._chance = chance
        self._shown: set[str] = set()
        self._client: Client | None = None

    def live(self) -> None:
        """Connect, again and again, until it is signed out or killed."""
        while not self.seen.gone:
            try:
                self._connect_once()
            except (OSError, Refused, AssertionError):
                gevent.sleep(self._chance.uniform(0.05, 0.5))
            finally:
                self.drop()

    def drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.drop()

    def _connect_once(self) -> None:
        self._client = client = self._dial()
        habit = "good" if self.calm else self._chance.choice(HABITS)
        lifetime = None if self.calm else self._chance.uniform(0.2, 5.0)
        with gevent.Timeout(lifetime, False):  # type: ignore[arg-type]
            self._behave(client, habit)
        if habit == "sleeps" and not self.calm:
            gevent.sleep(self._chance.uniform(0.5, 3.0))

    def _behave(self, client: Client, habit: str) -> None:
        if habit == "never-reads":
            gevent.sleep(5)
        while True:
            frame = client.next_frame()
            if frame["type"] == "notification":
                self._show(frame)
                if habit != "never-acks":
                    client.ack(frame["notification_id"])
                if habit == "drops" and self._chance.random() < 0.3:
                    return
            elif frame["type"] == "replayed" and frame["expired"]:
                client.send_text(json.dumps({"type": "ack", "expired": frame["expired"]}))

    def _show(self, frame: dict[str, object]) -> None:
        notification_id = str(frame["notification_id"])
        if notification_id not in self._shown:
            self._shown.add(notification_id)
            self.seen.shown.append((int(str(frame["seq"])), notification_id))
