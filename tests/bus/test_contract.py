"""One suite for every adapter: what users of a bus may rely on."""

import queue
from collections.abc import Iterator

import pytest

from app.bus import open_bus
from app.bus.contract import Bus
from app.bus.envelope import Envelope

ENVELOPE = Envelope("ring", user_ids=(7,), ids=("n1",))
Heard = queue.Queue[Envelope]


@pytest.fixture(params=["memory://"])
def bus(request: pytest.FixtureRequest) -> Iterator[Bus]:
    bus = open_bus(request.param)
    bus.start()
    yield bus
    bus.stop()


def test_ring_reaches_the_node_it_names(bus: Bus) -> None:  # P-7
    heard: Heard = queue.Queue()
    other: Heard = queue.Queue()
    node_uri = bus.subscribe(heard.put)
    bus.subscribe(other.put)
    bus.ring(node_uri, ENVELOPE, timeout=2)
    assert heard.get(timeout=5) == ENVELOPE
    assert other.empty()


def test_node_that_starts_again_is_another_node(bus: Bus) -> None:  # P-12
    heard: Heard = queue.Queue()
    former = bus.subscribe(heard.put)
    bus.unsubscribe(former)
    node_uri = bus.subscribe(heard.put)
    assert node_uri != former
    bus.ring(former, Envelope("hint", "read"), timeout=2)
    bus.ring(node_uri, ENVELOPE, timeout=2)
    assert heard.get(timeout=5) == ENVELOPE


def test_node_that_is_no_more_is_no_error(bus: Bus) -> None:  # P-12
    node_uri = bus.subscribe(lambda envelope: None)
    bus.unsubscribe(node_uri)
    bus.ring(node_uri, ENVELOPE, timeout=2)


def test_handler_that_raises_does_not_stop_the_bus(bus: Bus) -> None:  # P-12
    heard: Heard = queue.Queue()

    def handle(envelope: Envelope) -> None:
        heard.put(envelope)
        raise RuntimeError("a node stumbles")

    node_uri = bus.subscribe(handle)
    for _ in range(2):
        bus.ring(node_uri, ENVELOPE, timeout=2)
        assert heard.get(timeout=5) == ENVELOPE


def test_open_bus_refuses_unknown_scheme() -> None:
    with pytest.raises(ValueError, match="use memory://"):
        open_bus("carrier-pigeon://loft")
