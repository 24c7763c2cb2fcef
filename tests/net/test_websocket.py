"""The socket layer on real sockets: complete writes, bounded memory, the closing handshake."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from app.net.framing import Violation, encode_text_frame
from app.net.pinger import Pinger
from app.net.websocket import Limits, WebSocket
from tests.net.clients import PATIENCE, Client, masked_frame

BIG = "x" * 60_000
#: A peer that answers nothing must not make a test slow.
HASTY = Limits(close_timeout=0.2, send_timeout=0.2, backlog_bytes=200_000)
PATIENT = Limits(close_timeout=PATIENCE, send_timeout=PATIENCE, backlog_bytes=200_000)


@dataclass
class Served:
    """A WebSocket with its reader running, and the client at the other end."""

    websocket: WebSocket
    client: Client
    texts: list[str] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def on_text(self, text: str) -> None:
        self.texts.append(text)
        if text == "breach":
            raise Violation(1008, "no such word")
        if text == "crash":
            raise RuntimeError("a bug in the handler")

    def run(self) -> None:
        self.websocket.serve(self.on_text)
        self.over.set()

    def close_code(self) -> int:
        assert self.over.wait(PATIENCE)
        return self.websocket.close_code


@contextmanager
def serve(limits: Limits | None = None) -> Iterator[Served]:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    served = Served(WebSocket(ours.detach(), limits), Client.on(theirs))
    reader = gevent.spawn(served.run)
    try:
        yield served
    finally:
        theirs.close()
        reader.join(PATIENCE)
    assert reader.ready(), "the reader did not end with its socket"


@pytest.fixture
def served() -> Iterator[Served]:
    with serve() as served:
        yield served


def test_messages_go_both_ways(served: Served) -> None:  # P-8
    served.client.send_text("héllo")
    served.client.ping(b"1")
    assert served.client.next_pong() == b"1"
    assert served.texts == ["héllo"]
    assert served.websocket.send(encode_text_frame("wörld"))
    assert served.client.next_text() == "wörld"


def test_slow_reader_gets_every_large_message_whole() -> None:  # P-8, P-11
    with serve(Limits(backlog_bytes=1 << 26)) as served:
        frames = [encode_text_frame(f"{number} {BIG}") for number in range(200)]
        assert [served.websocket.send(frame) for frame in frames] == [True] * 200
        for number in range(200):
            assert served.client.next_text() == f"{number} {BIG}"


def test_reader_that_is_too_slow_is_closed_with_1013() -> None:  # P-11
    with serve(PATIENT) as served:
        frame = encode_text_frame(BIG)
        sent = 0
        while served.websocket.send(frame):
            sent += 1
        assert 1 <= sent < 10
        assert served.client.next_text() == BIG  # what had begun is whole
        assert served.client.next_close() == 1013
        assert served.close_code() == 1013


def test_peer_that_takes_no_byte_is_ended() -> None:  # P-11
    with serve(HASTY) as served:
        for _ in range(3):
            served.websocket.send(encode_text_frame(BIG))
        assert served.close_code() == 1013
        assert not served.websocket.send(encode_text_frame("too late"))


def test_pongs_that_nobody_reads_cost_no_more_than_messages() -> None:  # P-11
    with serve(PATIENT) as served:
        served.websocket.send(encode_text_frame(BIG))  # what the kernel's buffer holds, and more
        for _ in range(1000):
            served.client.ping()
        assert served.client.next_text() == BIG
        assert served.client.next_close() == 1013
        assert served.close_code() == 1013


def test_one_slow_reader_delays_nobody() -> None:  # P-3
    with serve() as slow, serve() as quick:
        for _ in range(5):
            slow.websocket.send(encode_text_frame(BIG))
        quick.websocket.send(encode_text_frame("at once"))
        assert quick.client.next_text() == "at once"


def test_greenlet_killed_while_it_sends_leaves_whole_frames() -> None:  # P-11
    def send_for_ever(websocket: WebSocket) -> None:
        while websocket.send(encode_text_frame(BIG)):
            gevent.sleep(0.001)  # with 0 it would send for 5 ms before anybody may read

    with serve(Limits(backlog_bytes=1 << 26)) as served:
        sender = gevent.spawn(send_for_ever, served.websocket)
        assert served.client.next_text() == BIG
        sender.kill()
        served.websocket.send(encode_text_frame("the end"))
        while (text := served.client.next_text()) != "the end":
            assert text == BIG


def test_frames_of_many_callers_do_not_mix() -> None:  # P-8
    with serve(Limits(backlog_bytes=1 << 26)) as served:
        for number in range(50):
            gevent.spawn(served.websocket.send, encode_text_frame(f"{number}" * 20_000))
        gevent.sleep(0)
        texts = {served.client.next_text() for _ in range(50)}
        assert texts == {f"{number}" * 20_000 for number in range(50)}


def test_reader_of_a_large_message_may_ping_meanwhile() -> None:
    with serve() as served:
        served.websocket.send(encode_text_frame(BIG))
        served.client.ping(b"still here")
        assert served.client.next_text() == BIG
        assert served.client.next_pong() == b"still here"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 1002),
        (masked_frame(0x81, b"\xff"), 1007),
        (masked_frame(0x82, b"bytes"), 1003),
        (masked_frame(0x81, b"x" * 20_000), 1009),
        (masked_frame(0x81, b"breach"), 1008),
        (masked_frame(0x81, b"crash"), 1011),
    ],
)
def test_violation_is_answered_with_its_code(served: Served, data: bytes, code: int) -> None:  # P-8
    served.client.send_raw(data + masked_frame(0x81, b"never read"))
    assert served.client.next_close() == code
    served.client.sock.shutdown(socket.SHUT_WR)
    assert served.close_code() == code
    assert "never read" not in served.texts


def test_client_closes_and_gets_its_code_back(served: Served) -> None:
    served.client.send_close(1000, "bye")
    assert served.client.next_close_answer() == 1000
    served.client.wait_for_hang_up()
    assert served.close_code() == 1000


def test_close_without_code_is_answered_without_code(served: Served) -> None:
    served.client.send_raw(masked_frame(0x88, b""))
    assert served.client.sock.recv(100) == b"\x88\x00"
    assert served.close_code() == 1005


def test_server_closes_behind_what_it_sent(served: Served) -> None:  # P-11
    for _ in range(5):
        served.websocket.send(encode_text_frame(BIG))
    served.websocket.close(1012, "restarting")
    assert not served.websocket.send(encode_text_frame("late"))
    for _ in range(5):
        assert served.client.next_text() == BIG
    assert served.client.next_close() == 1012
    assert served.close_code() == 1012


def test_peer_that_ignores_the_close_is_ended() -> None:
    with serve(HASTY) as served:
        served.websocket.close(4001, "replaced")
        assert served.close_code() == 4001


def test_vanished_peer_ends_the_reader(served: Served) -> None:  # P-11
    served.client.drop()
    assert served.close_code() == 1006
    assert not served.websocket.send(encode_text_frame("anybody there?"))


def test_pinger_asks_the_silent_and_ends_the_dead() -> None:  # P-11
    with serve() as alive, serve() as dead:
        pinger = Pinger()
        pinger.add(alive.websocket)
        pinger.add(dead.websocket)
        for _ in range(3):
            pinger.sweep()
            alive.client.ping()  # anything that is heard will do
            alive.client.next_pong()
        assert dead.close_code() == 1006
        assert not alive.over.is_set()


def test_answer_to_a_ping_keeps_the_socket() -> None:  # P-11
    with serve() as served:
        pinger = Pinger()
        pinger.add(served.websocket)
        pinger.sweep()
        pinger.sweep()
        served.client.answer_ping()
        served.client.ping()
        served.client.next_pong()  # so the answer before it was read
        pinger.sweep()
        pinger.sweep()
        assert not served.over.is_set()
