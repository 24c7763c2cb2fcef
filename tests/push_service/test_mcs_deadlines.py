"""The MCS port and peers that let it wait: each has its time, and nobody waits for them."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from gevent import ssl as gevent_ssl

from push_service import mcs_face
from push_service.certificates import Certificates, ensure_certificates
from push_service.mcs_face import McsFace
from push_service.wire import mcs
from tests.push_service.parts import service_on, sqlite_url
from tests.push_service.serving import TIMEOUT, served

SOON = 0.3
NEVER = 3600.0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return ensure_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def port(
    tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    for deadline in ("LOGIN_SECONDS", "SILENCE_SECONDS", "SEND_SECONDS"):
        monkeypatch.setattr(mcs_face, deadline, NEVER)
    context = gevent_ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    with (
        service_on(sqlite_url(tmp_path)) as service,
        served(lambda listener: McsFace(service.hub, _small(listener), context, 10)) as port,
    ):
        yield port


def _small(listener: socket.socket) -> socket.socket:
    """Its connections take little that the peer has not read."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return listener


@pytest.fixture
def plain(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
        yield connection


@pytest.fixture
def link(plain: socket.socket, certificates: Certificates) -> Iterator[ssl.SSLSocket]:
    """A connection that has logged in."""
    context = ssl.create_default_context(cafile=str(certificates.ca))
    login = mcs.LoginRequest(user="1", auth_token="2")
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        connection.sendall(bytes([mcs.VERSION]) + mcs.encode(login))
        assert connection.recv(1) == bytes([mcs.VERSION])
        yield connection


def wait_for_end(connection: socket.socket) -> None:
    """Until the other side hangs up; raises TimeoutError when it does not."""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while connection.recv(65536):
            pass


# W-9
def test_handshake_has_a_deadline(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(mcs_face, "LOGIN_SECONDS", SOON)
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
        wait_for_end(connection)


# W-9
def test_login_has_a_deadline(
    monkeypatch: pytest.MonkeyPatch, port: int, certificates: Certificates
) -> None:
    monkeypatch.setattr(mcs_face, "LOGIN_SECONDS", SOON)
    context = ssl.create_default_context(cafile=str(certificates.ca))
    with (
        socket.create_connection(("127.0.0.1", port), TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(bytes([mcs.VERSION]) + b"\x02\x50never finished")
        wait_for_end(connection)


# W-9
def test_login_deadline_ends_with_the_login(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, port: int
) -> None:
    monkeypatch.setattr(mcs_face, "LOGIN_SECONDS", 5 * SOON)
    link: ssl.SSLSocket = request.getfixturevalue("link")
    link.settimeout(6 * SOON)
    with pytest.raises(TimeoutError):
        wait_for_end(link)


# W-9
def test_silence_after_the_login_has_a_deadline(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, port: int
) -> None:
    monkeypatch.setattr(mcs_face, "SILENCE_SECONDS", SOON)
    wait_for_end(request.getfixturevalue("link"))


# W-9
def test_peer_that_does_not_read_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, link: ssl.SSLSocket
) -> None:
    monkeypatch.setattr(mcs_face, "SEND_SECONDS", SOON)
    with pytest.raises((ConnectionError, ssl.SSLError)):
        ping_for_ever(link)


def ping_for_ever(link: ssl.SSLSocket) -> None:
    pings = mcs.encode(mcs.HeartbeatPing()) * 10_000
    while True:
        link.sendall(pings)
