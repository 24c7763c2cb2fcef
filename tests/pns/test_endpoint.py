"""`GET /pns` on the real application under real gunicorn, with clients on raw sockets."""

import signal
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from tests.net.clients import PATIENCE, Client, Refused
from tests.pns.parts import titles, wait_until
from tests.pns.served import Served, served_app

COOKIE = "pns_connection_id"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_app(tmp_path_factory.mktemp("instance")) as served:
        yield served


def test_cookie_comes_with_the_101(served: Served) -> None:  # P-5
    device = served.house.make_device()
    client = served.connect(device)
    cookies = SimpleCookie(client.headers["set-cookie"])
    (morsel,) = cookies.values()
    assert morsel.key == COOKIE
    assert morsel.value == client.next_frame()["connection_id"] == device.connection_id
    assert morsel["httponly"] is True
    assert morsel["samesite"] == "Strict"
    assert morsel["path"] == "/"
    assert int(morsel["max-age"]) == served.settings.device_retention
    assert morsel["secure"] == ""  # http in the laboratory


def test_sub_protocol_is_pns_v1(served: Served) -> None:
    client = served.connect(served.house.make_device())
    assert client.subprotocol == "pns.v1"
    assert "sec-websocket-extensions" not in client.headers  # no permessage-deflate


def refusal(served: Served, **headers: str) -> int:
    with pytest.raises(Refused) as refused:
        served.connect(None, **headers)
    return refused.value.status


def test_without_session_it_is_401(served: Served) -> None:  # P-2
    assert refusal(served) == 401


def test_session_that_was_signed_out_is_401(served: Served) -> None:  # P-2
    device = served.house.make_device()
    served.house.sign_out(device)
    assert refusal(served, Cookie=served.cookie(device)) == 401


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", ""])
def test_foreign_origin_is_403(served: Served, origin: str) -> None:  # P-2
    cookie = served.cookie(served.house.make_device())
    assert refusal(served, Cookie=cookie, Origin=origin) == 403


def test_handshake_without_the_sub_protocol_is_400(served: Served) -> None:
    headers = {"Origin": served.origin, "Cookie": served.cookie(served.house.make_device())}
    with pytest.raises(Refused) as refused:
        Client.connect(served.port, "/pns", headers, protocols=("mqtt",))
    assert refused.value.status == 400


def test_plain_request_is_refused(served: Served) -> None:
    status, _body = served.ask("GET", "/pns", served.house.make_device())
    assert status == 400


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_handshake_is_a_get(served: Served, method: str) -> None:
    """RFC 6455 section 4.1. And an answer that is none of a WebSocket has all its headers."""
    wanted = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "pns.v1"}
    whose = {"Origin": served.origin, "Cookie": served.cookie(served.house.make_device())}
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)) as connection:
        connection.request(method, "/pns", headers=wanted | key | whose)
        answer = connection.getresponse()
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("cookie", ["", "garbage", "../../etc", "x" * 3000])
def test_malformed_pns_cookie_is_replaced(served: Served, cookie: str) -> None:  # P-13
    device = served.house.make_device()
    client = served.connect(device, Cookie=f"{served.cookie(device)}; {COOKIE}={cookie}")
    assert client.next_frame()["connection_id"] == device.connection_id


def test_somebody_elses_connection_id_is_worth_nothing(served: Served) -> None:  # P-13
    ada, mallory = served.house.make_device("Ada"), served.house.make_device("Mallory")
    at_adas = served.greet(ada)
    stolen = f"{COOKIE}={ada.connection_id}"
    at_mallorys = served.connect(mallory, Cookie=f"{served.cookie(mallory)}; {stolen}")
    assert mallory.connection_id in at_mallorys.headers["set-cookie"]
    assert at_mallorys.next_frame()["connection_id"] == mallory.connection_id
    served.notify(ada, "for Ada")
    assert titles([at_adas.next_frame()]) == ["for Ada"]
    assert at_mallorys.next_frame()["type"] == "replayed"
    at_mallorys.ping()
    at_mallorys.next_pong()  # and nothing of Ada's


