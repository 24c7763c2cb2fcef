"""Firefox's WebSocket on real sockets, with peers that keep to the protocol and others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    Request,
    TextMessage,
)

from push_service import autopush_face
from push_service.autopush_face import MAX_TEXT, AutopushFace
from push_service.http_face import HttpFace
from push_service.web import Router
from tests.push_service.parts import Service, service_on, sqlite_url
from tests.push_service.serving import Peer, served, status

CHANNEL = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, int]]:
    path: Path = tmp_path_factory.mktemp("push-service")
    with service_on(sqlite_url(path)) as service:
        router = Router()
        router.add("GET", "/", AutopushFace(service.hub, lambda token: f"http://x/{token}").get)
        with served(lambda listener: HttpFace(listener, router.answer)) as port:
            yield service, port


@pytest.fixture
def port(running: tuple[Service, int]) -> int:
    return running[1]


class Firefox(Peer):
    """A WebSocket client whose events are looked at one by one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.websocket = WSConnection(ConnectionType.CLIENT)
        self.events: list[Any] = []
        opening = Request(host="x", target="/", subprotocols=["push-notification"])
        self.send(self.websocket.send(opening))
        accepted = self.next()
        assert isinstance(accepted, AcceptConnection)
        assert (accepted.subprotocol, accepted.extensions) == ("push-notification", [])

    def next(self) -> Any:
        """The next event; None when the other side hung up without a word."""
        while not self.events:
            data = self.receive()
            if not data:
                return None
            self.websocket.receive_data(data)
            self.events += self.websocket.events()
        return self.events.pop(0)

    def say(self, **message: Any) -> None:
        self.send(self.websocket.send(TextMessage(json.dumps(message))))

    def ask(self, **message: Any) -> dict[str, Any]:
        self.say(**message)
        answer: dict[str, Any] = json.loads(self.next().data)
        return answer

    def flood(self, data: bytes) -> None:
        """Write for ever, and read nothing: the answers fill every buffer in between."""
        while True:
            self.socket.sendall(data)

    def close_code(self) -> int:
        """The code with which the other side says goodbye; 0 without one."""
        while (event := self.next()) is not None:
            if isinstance(event, CloseConnection):
                return int(event.code)
        return 0


@pytest.fixture
def firefox(port: int) -> Iterator[Firefox]:
    with Firefox(port) as firefox:
        assert firefox.ask(messageType="hello", use_webpush=True)["uaid"]
        yield firefox


def test_people_get_a_sentence(port: int) -> None:  # W-9
    with Peer(port) as peer:
        peer.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"This is a push service" in peer.receive_all()


def test_browser_subscribes_and_receives(running: tuple[Service, int], firefox: Firefox) -> None:
    # W-10
    service, _ = running
    endpoint = firefox.ask(messageType="register", channelID=CHANNEL)["pushEndpoint"]
    subscription = service.hub.subscription(endpoint.rpartition("/")[2])
    assert subscription is not None
    message = service.send(subscription)
    notification = json.loads(firefox.next().data)
    assert (notification["messageType"], notification["version"]) == ("notification", message.id)


def test_newer_connection_ends_the_older(firefox: Firefox, port: int) -> None:  # W-9
    firefox.ask(messageType="register", channelID=CHANNEL)
    uaid = firefox.ask(messageType="hello")["uaid"]
    with Firefox(port) as newer:
        assert newer.ask(messageType="hello", uaid=uaid)["uaid"] == uaid
        assert firefox.close_code() == 1000


def test_newer_connection_takes_over_what_the_older_did_not_acknowledge(  # W-9
    running: tuple[Service, int], firefox: Firefox, port: int
) -> None:
    service, _ = running
    channel = "00000000-0000-4000-8000-000000000001"
    token = firefox.ask(messageType="register", channelID=channel)["pushEndpoint"][-47:]
    subscription = service.hub.subscription(token)
    assert subscription is not None
    service.send(subscription)
    version = json.loads(firefox.next().data)["version"]
    uaid = firefox.ask(messageType="hello")["uaid"]
    with Firefox(port) as newer:
        newer.ask(messageType="hello", uaid=uaid)
        assert json.loads(newer.next().data)["version"] == version
        updates = [{"channelID": channel, "version": version, "code": 100}]
        for connection in (newer, firefox):  # the older one may have had it under way
            connection.say(messageType="ack", updates=updates)
        assert newer.ask() == {}
        assert firefox.close_code() == 1000
    acknowledged = service.events("message.acknowledged")
    assert [event.message_id for event in acknowledged].count(version) == 1


