"""The HTTP session's hard limits, against a real server."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from app.sending import kept_alive
from app.sending.connection import BODY_LIMIT, Answer
from app.sending.endpoints import Target
from app.sending.transport import NoAnswer, Transport
from tests.sending import server as answers
from tests.sending.server import PushServer

TIMEOUT = 0.5


@pytest.fixture
def session() -> Iterator[Transport]:
    session = Transport(TIMEOUT, connections=4)
    yield session
    session.close()


def post(session: Transport, server: PushServer, path: str = "/push/x") -> Answer:
    return session.post(Target(server.origin + path, trusted=True), {"TTL": "1"}, b"body")


def resolve_to(monkeypatch: Any, *addresses: str) -> None:
    family = socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)


# W-8
def test_answer_has_status_headers_and_text(session: Transport, server: PushServer) -> None:
    server.answers.append(answers.reply(429, {"Retry-After": "7"}, b"slow down"))
    answer = post(session, server)
    assert (answer.status_code, answer.text) == (429, "slow down")
    assert answer.headers["retry-after"] == "7"
    assert server.got[0].body == b"body"


# W-8
def test_connection_is_kept_alive(session: Transport, server: PushServer) -> None:
    for _ in range(3):
        server.answers.append(answers.reply(201, {}, b"{}"))
        post(session, server)
    assert len({got.client_port for got in server.got}) == 1


# W-8
def test_connection_that_ended_between_two_requests_is_replaced(
    session: Transport, server: PushServer
) -> None:
    ended = threading.Event()

    def answer_and_end(handler: answers.Handler) -> None:
        answers.reply(201)(handler)
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
        ended.set()

    server.answers += [answer_and_end, answers.reply(202)]
    post(session, server)
    assert ended.wait(5)
    assert post(session, server).status_code == 202
    assert len(server.got) == 2


# W-8
def test_connection_that_was_idle_for_long_is_not_used(
    session: Transport, server: PushServer, monkeypatch: Any
) -> None:
    post(session, server)
    monkeypatch.setattr(kept_alive, "IDLE_SECONDS", 0.0)
    post(session, server)
    assert len({got.client_port for got in server.got}) == 2


# W-8
def test_kept_connections_are_bounded(server: PushServer, monkeypatch: Any) -> None:
    monkeypatch.setattr(kept_alive, "ORIGINS", 1)
    session = Transport(timeout=10, connections=1)
    for host in ("127.0.0.1", "localhost", "localhost"):
        session.post(Target(f"http://{host}:{server.server_port}/x", trusted=True), {}, b"")
    assert [origin.host for origin in session._kept_alive._idle] == ["localhost"]
    session.close()


# W-8 (measured: both common session libraries repeat a 307 to loopback)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(session: Transport, server: PushServer, status: int) -> None:
    server.answers.append(answers.reply(status, {"Location": server.origin + "/internal"}))
    assert post(session, server).status_code == status
    assert [got.path for got in server.got] == ["/push/x"]


# W-8
@pytest.mark.parametrize(
    "answer",
    [
        answers.never(),
        answers.drip(b"HTTP/1.1 201 "),
        answers.drip(b"HTTP/1.1 201 Created\r\nX: "),
        answers.drip(b"HTTP/1.1 201 Created\r\nContent-Length: 4000\r\n\r\n"),
        answers.drip(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n"),
    ],
    ids=["nothing", "status", "header", "body", "chunk"],
)
def test_whole_request_has_one_time_limit(
    session: Transport, server: PushServer, answer: answers.Answer
) -> None:
    server.answers.append(answer)
    start = time.monotonic()
    with pytest.raises(NoAnswer, match=r"0\.5 seconds"):
        post(session, server)
    assert time.monotonic() - start < 10 * TIMEOUT


# W-8
def test_only_the_beginning_of_a_huge_answer_is_read(
    session: Transport, server: PushServer
) -> None:
    server.answers.append(answers.flood())
    assert len(post(session, server).text) == BODY_LIMIT
    post(session, server)
    assert server.got[0].client_port != server.got[1].client_port


# W-8
def test_headers_without_end_are_no_answer(session: Transport, server: PushServer) -> None:
    def answer(handler: answers.Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 201 Created\r\n")
        while not handler.server.stopped.is_set():
            handler.wfile.write(b"X: " + b"x" * 4000 + b"\r\n")

    server.answers.append(answer)
    with pytest.raises(NoAnswer, match="longer than"):
        post(session, server)


# W-8 (RFC 9110 section 15.2)
def test_interim_answer_is_not_the_answer(session: Transport, server: PushServer) -> None:
    def answer(handler: answers.Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n")
        answers.reply(201, {"Location": "/m"})(handler)

    server.answers.append(answer)
    found = post(session, server)
    assert (found.status_code, found.headers.get("retry-after")) == (201, None)
    assert found.headers["location"] == "/m"


# W-8 (RFC 9112 section 6.3)
def test_answer_may_end_with_its_connection(session: Transport, server: PushServer) -> None:
    def answer(handler: answers.Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 500 Broken\r\nConnection: close\r\n\r\nwords")
        handler.close_connection = True

    server.answers.append(answer)
    assert post(session, server) == Answer(500, {"connection": "close"}, "words")


# W-8
@pytest.mark.parametrize("value", ["a\r\nHost: x", "a\nb", "\x00", "ä"])
def test_header_that_would_begin_another_is_not_sent(
    session: Transport, server: PushServer, value: str
) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        session.post(Target(server.origin + "/x", trusted=True), {"topic": value}, b"")
    assert server.got == []


# W-8
def test_compressed_answer_is_not_unpacked(session: Transport, server: PushServer) -> None:
    server.answers.append(answers.reply(500, {"Content-Encoding": "gzip"}, b"no gzip"))
    assert post(session, server).text == "no gzip"


# W-8
@pytest.mark.parametrize("raw", [b"garbage\r\n\r\n", b"", b"HTTP/1.1 999999 x\r\n\r\n"])
def test_nonsense_is_no_answer(session: Transport, server: PushServer, raw: bytes) -> None:
    def answer(handler: answers.Handler) -> None:
        handler.wfile.write(raw)
        handler.close_connection = True

    server.answers.append(answer)
    with pytest.raises(NoAnswer):
        post(session, server)


# W-8
def test_refused_connection_is_no_answer(session: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NoAnswer, match="refused"):
        session.post(Target(f"http://127.0.0.1:{port}/x", trusted=True), {}, b"")


# W-8
def test_proxy_of_the_environment_is_ignored(
    session: Transport, server: PushServer, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert post(session, server).status_code == 201


# W-6 (SSRF)
@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
def test_vendor_name_with_a_private_address_is_not_connected(
    session: Transport, monkeypatch: Any, address: str
) -> None:
    resolve_to(monkeypatch, address)
    connected: list[Any] = []
    monkeypatch.setattr(socket, "create_connection", lambda *a, **o: connected.append(a))
    with pytest.raises(NoAnswer, match="no public address"):
        session.post(Target("https://fcm.googleapis.com/x", trusted=False), {}, b"")
    assert connected == []


# W-6 (SSRF, DNS rebinding)
def test_connected_address_is_the_checked_one(session: Transport, monkeypatch: Any) -> None:
    resolve_to(monkeypatch, "10.0.0.1", "8.8.8.8", "127.0.0.1", "8.8.4.4")
    tried: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], *args: Any, **options: Any) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(NoAnswer):
        session.post(Target("https://fcm.googleapis.com/x", trusted=False), {}, b"")
    assert tried == [("8.8.8.8", 443), ("8.8.4.4", 443)]


# W-6 (SSRF)
def test_untrusted_target_is_never_plain_http(session: Transport, server: PushServer) -> None:
    with pytest.raises(ValueError):
        session.post(Target(server.origin + "/x", trusted=False), {}, b"")
    assert server.got == []


# W-8
def test_many_threads_share_a_session(server: PushServer) -> None:
    session = Transport(timeout=10, connections=8)
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.append(post(session, server).status_code))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.close()
    assert codes == [201] * 8