def test_notification_is_delivered_and_acknowledged(served: Served) -> None:  # P-7, P-8, P-11
    device = served.house.make_device("Grace")
    client = served.greet(device)
    made = served.notify(device, "tea")
    frame = client.next_frame()
    assert (frame["notification_id"], frame["data"]["title"]) == (made, "tea")
    client.ack(made)
    wait_until(lambda: served.house.pending_of(device) == 0)


def test_offline_notifications_are_replayed_in_order(served: Served) -> None:  # P-9
    device = served.house.make_device("Edsger")
    served.greet(device).drop()
    expected = [f"{number}" for number in range(5)]
    for title in expected:
        served.notify(device, title)
    client = served.connect(device)
    assert client.next_frame()["resumed"] is True
    assert titles(client.next_frames(5)) == expected


def test_sign_out_closes_the_socket_with_4003(served: Served) -> None:  # P-2
    device, other = served.house.make_device("Alan"), served.house.make_device("Alan")
    client = served.greet(device)
    status, _ = served.ask("DELETE", f"/api/devices/{device.connection_id}", other)
    assert status == 204
    assert client.next_close() == 4003


def test_deleted_account_closes_every_socket_with_4003(served: Served) -> None:  # X-2, P-2
    devices = [served.house.make_device("Leaving") for _ in range(3)]
    clients = [served.greet(device) for device in devices]
    stranger = served.greet(served.house.make_device("Staying"))
    status, _ = served.ask("POST", "/api/account/delete", devices[0], {"name": "Leaving"})
    assert status == 204
    assert [client.next_close() for client in clients] == [4003] * 3
    for client in clients:
        client.wait_for_hang_up()
    stranger.ping()
    stranger.next_pong()  # and nobody else's


def test_two_hundred_sockets_on_a_pool_of_five(served: Served) -> None:  # P-1, P-3
    owner = served.house.make_device("Barbara")
    devices = [owner, *(served.house.make_device("Barbara") for _ in range(199))]
    clients = [served.greet(device) for device in devices]
    status, answer = served.ask("GET", "/api/devices", owner)
    assert status == 200
    assert [device["online"] for device in answer["devices"]] == [True] * 200
    served.notify(owner, "to everybody")
    for client in clients:
        assert titles([client.next_frame()]) == ["to everybody"]


def test_stop_signal_says_1012_and_releases(tmp_path: Path) -> None:  # P-12
    with served_app(tmp_path) as served:
        device = served.house.make_device()
        client, rude = served.greet(device), served.greet(served.house.make_device("Bob"))
        made = served.notify(device, "tea")
        client.next_frame()
        client.ack(made)
        client.ping()
        client.next_pong()  # the acknowledgement was read
        served.process.send_signal(signal.SIGTERM)
        assert client.next_close() == 1012
        rude.wait_for_hang_up()  # the Close frame is read, and not answered
        assert served.process.wait(PATIENCE) == 0
        assert served.house.node_uri_of(device) is None
        assert served.house.pending_of(device) == 0


def test_killed_and_started_again_replays_what_was_not_acknowledged(tmp_path: Path) -> None:
    # P-11, P-12
    with served_app(tmp_path) as served:
        device = served.house.make_device()
        client = served.greet(device)
        made = [served.notify(device, title) for title in ("tea", "cake", "pie")]
        client.next_frames(3)
        client.ack(made[0])
        wait_until(lambda: served.house.pending_of(device) == 2)
        served.kill()
    with served_app(tmp_path) as served:
        assert served.house.node_uri_of(device) is None  # offline, not "online" for ever
        client = served.connect(device)
        assert client.next_frame()["pending"] == 2
        assert titles(client.next_frames(2)) == ["cake", "pie"]
