"""Many nodes behind one proxy, none of them special: what a device sees while they come and go."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from e2e.http import Visitor
from tests.cluster import cluster
from tests.cluster.cluster import Cluster
from tests.net.clients import Client, Refused

# In `make test`, e2e/test_realtime.py and the storm of tests/faults stand for them.
pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.slow]


@pytest.fixture(params=["http", "postgresql"], scope="module")
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with cluster.running(tmp_path_factory.mktemp("cluster"), request.param) as running:
        yield running


class Phone:
    """A device of a guest: its session, and the connection it has now."""

    def __init__(self, house: Cluster) -> None:
        self._house = house
        self.visitor = Visitor(house.url)
        self.name = self.visitor.enter_as_guest()
        self.hello: dict[str, Any] = {}
        self._clients: list[Client] = []
        self._shown: set[str] = set()

    def connect(self) -> Client:
        """Through the proxy, to whichever node it chooses; a node that just died costs a try."""
        headers = {"Origin": self._house.url, "Cookie": self.visitor.cookies}
        for _ in range(50):
            with suppress(ConnectionError, Refused):
                client = Client.connect(self._house.port, "/pns", headers)
                self._clients.append(client)
                self.hello = client.next_frame()
                return client
        raise AssertionError("no node took the connection")

    def titles(self, client: Client, count: int) -> list[str]:
        """The next notifications that this device has not shown yet. All are acknowledged: also one
        that comes again, since its node died before it had heard the acknowledgement (P-11)."""
        found: list[str] = []
        while len(found) < count:
            frame = client.next_frame()
            if frame["type"] == "notification":
                client.ack(frame["notification_id"])
                if frame["notification_id"] not in self._shown:
                    self._shown.add(frame["notification_id"])
                    found.append(frame["data"]["title"])
        return found

    def switch_off(self) -> None:
        for client in self._clients:
            client.drop()


MakePhone = Callable[[], Phone]


@pytest.fixture
def make_phone(house: Cluster) -> Iterator[MakePhone]:
    made: list[Phone] = []

    def make() -> Phone:
        made.append(Phone(house))
        return made[-1]

    yield make
    for phone in made:
        phone.switch_off()


def test_every_device_on_every_node_gets_everything(make_phone: MakePhone) -> None:  # P-1, P-3
    phones = [make_phone() for _ in range(6)]
    clients = [phone.connect() for phone in phones]
    assert len({phone.hello["node"] for phone in phones}) == 2, "both nodes hold devices"
    for number, phone in enumerate(phones):
        phones[0].visitor.notify(f"No. {number}", to=phone.name)
    for number, (phone, client) in enumerate(zip(phones, clients, strict=True)):
        assert phone.titles(client, 1) == [f"No. {number}"]


def test_device_of_a_killed_node_misses_nothing(
    house: Cluster, make_phone: MakePhone
) -> None:  # P-9, P-12
    sender, phone = make_phone(), make_phone()
    client = phone.connect()
    former = phone.hello["node"]
    sender.visitor.notify("before", to=phone.name)
    assert phone.titles(client, 1) == ["before"]
    number = house.number_of(former)
    house.kill_node(number)
    sender.visitor.notify("while it is dead", to=phone.name)
    again = phone.connect()
    assert phone.hello["resumed"] is True
    assert phone.hello["node"] != former
    sender.visitor.notify("after", to=phone.name)
    assert phone.titles(again, 2) == ["while it is dead", "after"]
    house.start_node(number)


def test_rolling_restart_says_1012_and_loses_nothing(
    house: Cluster, make_phone: MakePhone
) -> None:  # P-12
    sender, phone = make_phone(), make_phone()
    client = phone.connect()
    for number in (0, 1):
        holds = house.number_of(phone.hello["node"]) == number
        stopping = house.ask_to_stop(number)
        sender.visitor.notify(f"while {number} restarts", to=phone.name)
        if holds:
            assert client.next_close() == 1012
            client = phone.connect()
        cluster.reap(stopping)
        assert phone.titles(client, 1) == [f"while {number} restarts"]
        house.start_node(number)
