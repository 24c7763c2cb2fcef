"""What a mean client may do to `/pns` of the real application under real gunicorn: it is closed
with a code and a reason, or costs a bounded amount, and the others notice nothing."""

import contextlib
import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator

import pytest

from app.pns.wire import MAX_IDS
from tests.net.clients import Client, Refused, masked_frame
from tests.pns.parts import titles, wait_until
from tests.pns.served import Served, served_app

FIN_TEXT, FIN_BINARY, PONG = 0x81, 0x82, 0x8A


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_app(tmp_path_factory.mktemp("instance")) as served:
        yield served


@pytest.fixture(autouse=True)
def _others_notice_nothing(served: Served) -> Iterator[None]:
    """Who was connected before a test of this file gets its notifications after it."""
    device = served.house.make_device("Grace")
    client = served.greet(device)
    yield
    made = served.notify(device, "still there")
    assert titles([client.next_frame()]) == ["still there"]
    client.ack(made)
    wait_until(lambda: served.house.pending_of(device) == 0)


@pytest.fixture
def mallory(served: Served) -> Client:
    return served.greet(served.house.make_device("Mallory"))


def ack_of(*ids: str) -> bytes:
    return masked_frame(FIN_TEXT, json.dumps({"type": "ack", "notification_ids": ids}).encode())


