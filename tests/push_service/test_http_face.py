"""The HTTP port and peers of every kind: none may crash it, hold it up, or fill its memory."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from gevent import ssl as gevent_ssl

from push_service import http_face
from push_service.certificates import ensure_certificates
from push_service.http_face import MAX_CONTENT, MAX_DRAINED, HttpFace
from push_service.web import Answer, Request, Response, Takeover
from tests.push_service.serving import Peer, served, status


def answer(request: Request) -> Answer:
    """Says what was asked; breaks when asked to."""
    if request.path == "/break":
        raise RuntimeError("broken on purpose")
    if request.path == "/stream":
        return Response(200, stream=iter([b"one ", b"two"]))
    if request.path == "/take":
        return Takeover(lambda socket, leftover: socket.sendall(b"taken " + leftover))
    if request.path == "/silent":
        return Response(204)
    size = "too much" if request.content is None else str(len(request.content))
    return Response(200, f"{request.method} {request.target} {size}".encode())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(lambda listener: HttpFace(listener, answer)) as port:
        yield port


def ask(port: int, data: bytes) -> bytes:
    with Peer(port) as peer:
        return peer.send(data).receive_all()


def head(method: str = "GET", path: str = "/", *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


CLOSE = "Connection: close"


def test_request_is_answered(port: int) -> None:  # W-8
    answered = ask(port, head("POST", "/a?b", "Content-Length: 3", CLOSE) + b"abc")
    assert status(answered) == 200
    assert answered.endswith(b"POST /a?b 3")


def test_request_in_single_bytes_is_answered(port: int) -> None:  # W-8
    with Peer(port) as peer:
        for byte in head("POST", "/", "Content-Length: 3", CLOSE) + b"abc":
            peer.send(bytes([byte]))
        assert peer.receive_all().endswith(b"POST / 3")


def test_requests_follow_each_other_on_one_connection(port: int) -> None:  # W-8
    first = head("POST", "/1", "Content-Length: 1") + b"x"
    answered = ask(port, first + head("GET", "/silent") + head("GET", "/2", CLOSE))
    assert b"POST /1 1" in answered
    assert b"204 No Content" in answered
    assert answered.endswith(b"GET /2 0")


def test_chunked_body_is_read(port: int) -> None:  # W-8
    chunks = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    answered = ask(port, head("POST", "/", "Transfer-Encoding: chunked", CLOSE) + chunks)
    assert answered.endswith(b"POST / 5")


def test_peer_that_waits_for_leave_gets_it(port: int) -> None:  # W-8
    with Peer(port) as peer:
        peer.send(head("POST", "/", "Content-Length: 1", "Expect: 100-continue", CLOSE))
        assert status(peer.receive()) == 100
        assert peer.send(b"x").receive_all().endswith(b"POST / 1")


def test_stream_is_sent_piece_by_piece(port: int) -> None:
    answered = ask(port, head("GET", "/stream", CLOSE))
    assert b"one " in answered
    assert b"two" in answered


def test_takeover_gets_socket_and_leftover(port: int) -> None:  # W-4
    upgrade = head("GET", "/take", "Connection: upgrade", "Upgrade: websocket")
    assert ask(port, upgrade + b"more") == b"taken more"


def test_broken_handler_is_our_fault_and_hurts_nobody_else(port: int) -> None:  # W-9
    answered = ask(port, head("GET", "/break") + head("GET", "/", CLOSE))
    assert status(answered) == 500
    assert b"purpose" not in answered
    assert answered.endswith(b"GET / 0")


# -- too much


def test_large_body_is_read_but_not_kept(port: int) -> None:  # W-8
    size = MAX_CONTENT + 1
    answered = ask(port, head("POST", "/", f"Content-Length: {size}", CLOSE) + bytes(size))
    assert answered.endswith(b"too much")


def test_endless_body_is_refused_in_its_middle(port: int) -> None:  # W-8
    with Peer(port) as peer:
        peer.send(head("POST", "/", f"Content-Length: {1 << 40}"))
        peer.send(bytes(MAX_DRAINED + 65536))
        assert status(peer.receive_all()) == 413


def test_large_head_is_refused(port: int) -> None:  # W-9
    assert status(ask(port, head("GET", "/", "X: " + "x" * 50000))) == 431
    assert status(ask(port, b"GET /" + b"x" * 50000)) == 431


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / SMTP/1.1\r\nHost: x\r\n\r\n",
        head("POST", "/", "Content-Length: -1"),
        head("POST", "/", "Content-Length: 1", "Content-Length: 2"),
        head("POST", "/", "Transfer-Encoding: gzip"),
        head("POST", "/", "Transfer-Encoding: chunked") + b"zz\r\n",
        head("GET", "/", "Bad Name: x"),
        head("GET", "/", "X: \x00"),
    ],
)
def test_nonsense_is_refused(port: int, data: bytes) -> None:  # W-9
    with Peer(port) as peer:
        assert status(peer.send(data).receive_all()) in (400, 501, 505)
    assert status(ask(port, head("GET", "/", CLOSE))) == 200


def test_every_truncation_is_survived(port: int) -> None:  # W-9
    whole = head("POST", "/", "Content-Length: 3") + b"abc"
    for end in range(0, len(whole), 5):
        with Peer(port) as peer:
            peer.send(whole[:end])
    assert status(ask(port, head("GET", "/", CLOSE))) == 200


# -- too slow


def test_request_that_never_ends_is_given_up(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:  # W-9
    monkeypatch.setattr(http_face, "REQUEST_SECONDS", 0.2)
    assert status(ask(port, b"GET / HT")) == 408
    assert status(ask(port, head("POST", "/", "Content-Length: 9") + b"x")) == 408


def test_silent_connection_is_closed(port: int, monkeypatch: pytest.MonkeyPatch) -> None:  # W-9
    monkeypatch.setattr(http_face, "IDLE_SECONDS", 0.2)
    assert ask(port, b"") == b""


def test_thousand_half_open_connections_keep_nobody_out(port: int) -> None:  # W-9
    half_open = [Peer(port).send(b"POST / HTTP/1.1\r\n") for _ in range(1000)]
    assert status(ask(port, head("GET", "/", CLOSE))) == 200
    for peer in half_open:
        peer.socket.close()
    assert status(ask(port, head("GET", "/", CLOSE))) == 200


def test_connections_above_the_limit_wait_their_turn() -> None:  # W-9
    with served(lambda listener: HttpFace(listener, answer, max_connections=1)) as port:
        with Peer(port) as first:
            assert status(first.send(head()).receive()) == 200
            second = Peer(port).send(head("GET", "/", CLOSE))
        with second:
            assert status(second.receive_all()) == 200


def test_handshake_has_a_deadline(  # W-9
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(http_face, "HANDSHAKE_SECONDS", 0.2)
    certificates = ensure_certificates(tmp_path)
    context = gevent_ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    with served(lambda listener: HttpFace(listener, answer, context)) as port, Peer(port) as peer:
        assert peer.receive_all() == b""
