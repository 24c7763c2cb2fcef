"""A sender as it is deployed, a process without pages or sockets: its numbers are behind a port of
their own."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from app import config
from app.db import Database, prepare_sqlite
from app.sending import vapid
from tests import records, waiting
from tests.sending.server import PushServer, serve

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def push_server() -> Iterator[PushServer]:
    with serve() as server:
        yield server


@contextmanager
def sender(settings: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Running until the block ends; then it has to end as asked."""
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("PUSHLAB_")}
    with subprocess.Popen(
        [sys.executable, "-m", "app", "sender"],
        cwd=ROOT,
        env=inherited | settings,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("A sender of ")
            yield process
        finally:
            process.terminate()
            assert process.wait(30) == 0


def test_numbers_of_a_sender_are_behind_its_private_port(
    tmp_path: Path, empty_file: Path, push_server: PushServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        where = f"127.0.0.1:{probe.getsockname()[1]}"
    environment = {
        "PUSHLAB_INSTANCE_DIR": str(tmp_path),
        "PUSHLAB_BUS_URL": "http://127.0.0.1",
        "PUSHLAB_PUBLIC_URL": "https://pushlab.example",
        "PUSHLAB_PUSH_SERVICE": "local",
        "PUSHLAB_PUSH_SERVICE_URL": push_server.origin,
        "PUSHLAB_METRICS_LISTEN": where,
    }
    shutil.copy(empty_file, tmp_path / "pushlab.db")
    database = prepare(environment)
    user_id = records.make_user(database)
    records.make_device(database, user_id, f"{push_server.origin}/push/lab_x")
    records.create(database, user_id)
    database.engine.dispose()
    with sender(environment):
        push_server.wait_for(1)
        sent = f'pushlab_sends_total{{answer="201",push_service="{push_server.origin}"}} 1.0'
        waiting.until(lambda: sent in scrape(where))
        told = scrape(where)
        # What it has no part in is not there: no connections, and not what all do together.
        names = set(re.findall(r"^(\w+)", told, re.MULTILINE))
        assert {"pushlab_send_seconds_bucket", "pushlab_writer_waiting"} <= names
        assert not {"pushlab_connections", "pushlab_pending_notifications"} & names
    with pytest.raises(URLError):
        scrape(where)


def prepare(environment: dict[str, str]) -> Database:
    """The tables' version and the key, as the process with the pages makes them."""
    settings = config.load({**environment, "PUSHLAB_ROLES": "sender"})
    engine = create_engine(settings.database_url)
    prepare_sqlite(engine)
    with engine.begin() as connection:
        scripts = ScriptDirectory(str(ROOT / "migrations"))
        MigrationContext.configure(connection).stamp(scripts, "heads")
    database = Database(engine)
    database.write(lambda session: vapid.register(session, vapid.load(settings)))
    return database


def scrape(where: str) -> str:
    with urlopen(f"http://{where}/metrics", timeout=10) as answer:
        return str(answer.read().decode())
