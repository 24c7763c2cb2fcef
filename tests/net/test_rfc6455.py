"""The same bytes against `app.net` and against the library that flask-sock brings, side by side
under one gunicorn: ours does what RFC 6455 asks for, and so is nowhere worse. Both are described in
docs/websocket.md; RFC_TABLE=1 and -s print its rows anew."""

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.net.clients import PATIENCE
from tests.net.rfc6455 import CASES, OPENINGS, Answer, Case, Opening

#: How long a peer that should hang up may take to; longer counts as never.
NEVER = 1.5
KINDS = {1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}

TABLE = (Path(__file__).parents[2] / "docs" / "websocket.md").read_text().splitlines()

Outcome = tuple[Answer, str]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        command = [sys.executable, "-m", "tests.net.echo_server", str(listener.fileno())]
        quiet = subprocess.DEVNULL  # the stock library's refusals are tracebacks
        with subprocess.Popen(command, pass_fds=[listener.fileno()], stderr=quiet) as process:
            yield listener.getsockname()[1]
            process.terminate()


def shake_hands(port: int, path: str, opening: Opening = OPENINGS[0]) -> tuple[socket.socket, int]:
    """The connection, and the status that the server answered with; 0 for none."""
    lines = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "echo",
    } | opening.changed
    head = [f"{name}: {value}" for name, value in lines.items() if value]
    peer = socket.create_connection(("127.0.0.1", port), PATIENCE)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.sendall("\r\n".join([opening.start.replace("PATH", path), *head, "", ""]).encode())
    answer = b""
    try:
        while b"\r\n\r\n" not in answer and (byte := peer.recv(1)):
            answer += byte
    except OSError:
        peer.close()
        raise
    return peer, int(answer.split()[1]) if answer else 0


def outcome(port: int, path: str, case: Case) -> Outcome:
    """The frames that came, and how the connection ended: "closed", "reset" or "left open"."""
    peer, status = shake_hands(port, path)
    with peer:
        assert status == 101
        with suppress(ConnectionError):  # it may have hung up already
            send(peer, case)
        received, end = receive_all(peer)
    return tuple(read(received)), end


def send(peer: socket.socket, case: Case) -> None:
    size = 1 if case.trickles else len(case.sent) or 1
    for start in range(0, len(case.sent), size):
        peer.sendall(case.sent[start : start + size])
    if case.right == ((),):
        peer.shutdown(socket.SHUT_WR)


def receive_all(peer: socket.socket) -> tuple[bytes, str]:
    received = b""
    peer.settimeout(NEVER)
    try:
        while data := peer.recv(1 << 16):
            received += data
    except TimeoutError:
        return received, "left open"
    except ConnectionError:
        return received, "reset"
    return received, "closed"


def read(data: bytes) -> Iterator[str]:
    """A server's frames as words; the reasons of Close frames are left out."""
    while data:
        length, start = data[1], 2
        if length == 126:
            length, start = *struct.unpack_from("!H", data, 2), 4
        elif length == 127:
            length, start = *struct.unpack_from("!Q", data, 2), 10
        payload, kind = data[start : start + length], KINDS[data[0] & 15]
        data = data[start + length :]
        yield f"{kind} {words(kind, payload)}" if payload or kind != "close" else kind


def words(kind: str, payload: bytes) -> str:
    if kind == "close":
        return str(int.from_bytes(payload[:2], "big"))
    return payload.hex() if kind == "binary" else payload.decode()


def described(seen: Outcome) -> str:
    answer, end = seen
    said = ", ".join(one if len(one) < 20 else f"{one[:12]}…" for one in answer)
    said = said.replace("\0", "\\0")
    return f"{said or 'nothing'}{'' if end == 'closed' else f'; {end}'}"


def row(name: str, section: str, ours: str, stock: str) -> str:
    return f"| {name} | {section} | {ours} | {'the same' if stock == ours else stock} |"


def assert_documented(line: str) -> None:
    if os.environ.get("RFC_TABLE"):
        print(line)  # noqa: T201 (asked for)
    else:
        assert line in TABLE


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_frames_are_answered_as_the_rfc_says(port: int, case: Case) -> None:  # P-8
    ours = outcome(port, "/ours", case)
    assert ours[0] in case.right
    assert ours[1] == "closed"
    # The stock library may hang up while bytes are unread: once in sixty times its peer reads the
    # end before the reset.
    for _ in range(4):
        stock = outcome(port, "/stock", case)
        line = row(case.name, case.section, described(ours), described(stock))
        if line in TABLE:
            break
    assert_documented(line)


@pytest.mark.parametrize("opening", OPENINGS, ids=lambda opening: opening.name)
def test_opening_handshake_is_answered_as_the_rfc_says(port: int, opening: Opening) -> None:  # P-2
    ours, stock = (status_of(port, path, opening) for path in ("/ours", "/stock"))
    assert ours in opening.right
    assert_documented(row(opening.name, opening.section, str(ours), str(stock)))


def status_of(port: int, path: str, opening: Opening) -> int:
    peer, status = shake_hands(port, path, opening)
    peer.close()
    return status
