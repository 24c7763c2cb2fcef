"""The push service on PostgreSQL, whose server dies and comes back."""

import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import run

import psycopg
import pytest

from push_service.database import LOCK
from push_service.testing.push_service_process import PushServiceProcess
from push_service.testing.virtual_device import VirtualDevice
from tests import postgres
from tests.push_service.sending import Sender


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """Not the one of all tests: this one is killed."""
    with postgres.server() as server:
        yield server


@pytest.fixture
def push_service(server: postgres.Server, tmp_path: Path) -> Iterator[PushServiceProcess]:
    with PushServiceProcess(tmp_path, arguments=["--database-url", server.url]) as process:
        yield process


def test_nothing_accepted_is_lost_when_the_database_restarts(
    server: postgres.Server, push_service: PushServiceProcess
) -> None:  # W-9
    sender = Sender(push_service)
    with VirtualDevice(push_service.http) as device:
        subscription = device.subscribe(sender.key)
        device.disconnect()
        for number in range(5):
            assert sender.send(subscription.as_json(), str(number)) == 201
        server.kill()
        assert [sender.send(subscription.as_json(), "refused") for _ in range(3)] == [503] * 3
        server.start()
        # What is handed in first finds out that the old connection is dead.
        statuses = [sender.send(subscription.as_json(), "after") for _ in range(2)]
        assert statuses[-1] == 201
        device.connect()
        received = [device.receive().data for _ in range(5 + statuses.count(201))]
    assert received == [b"0", b"1", b"2", b"3", b"4"] + [b"after"] * statuses.count(201)


def test_connected_browser_is_sent_away_and_comes_back(
    server: postgres.Server, push_service: PushServiceProcess
) -> None:  # W-9
    sender = Sender(push_service)
    with VirtualDevice(push_service.http) as device:
        subscription = device.subscribe(sender.key)
        assert sender.send(subscription.as_json(), "hello") == 201
        first = device.receive(acknowledge=False)
        server.kill()
        device.acknowledge(first)  # cannot be stored
        push_service.journal.wait_for("user_agent.disconnected")
        server.start()
        device.connect()
        assert device.receive() == first


def test_second_push_service_is_kept_off_the_database(
    server: postgres.Server, push_service: PushServiceProcess, tmp_path: Path
) -> None:  # W-9
    assert push_service.pid
    second = serve(tmp_path / "second", server.url)
    assert "another push service uses this database" in second


def test_database_that_another_one_took_meanwhile_is_a_503(
    server: postgres.Server, push_service: PushServiceProcess
) -> None:  # W-9
    sender = Sender(push_service)
    with VirtualDevice(push_service.http) as device:
        subscription = device.subscribe(sender.key).as_json()
        server.kill()
        server.start()
        with psycopg.connect(server.libpq_url, autocommit=True) as another:
            another.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            assert [sender.send(subscription, "refused") for _ in range(2)] == [503] * 2
        assert sender.send(subscription, "taken") == 201
        assert device.receive().data == b"taken"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql+psycopg://nobody@/postgres?host=/nowhere", "the database is away"),
        ("mysql://localhost/x", "must be SQLite or PostgreSQL"),
        ("nonsense", "Could not parse"),
    ],
)
def test_database_that_cannot_be_used_is_said_in_a_sentence(
    tmp_path: Path, url: str, why: str
) -> None:  # W-9
    assert why in serve(tmp_path, url)


def serve(data: Path, url: str) -> str:
    """What a push service says that does not start."""
    command = [sys.executable, "-m", "push_service", "--data", str(data), "--database-url", url]
    ended = run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr
