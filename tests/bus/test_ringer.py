"""The ringer: off the caller's path, bounded, one envelope per node and kind."""

import threading
from collections.abc import Collection, Iterator

import pytest

from app.bus import memory
from app.bus import ringer as ringer_module
from app.bus.contract import BusError
from app.bus.envelope import Envelope
from app.bus.memory import MemoryBus
from app.bus.ringer import Ringer
from app.faults import Faults


class StuckBus(MemoryBus):
    """A bus on which one node hangs until it is let go, and another one is dead."""

    def __init__(self) -> None:
        super().__init__()
        self.rung: list[tuple[str, Envelope]] = []
        self.asked = threading.Event()
        self.heard = threading.Event()
        self.go = threading.Event()

    def ring(self, node_uri: str, envelope: Envelope, timeout: float) -> None:
        if node_uri == "stuck":
            self.asked.set()
            self.go.wait(10)
        if node_uri == "dead":
            raise BusError("no answer")
        self.rung.append((node_uri, envelope))
        self.heard.set()


@pytest.fixture
def bus() -> StuckBus:
    return StuckBus()


class Registry:
    """Who holds a connection of whom. Looking up may take time, or fail."""

    def __init__(self) -> None:
        self.nodes = {1: {"node"}, 2: {"node", "other"}, 3: set[str]()}
        self.asked: list[tuple[int, ...]] = []
        self.asked_once = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.fails = False

    def find(self, user_ids: Collection[int]) -> set[str]:
        self.asked.append(tuple(user_ids))
        self.asked_once.set()
        self.go.wait(10)
        if self.fails:
            raise OSError("the database is away")
        return set().union(*(self.nodes[user_id] for user_id in user_ids))


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def ringer(bus: StuckBus, registry: Registry) -> Iterator[Ringer]:
    ringer = Ringer(bus, registry.find)
    ringer.start()
    yield ringer
    bus.go.set()
    registry.go.set()
    ringer.stop()


def ring_for(ringer: Ringer, *user_ids: int) -> None:
    for user_id in user_ids:
        ringer.ring(["stuck"], Envelope("ring", user_ids=(user_id,)))


def test_rings_that_wait_become_one(bus: StuckBus, ringer: Ringer) -> None:  # P-7
    ring_for(ringer, 1)
    assert bus.asked.wait(5)
    ring_for(ringer, 2, 3, 2)
    ringer.ring(["stuck"], Envelope("hint", "read", (2,)))
    bus.go.set()
    assert ringer.join(5)
    assert bus.rung == [
        ("stuck", Envelope("ring", user_ids=(1,))),
        ("stuck", Envelope("ring", user_ids=(2, 3))),
        ("stuck", Envelope("hint", "read", (2,))),
    ]


def test_dead_node_costs_only_its_own_ring(bus: StuckBus, ringer: Ringer) -> None:  # P-12
    ringer.ring(["dead", "node"], Envelope("ring", user_ids=(1,)))
    assert ringer.join(5)
    assert [node_uri for node_uri, _ in bus.rung] == ["node"]


def test_node_that_hangs_delays_no_other(bus: StuckBus, ringer: Ringer) -> None:  # P-12
    ring_for(ringer, 1)
    assert bus.asked.wait(5)
    ringer.ring(["node"], Envelope("ring", user_ids=(2,)))
    assert bus.heard.wait(5)
    assert bus.rung == [("node", Envelope("ring", user_ids=(2,)))]


def test_what_waits_is_bounded(  # P-12
    bus: StuckBus, ringer: Ringer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ringer_module, "WAITING", 10)
    ring_for(ringer, 0)
    assert bus.asked.wait(5)
    ring_for(ringer, *range(100))
    bus.go.set()
    assert ringer.join(5)
    assert len(bus.rung[1][1].user_ids) == 10


def test_nodes_of_the_users_are_told(bus: StuckBus, ringer: Ringer) -> None:  # P-7
    ringer.tell(Envelope("ring", user_ids=(2, 3)))
    assert ringer.join(5)
    envelope = Envelope("ring", user_ids=(2, 3))
    assert sorted(bus.rung, key=lambda ring: ring[0]) == [("node", envelope), ("other", envelope)]


def test_nodes_are_looked_up_once_for_all_who_wait(  # P-7
    bus: StuckBus, registry: Registry, ringer: Ringer
) -> None:
    registry.go.clear()
    ringer.tell(Envelope("ring", user_ids=(1,)))
    assert registry.asked_once.wait(5)
    for user_id in (1, 2, 3):  # the first one again: what it is told now was committed later
        ringer.tell(Envelope("ring", user_ids=(user_id,)))
    registry.go.set()
    assert ringer.join(5)
    assert registry.asked == [(1,), (1, 2, 3)]


def test_look_up_that_fails_is_told_and_ends_nothing(  # P-12
    bus: StuckBus, registry: Registry, ringer: Ringer, caplog: pytest.LogCaptureFixture
) -> None:
    registry.fails = True
    ringer.tell(Envelope("ring", user_ids=(1,)))
    assert ringer.join(5)
    assert "left to the sweep" in caplog.text
    registry.fails = False
    ringer.tell(Envelope("ring", user_ids=(1,)))
    assert ringer.join(5)
    assert bus.rung == [("node", Envelope("ring", user_ids=(1,)))]


@pytest.fixture
def ringer_at_once(bus: StuckBus, registry: Registry) -> Ringer:
    """Of a process that has its only node itself."""
    ringer = Ringer(bus, registry.find, at_once=True)
    ringer.start()
    return ringer


def test_in_one_process_a_ring_waits_for_no_thread(  # P-7
    bus: StuckBus, ringer_at_once: Ringer
) -> None:
    """Under load each thread between a commit and its delivery costs milliseconds."""
    envelope = Envelope("ring", user_ids=(2,))
    ringer_at_once.tell(envelope)
    assert sorted(node_uri for node_uri, _ in bus.rung) == ["node", "other"]
    ringer_at_once.stop()
    ringer_at_once.tell(envelope)
    assert len(bus.rung) == 2


def test_in_one_process_too_a_ring_raises_nothing(  # P-12
    bus: StuckBus, registry: Registry, ringer_at_once: Ringer, caplog: pytest.LogCaptureFixture
) -> None:
    registry.fails = True
    ringer_at_once.tell(Envelope("ring", user_ids=(1,)))
    assert "left to the sweep" in caplog.text
    ringer_at_once.ring(["dead", "node"], Envelope("ring", user_ids=(1,)))
    assert [node_uri for node_uri, _ in bus.rung] == ["node"]


def test_full_bus_of_one_process_holds_up_nobody(  # P-12
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    bus = MemoryBus()  # nobody takes anything out of it
    ringer = Ringer(bus, registry.find, at_once=True)
    ringer.start()
    for _ in range(memory.WAITING + 1):
        ringer.ring(["node"], Envelope("ring", user_ids=(1,)))
    assert "node was not rung: too many envelopes wait" in caplog.text


def test_ring_that_is_held_holds_no_caller(bus: StuckBus, registry: Registry) -> None:  # P-12
    faults = Faults(enabled=True)
    faults.arm("ringer.before_ring", "hold")
    ringer = Ringer(bus, registry.find, faults, at_once=True)
    ringer.start()
    ringer.tell(Envelope("ring", user_ids=(1,)))
    assert bus.rung == []
    faults.disarm("ringer.before_ring")
    assert ringer.join(5)
    assert [node_uri for node_uri, _ in bus.rung] == ["node"]
