"""`./pushlab walk` itself: as a user types it, in both browsers, and with something going wrong."""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.app_journal import wait_until
from e2e.lab import CHECKOUT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("walk")]


def start_walk(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """`./pushlab walk`; its throw-away data is in `folder`."""
    return subprocess.Popen(
        [CHECKOUT / "pushlab", "walk", *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the walk keeps its data; a browser's socket in there must have a short path."""
    with tempfile.TemporaryDirectory(prefix="walk-") as name:
        yield Path(name)


# E-12 W-1 W-2 W-3 W-4 W-5 W-6 W-7 W-8 W-9 W-10
def test_walk_in_both_browsers_is_twenty_steps(folder: Path) -> None:
    walk = start_walk(folder, "--browser", "both", "--json")
    output, errors = walk.communicate(timeout=180)
    assert walk.returncode == 0, errors
    results = json.loads(output)
    assert all(result["ok"] and result["evidence"] for result in results)
    assert {(result["browser"], result["step"]) for result in results} == {
        (browser, step) for browser in ("chromium", "firefox") for step in range(1, 11)
    }
    assert results[0].keys() == {"step", "browser", "actor", "ok", "evidence", "ms"}
    assert list(folder.iterdir()) == [], "nothing is left behind"


@pytest.mark.slow
def test_walk_names_the_push_service_that_was_killed(folder: Path) -> None:
    walk = start_walk(folder, "--browser", "chromium")
    assert walk.stdout is not None
    first = walk.stdout.readline()
    assert "VAPID keys" in first
    pid = push_service_of(folder)
    os.kill(pid, signal.SIGKILL)
    _output, errors = walk.communicate(timeout=180)
    assert walk.returncode != 0
    assert f"The Push Service (pid {pid}) ended: killed by SIGKILL." in errors


def push_service_of(folder: Path) -> int:
    """The process id of the push service of the laboratory in `folder`."""

    def look() -> int | None:
        for path in folder.glob("pushlab-walk-*/running.json"):
            told: dict[str, Any] = json.loads(path.read_text())
            return int(told["pids"]["push_service"])
        return None

    return wait_until(look, "a running laboratory")
