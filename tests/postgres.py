"""A throw-away PostgreSQL server for tests: its own folder, a Unix socket, no port, no password.
Used by the fixtures in conftest."""

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


@contextmanager
def server() -> Iterator[str]:
    """The SQLAlchemy URL of a running server; ended with the block."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if not initdb or not pg_ctl:
        pytest.skip("PostgreSQL is not installed: make setup")
    folder = Path(tempfile.mkdtemp(prefix="pushlab-pg-"))
    try:
        _let_in(folder)
        _run_initdb(initdb, folder)
        with _running(pg_ctl, folder):
            yield f"postgresql+psycopg://pushlab@/postgres?host={folder}"
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


@contextmanager
def _running(pg_ctl: str, folder: Path) -> Iterator[None]:
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    command = [pg_ctl, "-D", str(folder / "data"), "-w", "-s"]
    log = str(folder / "log")
    _as_somebody([*command, "-l", log, "-o", options, "start"], folder)
    try:
        yield
    finally:
        _as_somebody([*command, "-m", "immediate", "stop"], folder)


def _as_somebody(command: list[str], folder: Path) -> None:
    """PostgreSQL refuses to run as root: then it runs as nobody."""
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        who = {"user": "nobody", "group": 65534, "extra_groups": []}
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **who)
