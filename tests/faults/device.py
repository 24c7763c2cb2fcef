"""A cheap device for the storm: a raw socket with habits. It keeps to the client's rule: what it
has shown it does not show again, and it acknowledges only what it has shown."""

import json
import random
from collections.abc import Callable
from typing import Any

import gevent

from app.pns import wire
from tests.faults.oracle import Seen
from tests.net.clients import Client, Closed, Refused

#: How a device behaves on one connection. Most are good. One that roams comes back by another
#: network, while the node still takes its former connection for alive.
HABITS = ("good", "good", "good", "roams", "roams", "drops", "sleeps", "never-acks", "never-reads")


class Device:
    """`dial` opens a connection to any node, as a proxy would choose one; it may raise. `find`
    gives what this device has seen so far, by its `connection_id`."""

    def __init__(
        self, dial: Callable[[], Client], find: Callable[[str], Seen], chance: random.Random
    ) -> None:
        self.seen: Seen | None = None
        self._dial = dial
        self._find = find
        self._chance = chance
        self._shown: set[str] = set()
        self._client: Client | None = None
        self._left_behind: Client | None = None
        self._calm = False
        self._moves = 0

    def live(self) -> None:
        """Connect, again and again, until it is signed out or killed."""
        try:
            while self.seen is None or not self.seen.gone:
                self._live_once()
        finally:
            self._forget_left_behind()

    def _live_once(self) -> None:
        try:
            self._connect_once()
        except Closed as closed:
            self._note(closed)
        except (OSError, Refused, AssertionError):
            gevent.sleep(self._chance.uniform(0.05, 0.5))
        finally:
            self._drop()

    def calm_down(self) -> None:
        """From now on it is good: it changes the node once more, and stays there."""
        self._calm = True
        self._moves = 1
        self._drop()

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.drop()

    def _connect_once(self) -> None:
        habit, lifetime = self._mood()
        self._client = client = self._dial()
        self._greet(client.next_frame())
        self._forget_left_behind()
        with gevent.Timeout(lifetime, False):  # type: ignore[arg-type]
            self._behave(client, habit)
        if habit == "roams":
            self._left_behind, self._client = client, None
        elif habit == "sleeps":
            self._drop()
            gevent.sleep(self._chance.uniform(0.5, 3.0))

    def _mood(self) -> tuple[str, float | None]:
        if not self._calm:
            return self._chance.choice(HABITS), self._chance.uniform(0.2, 5.0)
        if self._moves:
            self._moves -= 1
            return "roams", self._chance.uniform(0.2, 1.0)
        return "good", None

    def _greet(self, hello: dict[str, Any]) -> None:
        if self.seen is None:
            self.seen = self._find(hello["connection_id"])
        self.seen.node = hello["node"]

    def _forget_left_behind(self) -> None:
        client, self._left_behind = self._left_behind, None
        if client is not None:
            client.drop()

    def _note(self, closed: Closed) -> None:
        if self.seen and closed.code == wire.RESTARTING and closed.reason == "come back":
            self.seen.let_go_by.append(str(self.seen.node))

    def _behave(self, client: Client, habit: str) -> None:
        newest = 0
        if habit == "never-reads":
            gevent.sleep(5)
        while True:
            frame = client.next_frame()
            if frame["type"] == "notification":
                newest = self._receive(frame, newest)
                if habit != "never-acks":
                    client.ack(frame["notification_id"])
                if habit == "drops" and self._chance.random() < 0.3:
                    return
            elif frame["type"] == "replayed" and frame["expired"]:
                self._hear_of_loss(client, frame["expired"])

    def _receive(self, frame: dict[str, Any], newest: int) -> int:
        """Show it unless it is known; the newest `seq` of this connection."""
        assert self.seen is not None
        seq, notification_id = int(frame["seq"]), str(frame["notification_id"])
        if seq <= newest:
            self.seen.repeated.append(seq)
        if notification_id not in self._shown:
            self._shown.add(notification_id)
            self.seen.shown.append((seq, notification_id))
        return max(seq, newest)

    def _hear_of_loss(self, client: Client, count: int) -> None:
        assert self.seen is not None
        self.seen.told_expired += count
        client.send_text(json.dumps({"type": "ack", "expired": count}))
