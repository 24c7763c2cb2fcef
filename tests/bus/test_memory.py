"""What the in-process bus has beside the contract."""

from app.bus.contract import BusError
from app.bus.envelope import Envelope
from app.bus.memory import WAITING, MemoryBus


def test_join_waits_for_the_handler() -> None:
    bus = MemoryBus()
    heard: list[Envelope] = []
    node_uri = bus.subscribe(heard.append)
    for number in range(100):
        bus.ring(node_uri, Envelope("ring", user_ids=(number,)), timeout=1)
    bus.start()
    bus.join()
    assert [envelope.user_ids for envelope in heard] == [(number,) for number in range(100)]
    bus.stop()


def test_full_bus_refuses_in_time() -> None:  # P-12
    bus = MemoryBus()
    node_uri = bus.subscribe(lambda envelope: None)
    refused = 0
    for _ in range(WAITING + 2):
        try:
            bus.ring(node_uri, Envelope("ring"), timeout=0.001)
        except BusError:
            refused += 1
    assert refused == 2
    bus.start()
    bus.stop()
