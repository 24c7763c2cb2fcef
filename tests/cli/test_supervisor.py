"""The supervisor: restarts what ends, and nothing outlives it, not even a `kill -9`."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
House = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def house() -> Iterator[House]:
    """Starts `tests.cli.toy_house`; ends it afterwards if it still runs."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.toy_house", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def next_toy(process: "subprocess.Popen[str]") -> int:
    told: dict[str, Any] = json.loads(next_line(process))
    return int(told["pid"])


def assert_ends(pid: int) -> None:
    """The process is gone, or goes within ten seconds."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with os.fdopen(watched, "rb"):
        ended, _, _ = select.select([watched], [], [], 10)
        assert ended, f"{pid} is still there"


def test_supervisor_starts_again_what_was_killed(house: House) -> None:
    process = house()
    first = next_toy(process)
    os.kill(first, signal.SIGKILL)
    assert next_toy(process) != first


def test_supervisor_ends_its_processes_with_itself(house: House) -> None:
    process = house()
    toy = next_toy(process)
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert_ends(toy)


def test_killed_supervisor_leaves_nothing_behind(house: House) -> None:
    process = house()
    toy = next_toy(process)
    process.kill()
    assert_ends(toy)


def test_supervisor_without_restart_says_who_ended(house: House) -> None:
    process = house("--no-restart")
    toy = next_toy(process)
    os.kill(toy, signal.SIGKILL)
    assert next_line(process) == f"The Toy (pid {toy}) ended: killed by SIGKILL."
    assert process.wait(timeout=20) == 1


def test_supervisor_says_who_did_not_start(house: House) -> None:
    process = house("--broken")
    assert next_line(process).startswith("The Toy ended with exit code 7.")
    assert process.wait(timeout=20) == 1
