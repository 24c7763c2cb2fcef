"""The bus by LISTEN and NOTIFY, when the server dies in the middle."""

import queue
from collections.abc import Callable, Iterator

import pytest

from app.bus.contract import BusError
from app.bus.envelope import Envelope
from app.bus.postgresql import PostgresBus
from tests import postgres


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    """A server of this test's own, to kill."""
    with postgres.server() as server:
        yield server


@pytest.fixture
def make_bus(server: postgres.Server) -> Iterator[Callable[[], PostgresBus]]:
    made: list[PostgresBus] = []

    def make() -> PostgresBus:
        made.append(PostgresBus(server.libpq_url))
        return made[-1]

    yield make
    for bus in made:
        bus.stop()


def test_node_hears_again_when_the_server_is_back(
    server: postgres.Server, make_bus: Callable[[], PostgresBus]
) -> None:  # P-12
    node_uri, caller, heard = node_that_hears(make_bus)
    server.kill()
    with pytest.raises(BusError):
        caller.ring(node_uri, Envelope("ring", user_ids=(2,)), timeout=2)
    server.start()
    assert ring_until_heard(caller, node_uri, heard).user_ids == (3,)


def test_first_ring_after_a_restart_is_heard(
    server: postgres.Server, make_bus: Callable[[], PostgresBus]
) -> None:  # P-12
    """Whoever rang before has a connection that the server gave up."""
    node_uri, caller, heard = node_that_hears(make_bus)
    server.kill()
    server.start()
    ring_until_heard(make_bus(), node_uri, heard)
    caller.ring(node_uri, Envelope("ring", user_ids=(4,)), timeout=2)
    while heard.get(timeout=5).user_ids != (4,):
        pass  # rings before it


def node_that_hears(
    make_bus: Callable[[], PostgresBus],
) -> tuple[str, PostgresBus, "queue.Queue[Envelope]"]:
    """A node, whoever rings it, and what it hears: the first ring has come."""
    heard: queue.Queue[Envelope] = queue.Queue()
    node_uri, caller = make_bus().subscribe(heard.put), make_bus()
    caller.ring(node_uri, Envelope("ring", user_ids=(1,)), timeout=2)
    assert heard.get(timeout=5).user_ids == (1,)
    return node_uri, caller, heard


def ring_until_heard(
    caller: PostgresBus, node_uri: str, heard: "queue.Queue[Envelope]"
) -> Envelope:
    """The node's own connection comes back when it does: until then rings are lost."""
    for _ in range(100):
        caller.ring(node_uri, Envelope("ring", user_ids=(3,)), timeout=2)
        try:
            return heard.get(timeout=0.1)
        except queue.Empty:
            continue
    raise AssertionError("the node never came back")


def test_node_cannot_begin_without_the_server(
    server: postgres.Server, make_bus: Callable[[], PostgresBus]
) -> None:  # P-12
    server.kill()
    with pytest.raises(BusError, match="cannot be listened to"):
        make_bus().subscribe(print)
    server.start()  # the fixture ends it
