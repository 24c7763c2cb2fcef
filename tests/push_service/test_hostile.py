"""A real push service among bad peers: it stays up, stays small, and serves the good ones."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from push_service.testing.push_service_process import PushServiceProcess
from push_service.testing.virtual_device import VirtualDevice
from push_service.wire import mcs
from tests.net.clients import masked_frame
from tests.push_service.fake_chromium import FakeChromium
from tests.push_service.sending import Sender
from tests.push_service.serving import Peer

MEGABYTE = 1 << 20

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture(scope="module")
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServiceProcess]:
    with PushServiceProcess(tmp_path_factory.mktemp("push-service"), tls=True) as process:
        yield process
        assert "Traceback" not in process.log.read_text()


@pytest.fixture(autouse=True)
def _serves_afterwards(push_service: PushServiceProcess) -> Iterator[None]:
    """After each test of this file a push still arrives."""
    yield
    deliver(push_service)


def deliver(push_service: PushServiceProcess) -> None:
    sender = Sender(push_service)
    with VirtualDevice(push_service.http) as device:
        subscription = device.subscribe(sender.key)
        assert sender.send(subscription.as_json(), "still there") == 201
        assert device.receive().data == b"still there"


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def memory(push_service: PushServiceProcess) -> int:
    """Resident bytes."""
    pages = Path(f"/proc/{push_service.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


def test_half_open_connections_cost_little(push_service: PushServiceProcess) -> None:  # W-9
    before = memory(push_service)
    ports = [port_of(push_service.http), port_of(push_service.https)]
    openings = [b"", b"POST /push/lab_x HTTP/1.1\r\nHost", b"\x16\x03\x01", UPGRADE]
    peers = [Peer(ports[n % 2]).send(openings[n // 2 % 4]) for n in range(1000)]
    assert memory(push_service) - before < 100 * MEGABYTE
    for peer in peers:
        peer.socket.close()


def test_heavy_senders_cost_no_more_than_is_kept_of_a_request(
    push_service: PushServiceProcess,
) -> None:  # W-9
    before = memory(push_service)
    head = b"POST /push/lab_x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    peers = [Peer(port_of(push_service.http)).send(head + bytes(900_000)) for _ in range(100)]
    assert memory(push_service) - before < 50 * MEGABYTE
    for peer in peers:
        peer.socket.close()


def test_device_that_never_acknowledges_costs_its_window(
    push_service: PushServiceProcess,
) -> None:  # W-9
    sender = Sender(push_service)
    with VirtualDevice(push_service.http) as device:
        subscription = device.subscribe(sender.key)
        before = memory(push_service)
        for _ in range(300):
            assert sender.post(subscription.endpoint, bytes(4096)) == 201
        assert memory(push_service) - before < 30 * MEGABYTE


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_survived(push_service: PushServiceProcess, seed: int) -> None:  # W-9
    noise = random.Random(seed)
    starts = [b"", UPGRADE, b"POST /push/lab_x HTTP/1.1\r\n", b"GET /lab/journal HTTP/1.1\r\n"]
    for _ in range(40):
        with Peer(port_of(noise.choice([push_service.http, push_service.https]))) as peer:
            peer.send(noise.choice(starts)).send(noise.randbytes(noise.randrange(3000)))


@contextmanager
def flooding(pipe: socket.socket, data: bytes) -> Iterator[None]:
    """While the block runs: one thread sends this without a pause, another drops the answers."""

    def send_for_ever() -> None:
        with suppress(OSError):
            while True:
                pipe.sendall(data)

    def read_for_ever() -> None:
        with suppress(OSError):
            while pipe.recv(1 << 16):
                pass

    threads = [threading.Thread(target=work) for work in (send_for_ever, read_for_ever)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        with suppress(OSError):
            pipe.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    ("opening", "data"),
    [
        pytest.param(UPGRADE, masked_frame(0x8A, b""), id="pongs"),
        pytest.param(
            *(UPGRADE + masked_frame(0x81, b'{"messageType":"hello"}'), masked_frame(0x81, b"{}")),
            id="pings of Firefox",
            marks=pytest.mark.slow,
        ),
        pytest.param(b"", b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", id="requests"),
    ],
)
def test_flood_leaves_the_others_their_turn(
    push_service: PushServiceProcess, opening: bytes, data: bytes
) -> None:  # W-9
    peer = Peer(port_of(push_service.http)).send(opening)
    with peer, flooding(peer.socket, data * 1000):
        deliver(push_service)


def test_flood_over_mcs_leaves_the_others_their_turn(push_service: PushServiceProcess) -> None:
    # W-9
    with FakeChromium(push_service).log_in() as link:
        heartbeat = mcs.encode(mcs.HeartbeatAck())
        with flooding(link.socket, heartbeat * 1000):
            deliver(push_service)
