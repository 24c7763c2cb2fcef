"""The bus over private ports: who may ring, and what a node that died answers."""

import logging
import queue
import socket
import struct
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from app.bus.contract import BusError
from app.bus.envelope import Envelope
from app.bus.http import HttpBus
from app.net.private_listener import MAX_BODY, SIGNATURE, sign
from tests.waiting import until

SECRET = b"a secret for tests"
ENVELOPE = Envelope("ring", user_ids=(7,))


class Node:
    """A node on a bus of its own, and what it heard."""

    def __init__(self, url: str = "http://127.0.0.1") -> None:
        self.heard: queue.Queue[Envelope] = queue.Queue()
        self.bus = HttpBus(url, SECRET)
        self.node_uri = self.bus.subscribe(self.heard.put)

    @property
    def port(self) -> int:
        return urlsplit(self.node_uri).port or 0

    def post(self, body: bytes, signature: str, **headers: str) -> int:
        """The status that a request gets."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("POST", "/", body, {SIGNATURE: signature} | headers)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.bus.stop()


@pytest.fixture
def caller() -> Iterator[HttpBus]:
    bus = HttpBus("http://127.0.0.1", SECRET)
    yield bus
    bus.stop()


def test_dead_node_is_known_at_once(node: Node, caller: HttpBus) -> None:  # P-12
    node.bus.stop()
    with pytest.raises(BusError, match="does not answer"):
        caller.ring(node.node_uri, ENVELOPE, timeout=2)


def test_successor_on_the_same_port_is_not_rung(node: Node, caller: HttpBus) -> None:  # P-12
    node.bus.stop()
    successor = Node(f"http://127.0.0.1:{node.port}")
    try:
        caller.ring(node.node_uri, ENVELOPE, timeout=2)
        assert successor.heard.empty()
        caller.ring(successor.node_uri, ENVELOPE, timeout=2)
        assert successor.heard.get(timeout=5) == ENVELOPE
    finally:
        successor.bus.stop()


def test_stranger_cannot_ring(node: Node) -> None:  # P-2
    body = node.node_uri.encode() + b"\n" + ENVELOPE.to_bytes()
    for signature in ("", "00", "\xff", sign(b"another secret", body)):
        assert node.post(body, signature) == 401
    assert node.heard.empty()
    assert node.post(body, sign(SECRET, body)) == 204


def test_hostile_bodies_are_answered(node: Node) -> None:  # P-2
    for body, status in ((b"", 410), (b"\xff\xff", 410), (node.node_uri.encode() + b"\n{", 500)):
        assert node.post(body, sign(SECRET, body)) == status


def test_length_that_no_body_has_is_refused(node: Node) -> None:  # P-2
    for length in (str(MAX_BODY + 1), "9" * 5000, "-1", "1e3"):
        assert node.post(b"", "", **{"Content-Length": length}) == 413


def test_killed_process_leaves_no_traceback(
    node: Node, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:  # P-12
    caplog.set_level(logging.DEBUG, "app.net.private_listener")
    with socket.create_connection(("127.0.0.1", node.port), 5) as peer:
        peer.sendall(b"POST / HTTP/1.1\r\n")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
    until(lambda: "hung up" in caplog.text)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("url", ["http://0.0.0.0", "http://", "http://[::]:1", "http://a/b"])
def test_address_that_nobody_could_reach_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="as other nodes reach it"):
        HttpBus(url, SECRET)
