"""Incarnations: who lives, who fell silent, and what becomes of their devices."""

import sqlite3
from collections.abc import Iterator
from typing import cast

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import Database
from app.errors import TryAgain
from app.models import PnsNode, Registration
from app.pns import nodes
from app.pns.node import Node
from tests.factories import make_device
from tests.pns.parts import Device, House, titles


@pytest.fixture
def house(any_database: Database) -> Iterator[House]:
    house = House(any_database)
    yield house
    house.close()


def living(house: House) -> set[str]:
    with house.database.read() as session:
        return set(session.scalars(select(PnsNode.node_uri)))


def fall_silent(house: House, node_uri: str) -> None:
    """As if it had been killed a while ago."""
    long_ago = PnsNode.heartbeat_at - 3600
    silent = update(PnsNode).where(PnsNode.node_uri == node_uri).values(heartbeat_at=long_ago)
    house.database.write(lambda session: session.execute(silent))


def give_to(house: House, device: Device, node_uri: str | None) -> None:
    mine = update(Registration).where(Registration.connection_id == device.connection_id)
    house.database.write(lambda session: session.execute(mine.values(node_uri=node_uri)))


def beat(node: Node, times: int = 1) -> None:
    for _ in range(times):
        node._heartbeat.turn()


def test_node_is_listed_as_long_as_it_lives(house: House, node: Node) -> None:  # P-1
    other = house.start_node()
    assert living(house) == {node.node_uri, other.node_uri}
    other.stop()
    assert living(house) == {node.node_uri}


def test_dead_node_is_ended_and_its_devices_are_offline(house: House, node: Node) -> None:  # P-12
    device, kept = house.make_device("Ada"), house.make_device("Bob")
    house.connect_and_greet(node, kept)
    house.database.write(lambda session: nodes.begin(session, "http://dead/#1"))
    give_to(house, device, "http://dead/#1")
    fall_silent(house, "http://dead/#1")
    beat(node, 2)
    assert living(house) == {node.node_uri}
    assert house.node_uri_of(device) is None
    assert house.node_uri_of(kept) == node.node_uri


def test_one_beat_is_not_enough_to_judge(house: House, node: Node) -> None:  # P-12
    """After a pause of the database all were silent: nobody may be ended by who comes first."""
    other = house.start_node()
    fall_silent(house, other.node_uri)
    beat(node)
    assert living(house) == {node.node_uri, other.node_uri}
    beat(other)
    beat(node)
    assert living(house) == {node.node_uri, other.node_uri}


def test_failed_beat_begins_the_count_again(
    house: House, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:  # P-12
    def fail(session: Session, node_uri: str) -> bool:
        raise RuntimeError("the database is away")

    other = house.start_node()
    beat(node)
    with monkeypatch.context() as away:
        away.setattr(nodes, "beat", fail)
        beat(node)
    fall_silent(house, other.node_uri)
    beat(node)
    assert other.node_uri in living(house)


def test_device_of_no_known_node_is_offline(house: House, node: Node) -> None:  # P-12
    """A node that is taken for dead may take one more device over in its last moment."""
    device = house.make_device()
    give_to(house, device, "http://unheard-of/#1")
    beat(node, 2)
    assert house.node_uri_of(device) is None


# P-12
def test_devices_of_a_dead_node_are_offline_a_portion_at_a_time(
    house: House, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have had half a hundred thousand, and the first come back at once."""
    monkeypatch.setattr(nodes, "PORTION", 2)
    devices = [house.make_device(name) for name in ("Ada", "Bob", "Eve", "Joe", "Lea")]
    for device in devices:
        give_to(house, device, "http://dead/#1")
    assert house.database.write_alone(nodes.release_strangers) == 2
    assert sum(house.node_uri_of(device) is None for device in devices) == 2
    beat(node, 2)
    assert [house.node_uri_of(device) for device in devices] == [None] * 5


# P-12
def test_looking_for_the_dead_costs_the_same_however_many_live(database: Database) -> None:
    """Every node does so every two seconds, and there may be half a million devices."""

    def connect_devices(session: Session, number: int) -> None:
        for _ in range(number):
            make_device(session).node_uri = "http://living/#1"

    def look() -> int:
        """How many instructions SQLite runs for it."""
        steps: list[None] = []
        with database.read() as session:
            sqlite = cast(sqlite3.Connection, session.connection().connection.dbapi_connection)
            sqlite.set_progress_handler(lambda: steps.append(None), 1)
            assert session.scalars(nodes.STRANGERS).all() == []
            sqlite.set_progress_handler(None, 1)
        return len(steps)

    database.write(lambda session: nodes.begin(session, "http://living/#1"))
    database.write(lambda session: connect_devices(session, 2))
    with_two = look()
    database.write(lambda session: connect_devices(session, 50))
    assert look() == with_two > 0


def test_node_that_was_taken_for_dead_begins_anew(house: House, node: Node) -> None:  # P-12
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    former = node.node_uri
    house.database.write(lambda session: nodes.end(session, former))
    house.create(device.user_id, "tea")
    beat(node)
    assert client.next_close() == 1012
    assert node.node_uri != former
    assert living(house) == {node.node_uri}
    again = house.connect(node, device)
    assert again.next_frame()["type"] == "hello"
    assert titles([again.next_frame()]) == ["tea"]


@pytest.mark.parametrize("where", ["bus", "database"])
def test_node_that_cannot_begin_anew_tries_again(
    house: House, node: Node, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:  # P-12
    def fail(*_arguments: object) -> None:
        raise RuntimeError(f"the {where} is away")

    device = house.make_device()
    house.database.write(lambda session: nodes.end(session, node.node_uri))
    with monkeypatch.context() as away:
        if where == "bus":
            away.setattr(house.bus, "subscribe", fail)
        else:
            away.setattr(nodes, "begin", fail)
        beat(node, 2)
        with pytest.raises(TryAgain):
            house.connect(node, device)
    beat(node)
    assert living(house) == {node.node_uri}
    house.connect_and_greet(node, device)


def test_only_node_ends_what_a_killed_one_left(house: House) -> None:  # P-12
    device = house.make_device()
    house.database.write(lambda session: nodes.begin(session, "memory://killed"))
    give_to(house, device, "memory://killed")
    node = house.start_node(only_node=True)
    assert living(house) == {node.node_uri}
    assert house.node_uri_of(device) is None