@pytest.mark.parametrize("code", [1000, 1012, 4774])
def test_connection_is_closed_with_the_code_that_the_lab_says(  # W-12
    running: tuple[Service, int], firefox: Firefox, code: int
) -> None:
    service, _ = running
    channel = f"00000000-0000-4000-8000-00000000{code}"
    token = firefox.ask(messageType="register", channelID=channel)["pushEndpoint"][-47:]
    subscription = service.hub.subscription(token)
    assert subscription is not None
    assert service.hub.close_connection(subscription.user_agent_id, code, "the lab says so")
    assert firefox.close_code() == code


def test_garbage_and_binary_frames_are_ignored(firefox: Firefox) -> None:  # W-9
    firefox.send(firefox.websocket.send(TextMessage("garbage")))
    firefox.send(firefox.websocket.send(BytesMessage(bytes(100_000))))
    assert firefox.ask() == {}


def test_fragmented_text_is_joined(firefox: Firefox) -> None:  # W-9
    for part, finished in (('{"messageT', False), ("", False), ('ype":"ping"}', True)):
        firefox.send(firefox.websocket.send(TextMessage(part, message_finished=finished)))
    assert json.loads(firefox.next().data) == {}


def test_ping_is_answered(firefox: Firefox) -> None:  # W-9
    firefox.send(firefox.websocket.send(Ping(b"abc")))
    assert firefox.next() == Pong(b"abc")


def test_large_text_ends_the_connection(firefox: Firefox) -> None:  # W-9
    firefox.send(firefox.websocket.send(TextMessage("x" * (MAX_TEXT + 1))))
    assert firefox.close_code() == 1009


def test_endless_text_in_small_pieces_ends_the_connection(firefox: Firefox) -> None:  # W-9
    for _ in range(MAX_TEXT // 100 + 1):
        firefox.send(firefox.websocket.send(TextMessage("x" * 100, message_finished=False)))
    assert firefox.close_code() == 1009


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x02{}",  # not masked
        b"\xc1\x82\0\0\0\0{}",  # compressed, which was not agreed
        b"\x83\x82\0\0\0\0{}",  # no such kind
        b"\x09\x80\0\0\0\0",  # a ping in fragments
        b"\x89\xfe\x01\x00\0\0\0\0",  # a long ping
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",  # 2^64 bytes
        b"\x80\x80\0\0\0\0",  # goes on with nothing
        b"\x81\x81\0\0\0\0\xff",  # not UTF-8
    ],
)
def test_breach_of_protocol_ends_the_connection(firefox: Firefox, frame: bytes) -> None:  # W-9
    firefox.send(frame)
    assert firefox.close_code() in (1002, 1007)


def test_goodbye_is_answered(firefox: Firefox) -> None:  # W-9
    firefox.send(firefox.websocket.send(CloseConnection(1001)))
    assert firefox.close_code() == 1001


def test_who_never_says_hello_is_sent_away(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # W-9
    monkeypatch.setattr(autopush_face, "HELLO_SECONDS", 0.2)
    with Firefox(port) as silent:
        assert silent.close_code() == 1008


def test_silent_browser_is_pinged_and_then_given_up(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:  # W-9
    monkeypatch.setattr(autopush_face, "PING_SECONDS", 0.2)
    with Firefox(port) as firefox:
        firefox.ask(messageType="hello")
        assert isinstance(firefox.next(), Ping)
        assert firefox.close_code() == 1008


def test_browser_that_never_reads_is_given_up(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:  # W-9
    monkeypatch.setattr(autopush_face, "SEND_SECONDS", 0.2)
    with Firefox(port) as firefox:
        firefox.ask(messageType="hello")
        many = b"".join(firefox.websocket.send(Ping(bytes(100))) for _ in range(1000))
        with pytest.raises(ConnectionError):
            firefox.flood(many)
    with Firefox(port) as another:
        assert another.ask(messageType="hello")["uaid"]


@pytest.mark.parametrize(
    "missing", ["Connection: Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Host"]
)
def test_wrong_handshake_is_refused(port: int, missing: str) -> None:  # W-9
    lines = [
        "Host: x",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
        "Sec-WebSocket-Version: 13",
    ]
    kept = [line for line in lines if not line.startswith(missing)]
    with Peer(port) as peer:
        peer.send("\r\n".join(["GET / HTTP/1.1", *kept, "", ""]).encode())
        assert status(peer.receive()) == 400
