"""One node: delivery, acknowledgement, reconnect, one socket per device."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gevent
import pytest
from sqlalchemy import delete, event
from sqlalchemy.orm import Session

from app import clock
from app.bus.envelope import Envelope
from app.errors import SignedOut, TryAgain
from app.journal import read_all
from app.models import NotificationData
from app.net.websocket import Limits
from app.pns.node import Admitted, Node, take_over_all
from app.pns.session import WINDOW
from tests.net.clients import Client
from tests.pns.parts import House, titles, wait_until


def test_hello_names_the_device(house: House, node: Node) -> None:  # P-4, P-6
    device = house.make_device()
    hello = house.connect(node, device).next_frame()
    assert hello == {
        "type": "hello",
        "connection_id": device.connection_id,
        "node": node.node_uri.rpartition("/")[2],
        "resumed": True,
        "pending": 0,
    }
    assert house.node_uri_of(device) == node.node_uri
    assert node.connections.get(device.connection_id) is not None


def test_notification_reaches_all_devices_of_its_user_alone(house: House, node: Node) -> None:
    # P-3, P-8
    phone, laptop, stranger = (house.make_device(name) for name in ("Ada", "Ada", "Bob"))
    clients = [house.connect_and_greet(node, one) for one in (phone, laptop, stranger)]
    ids = house.create_and_ring(phone.user_id, "tea")
    for client in clients[:2]:
        frame = client.next_frame()
        assert frame["notification_id"] == ids[0]
        assert (frame["type"], frame["seq"], frame["data"]) == ("notification", 1, {"title": "tea"})
        assert frame["created_at"].endswith("Z")
    house.create_and_ring(stranger.user_id, "coffee")
    assert titles([clients[2].next_frame()]) == ["coffee"]


def test_what_comes_behind_rows_that_stand_for_nothing_arrives(house: House, node: Node) -> None:
    # P-11: an app of a former version took their notifications away, and left a window full of them
    device = house.make_device()
    ids = house.create(device.user_id, *"x" * WINDOW)
    gone = NotificationData.notification_id.in_(ids)
    house.database.write(lambda session: session.execute(delete(NotificationData).where(gone)))
    client = house.connect(node, device)
    house.create_and_ring(device.user_id, "tea")
    frames = client.next_frames(3)  # hello, and in either order: replayed, the notification
    assert titles(one for one in frames if one["type"] == "notification") == ["tea"]
    wait_until(lambda: house.pending_of(device) == 1)


def test_ring_from_the_bus_arrives(house: House, node: Node) -> None:  # P-7, P-8
    house.bus.start()
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    house.create(device.user_id, "tea")
    house.bus.ring(node.node_uri, Envelope("ring", user_ids=(device.user_id,)), timeout=1)
    house.bus.join()
    assert titles([client.next_frame()]) == ["tea"]
    house.bus.stop()


def test_ack_removes_the_row_of_this_device_alone(house: House, node: Node) -> None:  # P-11
    phone, laptop = house.make_device(), house.make_device()
    client = house.connect_and_greet(node, phone)
    client_ids = house.create_and_ring(phone.user_id, "tea", "cake")
    client.next_frames(2)
    assert house.pending_of(phone) == 2  # sent is not delivered
    client.ack(*client_ids)
    wait_until(lambda: house.pending_of(phone) == 0)
    assert house.pending_of(laptop) == 2


def test_without_ack_it_comes_again_after_reconnect(house: House, node: Node) -> None:
    # P-9, P-11
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    house.create_and_ring(device.user_id, "tea", "cake")
    client.next_frames(2)
    client.drop()
    again = house.connect(node, device)
    hello, *replay = again.next_frames(4)
    assert hello["pending"] == 2
    assert titles(replay[:2]) == ["tea", "cake"]
    assert replay[2] == {"type": "replayed", "sent": 2, "expired": 0}


def test_long_backlog_is_replayed_in_order(house: House, node: Node) -> None:  # P-9
    device = house.make_device()
    expected = [f"{number}" for number in range(WINDOW * 3 + 7)]
    house.create(device.user_id, *expected)
    client = house.connect(node, device)
    client.next_frame()
    received = []
    while (frame := client.next_frame())["type"] == "notification":
        received.append(frame)
        client.ack(frame["notification_id"])
    assert titles(received) == expected
    assert [frame["seq"] for frame in received] == list(range(1, len(expected) + 1))
    assert frame == {"type": "replayed", "sent": len(expected), "expired": 0}
    wait_until(lambda: house.pending_of(device) == 0)


def test_client_that_acks_nothing_gets_one_window(house: House, node: Node) -> None:  # P-11
    device = house.make_device()
    ids = house.create(device.user_id, *"x" * (WINDOW + 10))
    client = house.connect(node, device)
    client.next_frames(1 + WINDOW)
    client.ping(b"anything else?")
    assert client.next_pong() == b"anything else?"
    client.ack(*ids[:10])
    assert [frame["seq"] for frame in client.next_frames(10)] == list(range(65, 75))


def test_second_socket_takes_the_place_of_the_first(house: House, node: Node) -> None:  # P-9
    device = house.make_device()
    first = house.connect_and_greet(node, device)
    second = house.connect_and_greet(node, device)
    assert first.next_close() == 4001
    house.create_and_ring(device.user_id, "tea")
    assert titles([second.next_frame()]) == ["tea"]
    assert len(node.connections) == 1


def test_socket_whose_place_was_taken_is_not_served(house: House, node: Node) -> None:  # P-9
    """In one turn with the new one, each would get what the other wants."""
    device = house.make_device()
    house.connect_and_greet(node, device)
    old = node.connections.get(device.connection_id)
    second = house.connect_and_greet(node, device)
    new = node.connections.get(device.connection_id)
    house.create(device.user_id, "tea", "cake")
    assert old
    assert new
    node._puller.mark_dirty([old, new])
    assert titles(second.next_frames(2)) == ["tea", "cake"]
    second.ping(b"anything else?")
    assert second.next_pong() == b"anything else?"


def test_two_sockets_of_a_device_in_one_turn_have_two_epochs(house: House) -> None:  # P-9
    ada, bob = house.make_device("Ada"), house.make_device("Bob")
    hers, his = (Admitted(one.connection_id, resumed=True) for one in (ada, bob))
    wishes = [(hers, "a"), (his, "a"), (hers, "a"), (hers, "b")]
    held = house.database.write(lambda session: take_over_all(session.connection(), wishes))
    assert [one and (one.connection_id, one.epoch) for one in held] == [
        *((ada.connection_id, 1), (bob.connection_id, 1)),
        *((ada.connection_id, 2), (ada.connection_id, 3)),
    ]
    assert house.node_uri_of(ada) == "b"


def test_late_end_of_the_first_socket_erases_nothing(house: House, node: Node) -> None:  # P-9
    device = house.make_device()
    first = house.connect_and_greet(node, device)
    second = house.connect_and_greet(node, device)
    first.next_close()
    first.wait_for_hang_up()
    second.ping()
    second.next_pong()
    assert house.node_uri_of(device) == node.node_uri


def test_device_that_leaves_is_offline(house: House, node: Node) -> None:  # P-6
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    client.send_close(1000)
    assert client.next_close_answer() == 1000
    wait_until(lambda: house.node_uri_of(device) is None)
    assert len(node.connections) == 0


def test_device_moves_to_another_node(house: House, node: Node) -> None:  # P-1, P-9
    other = house.start_node()
    device = house.make_device()
    house.connect_and_greet(node, device).drop()
    house.create(device.user_id, "tea")
    client = house.connect(other, device)
    assert client.next_frame()["pending"] == 1
    assert titles([client.next_frame()]) == ["tea"]
    wait_until(lambda: len(node.connections) == 0)
    assert house.node_uri_of(device) == other.node_uri


def test_first_handshake_makes_the_record(house: House, node: Node) -> None:  # P-4
    device = house.make_device()
    house.database.write(lambda session: session.delete(house.record_of(device)))
    client = house.connect(node, device)
    hello = client.next_frame()
    assert hello["resumed"] is False
    assert hello["connection_id"] != device.connection_id
    assert house.connect(node, device).next_frame()["connection_id"] == hello["connection_id"]


def test_signed_out_device_is_not_admitted(house: House, node: Node) -> None:  # P-2
    device = house.make_device()
    house.sign_out(device)
    with pytest.raises(SignedOut):
        house.connect(node, device)


def test_sign_out_that_wins_the_race_closes_with_4003(house: House, node: Node) -> None:  # P-2
    device = house.make_device()
    client = house.connect(node, device)  # admitted; its greenlet has not run yet
    house.sign_out(device)
    assert client.next_close() == 4003


def test_ended_session_closes_with_4003(house: House, node: Node) -> None:  # P-2
    device, other = house.make_device(), house.make_device()
    client, stays = (house.connect_and_greet(node, one) for one in (device, other))
    house.sign_out(device)
    node.handle(Envelope("ended", ids=(device.connection_id, "nobody's")))
    assert client.next_close() == 4003
    stays.ping()
    stays.next_pong()


def test_hint_reaches_all_devices_of_the_user(house: House, node: Node) -> None:
    devices = [house.make_device(), house.make_device()]
    clients = [house.connect_and_greet(node, one) for one in devices]
    node.handle(Envelope("hint", "read", (devices[0].user_id,)))
    for client in clients:
        assert client.next_frame() == {"type": "hint", "what": "read"}


def test_losses_are_subtracted_once_for_a_device_that_moved(house: House, node: Node) -> None:
    # P-14
    device = house.make_device()
    house.set_expired(device, 3)
    told = {"type": "replayed", "sent": 0, "expired": 3}
    first, second = (house.connect(one, device) for one in (node, house.start_node()))
    assert [client.next_frames(2)[1] for client in (first, second)] == [told, told]
    house.set_expired(device, 7)  # four more, of which it does not know
    for client in (first, second):
        client.send_json({"type": "ack", "expired": 3})
    wait_until(lambda: (record := house.record_of(device)) and record.expired_count < 7)
    for one in house.nodes:
        one._acks.stop()
    record = house.record_of(device)
    assert record
    assert record.expired_count == 4


def test_expired_ones_are_told_until_acknowledged(house: House, node: Node) -> None:  # P-14
    device = house.make_device()
    house.set_expired(device, 3)
    for _ in range(2):
        client = house.connect(node, device)
        client.next_frame()
        assert client.next_frame() == {"type": "replayed", "sent": 0, "expired": 3}
    client.send_json({"type": "ack", "expired": 3})
    wait_until(lambda: (record := house.record_of(device)) and record.expired_count == 0)


BREACHES = {
    "garbage": ("\x00garbage", 1008),
    "not an object": ("[1]", 1008),
    "unknown type": ('{"type":"publish"}', 1008),
    "deeply nested": ("[" * 16_000, 1008),
    "too many ids": (json.dumps({"type": "ack", "notification_ids": ["x"] * 10_000}), 1009),
    "huge": ("x" * 100_000, 1009),
}


@pytest.mark.parametrize(("text", "code"), BREACHES.values(), ids=BREACHES.keys())
def test_breach_closes_its_own_connection_alone(
    house: House, node: Node, text: str, code: int
) -> None:  # P-11
    rude, polite = (house.connect_and_greet(node, house.make_device()) for _ in range(2))
    rude.send_text(text)
    assert rude.next_close() == code
    polite.ping()
    polite.next_pong()


def test_ack_of_somebody_elses_notification_does_nothing(house: House, node: Node) -> None:  # P-11
    ada, bob = house.make_device("Ada"), house.make_device("Bob")
    ids = house.create(ada.user_id, "for Ada")
    client = house.connect_and_greet(node, bob)
    client.ack(*ids)
    client.ping()
    client.next_pong()
    assert house.pending_of(ada) == 1


def test_slow_reader_loses_its_socket_and_nothing_else(house: House) -> None:  # P-11, P-12
    node = house.start_node(limits=Limits(backlog_bytes=50_000, close_timeout=0.2))
    device = house.make_device()
    big = [f"{number} {'x' * 4000}" for number in range(40)]
    house.create(device.user_id, *big)
    slow = house.connect(node, device, window=4096)
    assert slow.next_frame()["type"] == "hello"
    wait_until(lambda: len(node.connections) == 0)
    slow.drop()
    quick = house.connect(node, device)
    quick.next_frame()
    assert titles(quick.next_frames(40)) == big


def test_stop_says_1012_and_releases(house: House, node: Node) -> None:  # P-12
    device, gone = house.make_device(), house.make_device("Bob")
    client = house.connect_and_greet(node, device)
    house.connect_and_greet(node, gone).drop()
    ids = house.create_and_ring(device.user_id, "tea")
    client.next_frame()
    client.ack(*ids)
    client.ping()
    client.next_pong()  # the acknowledgement was read, and waits for its batch
    stopping = gevent.spawn(node.stop)
    assert client.next_close() == 1012
    stopping.join()
    assert house.node_uri_of(device) is None
    assert house.pending_of(device) == 0  # its last acknowledgement is stored
    with pytest.raises(TryAgain):
        node.admit(device.session_id, "")


def test_who_leaves_at_the_same_time_is_released_at_once(house: House, node: Node) -> None:  # P-12
    devices = [house.make_device(f"user {number}") for number in range(5)]
    for device in devices:
        house.connect_and_greet(node, device)
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        statements.append(text)

    held, go = threading.Event(), threading.Event()

    def hold(_session: Session) -> None:
        held.set()
        go.wait(10)

    event.listen(house.database.engine, "before_cursor_execute", note)
    with ThreadPoolExecutor(6) as pool:
        pool.submit(house.database.write, hold)
        held.wait(10)
        for one in node.connections:
            pool.submit(node._release, [one])
        wait_until(lambda: house.database.waiting == 5)
        go.set()
    assert len([one for one in statements if one.startswith("UPDATE")]) == 1
    assert [house.node_uri_of(device) for device in devices] == [None] * 5


def test_handshake_begins_the_sessions_days_anew(house: House, node: Node) -> None:  # P-14
    device = house.make_device()
    house.last_seen(device, clock.now() - 3600)
    house.connect_and_greet(node, device)
    assert house.last_seen(device) > clock.now() - 60


def test_stranger_takes_nobodys_turn(house: House, node: Node) -> None:  # P-2
    device = house.make_device()
    for _ in range(2300):  # more than the gate lets through at once
        with pytest.raises(SignedOut):
            node.admit("no session", "")
    house.connect_and_greet(node, device)


def test_node_that_starts_alone_releases_the_killed_ones_devices(house: House) -> None:  # P-12
    killed = house.start_node()
    device = house.make_device()
    house.connect_and_greet(killed, device)
    house.start_node(only_node=True)
    assert house.node_uri_of(device) is None


def test_delivery_is_told_to_the_journal(house: House, node: Node) -> None:  # P-8, P-11
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    ids = house.create_and_ring(device.user_id, "tea")
    client.next_frame()
    client.ack(*ids)
    wait_until(lambda: house.pending_of(device) == 0)
    assert house.journal_kinds() == ["node.delivered", "node.acknowledged"]
    with house.database.read() as session:
        delivered, acknowledged = (event["detail"] for event in read_all(session))
    assert json.loads(delivered["plaintext"])["notification_id"] == ids[0]
    assert delivered["node"] == acknowledged["node"] == node.public_name


def receive_all(client: Client, count: int) -> list[str]:
    client.next_frame()
    return titles(client.next_frames(count))


@pytest.mark.parametrize("point", ["node.before_send", "node.after_send"])
def test_failure_while_sending_loses_nothing(house: House, node: Node, point: str) -> None:
    # P-11, P-12
    device, other = house.make_device(), house.make_device("Bob")
    bystander = house.connect_and_greet(node, other)
    client = house.connect_and_greet(node, device)
    house.faults.arm(point)
    house.create_and_ring(device.user_id, "tea", "cake")
    assert client.next_close() == 1013
    assert receive_all(house.connect(node, device), 2) == ["tea", "cake"]
    house.create_and_ring(other.user_id, "all is well")
    assert titles([bystander.next_frame()]) == ["all is well"]


def test_failure_before_the_ack_is_stored_is_tried_again(house: House, node: Node) -> None:
    # P-11, P-12
    device = house.make_device()
    client = house.connect_and_greet(node, device)
    ids = house.create_and_ring(device.user_id, "tea")
    client.next_frame()
    house.faults.arm("node.before_ack", times=2)
    client.ack(*ids)
    wait_until(lambda: house.pending_of(device) == 0)
    assert house.faults.armed() == {}
