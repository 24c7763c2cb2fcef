"""The push service's hub and both browsers' sessions against a model of what must be held, in any
order: accept, pull, acknowledge, expire, replace, cancel, unsubscribe, reconnect, restart."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from push_service.connection import BATCH, WINDOW
from push_service.database import Database
from push_service.hub import GRACE, Hub, SubscriptionEndedError
from push_service.model import Draft, Subscription
from push_service.reporter import Reporter
from tests.fuzz.browsers import Browser, Chromium, Firefox
from tests.fuzz.cases import stories
from tests.push_service.parts import Service
from tests.push_service.vapid_keys import SenderKey

CHANNELS = [f"{n}e1d5c1a-0a52-4c4b-9a1e-5b8f2d3c4e5f" for n in (1, 2)]
KEYS = [SenderKey().public for _ in range(2)]

browsers = st.integers(0, 1)


@dataclass(frozen=True)
class Held:
    """A message that the push service must still have."""

    id: str
    browser: int
    token: str
    topic: str | None
    expires_at: float


class PushService(RuleBasedStateMachine):  # W-9
    """One Firefox and one Chromium with up to two subscriptions each."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="pushlab-fuzz-"))
        self.service = Service(Database(f"sqlite:///{self.folder / 'push-service.db'}"))
        self.browsers: list[Browser] = [Firefox(), Chromium()]
        self.live: dict[tuple[int, str], tuple[Subscription, bytes]] = {}
        self.ended: list[Subscription] = []
        self.held: list[Held] = []
        self.acknowledged: Counter[str] = Counter()

    def teardown(self) -> None:
        """Browsers that come back and acknowledge get what is held, once, in order."""
        try:
            self.restart()
            for which in range(len(self.browsers)):
                self.connect(which)
                while self.pull(which):
                    self.acknowledge(which, 1000, newest_first=False)
            assert [one for one in self.held if one.expires_at > self.service.clock.now] == []
            events = self.service.events("message.acknowledged")
            assert Counter(event.message_id for event in events) == self.acknowledged
            assert all(count == 1 for count in self.acknowledged.values())
        finally:
            self.service.database.close()
            shutil.rmtree(self.folder)

    # -- browsers

    @initialize(to=browsers, waiting=st.sampled_from([0, WINDOW + BATCH]))
    def begin(self, to: int, waiting: int) -> None:
        """More may wait for one of them than its window takes."""
        for which in range(len(self.browsers)):
            self.connect(which)
            self.subscribe(which, CHANNELS[0], KEYS[0])
        for _ in range(waiting):
            self.send_one(to, self.live[to, CHANNELS[0]][0], 60, None)

    @rule(which=browsers)
    def connect(self, which: int) -> None:
        """Also beside a connection that stands: the newer one counts."""
        had = self.browsers[which].connect(self.service.hub, self.service.clock)
        self.drop_acknowledged(which, had)

    @rule(which=browsers)
    def hang_up(self, which: int) -> None:
        if self.browsers[which].connection:
            self.browsers[which].hang_up()

    @rule()
    def restart(self) -> None:
        """A new push service on the same database."""
        part = self.service
        part.hub = Hub(part.database, Reporter(part.journal), part.faults, part.clock)
        for browser in self.browsers:
            browser.lose()

    @rule(which=browsers, turns=st.sampled_from([1, 2, 2 * WINDOW // BATCH]))
    def receive(self, which: int, turns: int) -> None:
        """Once, or as the faces do it, until nothing comes: then it is the window that ends it."""
        for _ in range(turns):
            self.pull(which)

    def pull(self, which: int) -> list[str]:
        """What comes is exactly what comes next: no message skipped, repeated or late."""
        browser = self.browsers[which]
        if browser.connection is None:
            return []
        due = [
            one.id for one in self.held if self.is_due(one, which) and one.id not in browser.seen
        ]
        room = browser.room
        came = browser.receive()
        assert came == due[: min(room, BATCH)]
        return came

    def is_due(self, message: Held, which: int) -> bool:
        return message.browser == which and message.expires_at > self.service.clock.now

    @rule(which=browsers, count=st.integers(1, 100), newest_first=st.booleans())
    def acknowledge(self, which: int, count: int, newest_first: bool) -> None:
        browser = self.browsers[which]
        if browser.connection is None:
            return
        waiting = browser.unacknowledged
        chosen = waiting[-count:] if newest_first else waiting[:count]
        self.drop_acknowledged(which, browser.acknowledge(chosen))

    def drop_acknowledged(self, which: int, message_ids: list[str]) -> None:
        known = {one.id for one in self.held if one.browser == which} & set(message_ids)
        self.acknowledged.update(known)
        self.held = [one for one in self.held if one.id not in known]

    @rule(which=browsers, others=st.lists(st.text(max_size=5), max_size=3))
    def acknowledge_what_is_not_there(self, which: int, others: list[str]) -> None:
        """Somebody else's messages, and none at all."""
        connection = self.browsers[which].connection
        if connection is not None:
            foreign = [one.id for one in self.held if one.browser != which]
            connection.acknowledge([*foreign, *others], 100)

    # -- subscriptions

    @rule(which=browsers, channel=st.sampled_from(CHANNELS), key=st.sampled_from(KEYS))
    def subscribe(self, which: int, channel: str, key: bytes) -> None:
        browser = self.browsers[which]
        if browser.connection is None:
            return
        token = browser.subscribe(self.service.hub, channel, key)
        before = self.live.get((which, channel))
        if before is not None and before[1] == key:
            assert token == before[0].token
            return
        self.end(which, channel)
        made = self.service.hub.subscription(token)
        assert made is not None
        assert not made.ended
        self.live[which, channel] = made, key

    @rule(which=browsers, channel=st.sampled_from(CHANNELS))
    def unsubscribe(self, which: int, channel: str) -> None:
        browser = self.browsers[which]
        if browser.connection is not None:
            browser.unsubscribe(self.service.hub, channel)
            self.end(which, channel)

    def end(self, which: int, channel: str) -> None:
        gone = self.live.pop((which, channel), None)
        if gone is not None:
            self.ended.append(gone[0])
            self.held = [one for one in self.held if one.token != gone[0].token]

    # -- application servers

    @precondition(lambda self: self.live)
    @rule(
        data=st.data(),
        ttl=st.sampled_from([0, 5, 60]),
        topic=st.sampled_from([None, None, "a", "b"]),
        count=st.sampled_from([1, 3, 30, 90]),
    )
    def send(self, data: st.DataObject, ttl: int, topic: str | None, count: int) -> None:
        (which, _), (subscription, _) = data.draw(st.sampled_from(list(self.live.items())))
        for _ in range(1 if topic else count):
            self.send_one(which, subscription, ttl, topic)

    def send_one(self, which: int, to: Subscription, ttl: int, topic: str | None) -> None:
        message = self.service.send(to, ttl=ttl, topic=topic)
        if ttl == 0 and self.browsers[which].connection is None:
            return  # nobody there to take it now (RFC 8030 §5.2)
        if topic is not None:
            same = (to.token, topic)
            self.held = [one for one in self.held if (one.token, one.topic) != same]
        expires_at = self.service.clock.now + (ttl or GRACE)
        self.held.append(Held(message.id, which, to.token, topic, expires_at))

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def send_to_an_ended_one(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.ended))
        known = self.service.hub.subscription(gone.token)
        assert known is not None
        assert known.ended
        with pytest.raises(SubscriptionEndedError):
            self.service.hub.accept(known, Draft(60, body=b"x"))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        message = data.draw(st.sampled_from(self.held))
        assert self.service.hub.cancel(message.id)
        assert not self.service.hub.cancel(message.id)
        self.held.remove(message)

    # -- time

    @rule(seconds=st.sampled_from([1.0, 5.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.service.clock.now += seconds

    @rule()
    def expire(self) -> None:
        now = self.service.clock.now
        late = [one for one in self.held if one.expires_at <= now]
        assert self.service.hub.expire() == len(late)
        self.held = [one for one in self.held if one.expires_at > now]


def test_push_service_keeps_to_its_model() -> None:  # W-9
    run_state_machine_as_test(PushService, settings=stories(share=3))


# -- stories told, of what the machine comes upon only now and then


@pytest.fixture
def machine() -> Iterator[PushService]:
    """To be driven by hand; each step is checked as ever, and nothing may be left in the end."""
    machine = PushService()
    machine.begin(0, 0)
    yield machine
    machine.teardown()


@pytest.fixture(params=[0, 1], ids=["firefox", "chromium"])
def which(request: pytest.FixtureRequest) -> int:
    """The story's browser; the other one stands by."""
    number: int = request.param
    return number


def send(machine: PushService, which: int, count: int, ttl: int = 60) -> None:
    for _ in range(count):
        machine.send_one(which, machine.live[which, CHANNELS[0]][0], ttl, None)


def send_while_offline(machine: PushService, which: int, count: int, ttl: int = 60) -> None:
    machine.hang_up(which)
    send(machine, which, count, ttl)
    machine.connect(which)


def test_backlog_comes_in_windows_as_it_is_acknowledged(machine: PushService, which: int) -> None:
    # W-9
    browser = machine.browsers[which]
    send_while_offline(machine, which, 80)
    machine.receive(which, 10)
    assert len(browser.unacknowledged) == 64
    machine.acknowledge(which, 1, newest_first=False)
    machine.receive(which, 10)
    assert len(browser.unacknowledged) == 64
    machine.acknowledge(which, 64, newest_first=False)
    machine.receive(which, 10)
    assert len(browser.unacknowledged) == 80 - 65


def test_ttl_zero_is_now_or_never(machine: PushService, which: int) -> None:  # W-9
    send_while_offline(machine, which, 1, ttl=0)
    assert machine.pull(which) == []
    send(machine, which, 1, ttl=0)
    assert len(machine.pull(which)) == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_message_keeps_its_id_until_it_is_acknowledged(
    machine: PushService, which: int, restarted: bool
) -> None:  # W-9
    send_while_offline(machine, which, 3)
    first = machine.pull(which)
    machine.acknowledge(which, 1, newest_first=False)
    if restarted:
        machine.restart()
    machine.connect(which)
    firefox = which == 0
    # A Chromium's login tells the ids of all that it has.
    assert machine.pull(which) == (first[1:] if firefox else [])
