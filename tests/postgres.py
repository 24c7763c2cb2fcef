"""A throw-away PostgreSQL server for tests: its own folder, a Unix socket, no port, no password.
Used by the fixtures in conftest, and by a bench."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData


class Server:
    """One server with its data in `folder`: started, killed, started again. `durable`: a commit is
    on the disk, which no test waits for."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self._folder = folder
        self._durable = durable
        self._initdb, self._pg_ctl = _program("initdb"), _program("pg_ctl")
        if not self._initdb or not self._pg_ctl:
            pytest.skip("PostgreSQL is not installed: make setup")
        _let_in(folder)
        _run_initdb(self._initdb, folder)

    @property
    def url(self) -> str:
        """For SQLAlchemy."""
        return f"postgresql+psycopg://pushlab@/postgres?host={self._folder}"

    @property
    def libpq_url(self) -> str:
        return self.url.replace("+psycopg", "")

    @property
    def pid(self) -> int:
        """The postmaster's: all others are its children."""
        return int((self._folder / "data" / "postmaster.pid").read_text().split()[0])

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._folder}'"
        options += f" -c fsync={'on' if self._durable else 'off'}"
        self._control("-l", str(self._folder / "log"), "-o", options, "start")

    def kill(self) -> None:
        """As a crash would: nothing is finished, connections break."""
        self._control("-m", "immediate", "stop")

    def _control(self, *arguments: str) -> None:
        data = str(self._folder / "data")
        _as_somebody([str(self._pg_ctl), "-D", data, "-w", "-s", *arguments], self._folder)


@contextmanager
def server(*, durable: bool = False) -> Iterator[Server]:
    """A running server; ended with the block."""
    folder = Path(tempfile.mkdtemp(prefix="pushlab-pg-"))
    try:
        running = Server(folder, durable=durable)
        running.start()
        try:
            yield running
        finally:
            running.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def empty(engine: Engine, metadata: MetaData) -> None:
    """Delete all rows of all tables."""
    names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")


def _program(name: str) -> str | None:
    """On PATH, or where Debian keeps it."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


def _let_in(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", 65534)


def _run_initdb(initdb: str, folder: Path) -> None:
    command = [initdb, "-D", str(folder / "data"), "-U", "pushlab", "-A", "trust", "-E", "UTF8"]
    _as_somebody([*command, "--locale=C", "--no-sync"], folder)


def _as_somebody(command: list[str], folder: Path) -> None:
    """PostgreSQL refuses to run as root: then it runs as nobody."""
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        who = {"user": "nobody", "group": 65534, "extra_groups": []}
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **who)
