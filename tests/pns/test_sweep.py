"""The sweep heals what rings missed. Each test calls one turn."""

import pytest
from sqlalchemy import update

from app.models import Registration
from app.pns import sweep
from app.pns.node import Node
from app.pns.session import WINDOW
from tests.pns.parts import House, titles, wait_until


def turn(node: Node) -> None:
    node._sweep.turn()


def test_pending_row_that_nobody_rang_for_arrives(house: House, node: Node) -> None:  # P-12
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    house.create(device.user_id, "tea")
    turn(node)
    assert titles([client.next_frame()]) == ["tea"]


def test_sweep_leaves_the_unacknowledged_alone(house: House, node: Node) -> None:  # P-11
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    house.create_and_ring(device.user_id, "tea")
    client.next_frame()
    turn(node)
    client.ping()
    client.next_pong()  # and not "tea" again


def test_taken_over_by_another_node_closes_with_4001(house: House, node: Node) -> None:  # P-9
    other = house.start_node()
    device = house.make_device()
    first = house.connect_and_greet(node, device)
    second = house.connect_and_greet(other, device)
    turn(node)
    assert first.next_close() == 4001
    turn(other)
    second.ping()
    second.next_pong()
    assert house.node_uri_of(device) == other.node_uri


def test_device_that_was_given_away_closes_with_1012(house: House, node: Node) -> None:  # P-12
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    offline = update(Registration).values(node_uri=None)
    house.database.write(lambda session: session.execute(offline))
    turn(node)
    assert client.next_close() == 1012


def test_session_that_ended_unheard_closes_with_4003(house: House, node: Node) -> None:  # P-2
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    house.sign_out(device)
    turn(node)
    assert client.next_close() == 4003


def test_every_page_of_the_records_is_checked(  # P-2
    house: House, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = [house.make_device() for _ in range(3)]
    clients = [house.connect_and_greet(node, device) for device in devices]
    for device in devices:
        house.sign_out(device)
    monkeypatch.setattr(sweep, "AT_ONCE", 2)
    turn(node)
    assert [client.next_close() for client in clients] == [4003] * 3


def test_window_that_stays_full_closes_with_1013(  # P-11
    house: House, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = house.make_device()
    house.create(device.user_id, *"x" * (WINDOW + 1))
    client = house.connect(node, device)
    client.next_frames(1 + WINDOW)
    monkeypatch.setattr(sweep, "PATIENCE", 0.0)
    turn(node)
    assert client.next_close() == 1013


def test_expiry_runs_with_the_sweep(house: House) -> None:  # P-14
    turns: list[str] = []
    node = house.start_node(expire=lambda: turns.append("expired"))
    turn(node)
    assert turns == ["expired"]


def test_part_that_fails_leaves_the_others(house: House) -> None:  # P-12
    def fail() -> None:
        raise RuntimeError("the database is away")

    node = house.start_node(expire=fail)
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    house.create(device.user_id, "tea")
    turn(node)
    turn(node)
    assert titles([client.next_frame()]) == ["tea"]


def test_stale_epoch_releases_nothing(house: House, node: Node) -> None:  # P-9
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    newer = update(Registration).values(epoch=Registration.epoch + 1, node_uri="memory://other")
    house.database.write(lambda session: session.execute(newer))
    client.drop()
    wait_until(lambda: len(node.connections) == 0)
    node.stop()
    assert house.node_uri_of(device) == "memory://other"
