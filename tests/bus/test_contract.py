"""One suite for every adapter: what users of a bus may rely on."""

import queue

import pytest

from app.bus import open_bus
from app.bus.contract import Bus, BusError
from app.bus.envelope import Envelope

ENVELOPE = Envelope("ring", user_ids=(7,), ids=("n1",))
Heard = queue.Queue[Envelope]


def test_ring_reaches_the_node_it_names(bus: Bus, caller: Bus) -> None:  # P-7, P-10
    heard: Heard = queue.Queue()
    other: Heard = queue.Queue()
    node_uri = bus.subscribe(heard.put)
    bus.subscribe(other.put)
    caller.ring(node_uri, ENVELOPE, timeout=2)
    assert heard.get(timeout=5) == ENVELOPE
    assert other.empty()


def test_node_that_starts_again_is_another_node(bus: Bus, caller: Bus) -> None:  # P-12
    heard: Heard = queue.Queue()
    former = bus.subscribe(heard.put)
    bus.unsubscribe(former)
    node_uri = bus.subscribe(heard.put)
    assert node_uri != former
    caller.ring(former, Envelope("hint", "read"), timeout=2)
    caller.ring(node_uri, ENVELOPE, timeout=2)
    assert heard.get(timeout=5) == ENVELOPE


def test_node_that_is_no_more_is_no_error(bus: Bus, caller: Bus) -> None:  # P-12
    node_uri = bus.subscribe(lambda envelope: None)
    bus.unsubscribe(node_uri)
    caller.ring(node_uri, ENVELOPE, timeout=2)


def test_handler_that_raises_does_not_stop_the_bus(bus: Bus, caller: Bus) -> None:  # P-12
    heard: Heard = queue.Queue()

    def handle(envelope: Envelope) -> None:
        heard.put(envelope)
        raise RuntimeError("a node stumbles")

    node_uri = bus.subscribe(handle)
    for _ in range(2):
        ring_regardless(caller, node_uri)
        assert heard.get(timeout=5) == ENVELOPE


def ring_regardless(bus: Bus, node_uri: str) -> None:
    """Where the node answers itself, the ringing side may be told that it stumbled."""
    try:
        bus.ring(node_uri, ENVELOPE, timeout=2)
    except BusError:
        return


def test_large_envelope_arrives_whole(bus: Bus, caller: Bus) -> None:  # P-7
    heard: Heard = queue.Queue()
    node_uri = bus.subscribe(heard.put)
    users = tuple(range(10_000))
    caller.ring(node_uri, Envelope("ring", user_ids=users), timeout=5)
    arrived: list[int] = []
    while len(arrived) < len(users):
        arrived += heard.get(timeout=5).user_ids
    assert sorted(arrived) == list(users)


def test_open_bus_refuses_unknown_scheme() -> None:
    with pytest.raises(ValueError, match="use memory://"):
        open_bus("carrier-pigeon://loft", b"")