def invented(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


BREACHES = {
    "garbage": (b"\x00" * 100, 1002, "unmasked"),
    "HTTP": (b"GET /pns HTTP/1.1\r\n\r\n", 1002, "opcode"),
    "noise": (bytes(range(7, 256)), 1002, "opcode"),
    "binary": (masked_frame(FIN_BINARY, b"\x01"), 1003, "text messages only"),
    "not UTF-8": (masked_frame(FIN_TEXT, b"\xff"), 1007, "utf-8"),
    "huge": (masked_frame(FIN_TEXT, b"x" * 1_000_000), 1009, "at most 16384"),
    "huge, in fragments": (
        masked_frame(0x01, b"x" * 10_000) + masked_frame(0x00, b"x" * 10_000),
        1009,
        "at most 16384",
    ),
    "deeply nested": (masked_frame(FIN_TEXT, b"[" * 16_000), 1008, "not JSON"),
    "deeply nested objects": (masked_frame(FIN_TEXT, b'{"a":' * 3_000), 1008, "not JSON"),
    "not JSON": (masked_frame(FIN_TEXT, b"hello"), 1008, "not JSON"),
    "empty": (masked_frame(FIN_TEXT, b""), 1008, "not JSON"),
    "wrong type": (masked_frame(FIN_TEXT, b'{"type":"notification"}'), 1008, "unknown type"),
    "no type": (masked_frame(FIN_TEXT, b"{}"), 1008, "unknown type"),
    "ids that are none": (ack_of("1"), 1008, "a UUID in lower case"),
    "257 ids": (ack_of(*invented(MAX_IDS + 1)), 1008, "at most 256"),
    "10,000 ids": (ack_of(*invented(10_000)), 1009, "at most 16384"),
}


@pytest.mark.parametrize(("data", "code", "reason"), BREACHES.values(), ids=BREACHES)
def test_breach_is_closed_with_code_and_reason(
    mallory: Client, data: bytes, code: int, reason: str
) -> None:  # P-11
    mallory.send_raw(data)
    said = mallory.next_close_and_reason()
    assert (said[0], reason in said[1]) == (code, True), said
    mallory.wait_for_hang_up()


@pytest.mark.parametrize(
    "data",
    [
        masked_frame(FIN_TEXT, b"x" * 300)[:-1],
        masked_frame(FIN_TEXT, b"", length=b"\x7f" + (1 << 62).to_bytes(8, "big")),
        masked_frame(0x01, b'{"type":'),
        b"\x81",
    ],
    ids=["cut off", "4 exabytes to come", "first fragment", "one byte"],
)
@pytest.mark.parametrize("vanishes", [True, False])
def test_half_a_frame_is_waited_for(mallory: Client, data: bytes, vanishes: bool) -> None:  # P-3
    mallory.send_raw(data)
    if vanishes:
        mallory.drop()


def test_half_a_handshake_is_waited_for(served: Served) -> None:  # P-3
    with socket.create_connection(("127.0.0.1", served.port)) as peer:
        peer.sendall(b"GET /pns HTTP/1.1\r\nHost: x\r\nUpgrade: web")
        served.greet(served.house.make_device("Ada"))


def test_acks_of_others_and_of_nobodys_change_nothing(served: Served, mallory: Client) -> None:
    # P-11, P-13
    ada = served.house.make_device("Ada")
    at_adas = served.greet(ada)
    made = served.notify(ada, "for Ada")
    assert titles([at_adas.next_frame()]) == ["for Ada"]
    mallory.send_raw(ack_of(made))
    for _ in range(40):
        mallory.send_raw(ack_of(*invented(MAX_IDS)))
    mallory.send_json({"type": "ack", "expired": 1_000_000})
    mallory.ping()
    mallory.next_pong()  # so all of them were read, and none was a breach
    assert served.house.pending_of(ada) == 1
    at_adas.ack(made, made)
    wait_until(lambda: served.house.pending_of(ada) == 0)


@pytest.mark.parametrize(
    "frame", [ack_of(), masked_frame(PONG, b"")], ids=["acks of nothing", "pongs"]
)
def test_flood_leaves_the_others_their_turn(served: Served, mallory: Client, frame: bytes) -> None:
    # P-3
    other = served.greet(served.house.make_device("Ada"))
    with flood(mallory, frame * 200):
        for _ in range(20):
            other.ping()
            other.next_pong()


@contextlib.contextmanager
def flood(client: Client, data: bytes) -> Iterator[None]:
    """While the block runs, a thread of its own sends this again and again, without a pause."""
    pipe = socket.socket(fileno=os.dup(client.sock.fileno()))
    pipe.setblocking(True)

    def send_for_ever() -> None:
        with contextlib.suppress(OSError):
            while True:
                pipe.sendall(data)

    thread = threading.Thread(target=send_for_ever)
    thread.start()
    try:
        yield
    finally:
        pipe.shutdown(socket.SHUT_RDWR)
        thread.join()
        pipe.close()


@pytest.mark.parametrize("count", [50, pytest.param(1000, marks=pytest.mark.slow)])
def test_sockets_of_one_session_give_way_to_the_newest(served: Served, count: int) -> None:  # P-5
    device = served.house.make_device("Mallory")
    clients = [served.connect(device) for _ in range(count)]
    assert {client.next_close_and_reason() for client in clients[:-1]} == {(4001, "replaced")}
    served.notify(device, "for the newest")
    assert clients[-1].next_frame()["connection_id"] == device.connection_id
    assert titles(f for f in clients[-1].next_frames(2) if f["type"] == "notification") == [
        "for the newest"
    ]


@pytest.mark.slow
def test_thousand_devices_that_never_read_delay_nobody(served: Served) -> None:  # P-3
    crowd = [served.house.make_device("Mallory") for _ in range(1000)]
    for device in crowd:
        served.connect(device)
    other = served.house.make_device("Ada")
    client = served.greet(other)
    for number in range(3):
        served.notify(crowd[0], f"to a thousand {number}")
        served.notify(other, f"to one {number}")
        assert titles([client.next_frame()]) == [f"to one {number}"]


def refusal(served: Served, **headers: str) -> int:
    with pytest.raises(Refused) as refused:
        served.connect(None, **headers)
    return refused.value.status


def test_session_signed_with_another_key_is_401(served: Served) -> None:  # P-2
    foreign = served.cookie(served.house.make_device(), secret="another site's")
    assert refusal(served, Cookie=foreign) == 401


@pytest.mark.parametrize("length", [3, 20, 60])
def test_forged_session_is_401(served: Served, length: int) -> None:  # P-2
    cookie = served.cookie(served.house.make_device())
    assert refusal(served, Cookie=cookie[:-length] + "x" * length) == 401


@pytest.mark.parametrize(
    "value", ["", ".", "..", "a.b.c", "null", '"', '"\\377\\000"', "\xe9\xff", ";;=;", "x" * 4000]
)
def test_malformed_session_is_401(served: Served, value: str) -> None:  # P-2
    name = served.cookie(served.house.make_device()).partition("=")[0]
    assert refusal(served, Cookie=f"{name}={value}") == 401


def test_endless_cookie_is_400(served: Served) -> None:  # P-2
    assert refusal(served, Cookie="x" * 9000) in (400, 431)


@pytest.mark.parametrize("extra", ["http://evil.example", "null"])
def test_two_origins_are_403(served: Served, extra: str) -> None:  # P-2
    cookie = served.cookie(served.house.make_device())
    assert refusal(served, Cookie=cookie, Origin=f"{served.origin}, {extra}") == 403
