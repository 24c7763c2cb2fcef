"""What is measured: the push service, and a peer that does the least that can be called storing.

Each is a process (tree) of its own; `cpu_seconds` is what all of it has used, user and system.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import measuring


class Server:
    """A running server process that said in a line of JSON where it listens."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process = process
        self.url = str(json.loads(process.stdout.readline())["http"])

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_seconds(self) -> float:
        """Of the process and its descendants that still live."""
        return measuring.cpu_seconds(self._process.pid)


@contextmanager
def push_service(data: Path, arguments: Sequence[str] = ()) -> Iterator[Server]:
    """Ours, without the lab: nothing is written that a production service would not write."""
    with _running(["-m", "push_service", "--data", str(data), *arguments]) as server:
        yield server


@contextmanager
def floor(data: Path) -> Iterator[Server]:
    """The peer: an aiohttp handler that stores one row in SQLite per POST."""
    with _running(["-m", "bench.push_service.floor", str(data / "floor.db")]) as server:
        yield server


@contextmanager
def _running(arguments: list[str]) -> Iterator[Server]:
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.terminate()
