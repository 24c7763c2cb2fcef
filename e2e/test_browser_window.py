"""`./pushlab browser`: a window that is wired to the running lab."""

import subprocess
import sys
from pathlib import Path

import pytest

from e2e.lab import CHECKOUT, Lab

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("firefox")]


def test_window_has_a_link_to_the_push_service(lab: Lab, tmp_path: Path) -> None:
    mark = lab.push_service.journal.cursor()
    window = subprocess.Popen(
        [
            *(sys.executable, "-m", "e2e.browser", "--browser=firefox", "--headless"),
            f"--running={lab.folder / 'running.json'}",
            f"--profiles={tmp_path}",
            f"--url={lab.url}",
        ],
        cwd=CHECKOUT,
    )
    try:
        linked = lab.push_service.journal.wait_for("user_agent.connected", after=mark, timeout=60)
        assert linked.detail["browser"] == "Firefox"
    finally:
        window.terminate()
        window.wait(timeout=30)
