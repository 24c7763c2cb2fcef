"""The pytest plugin in a project that is not ours."""

import subprocess
import sys
from pathlib import Path

HEAVY = {"cryptography", "gevent", "http_ece", "playwright", "push_service.cli", "sqlalchemy"}

PROJECT = """
def test_push(push_service, virtual_device):
    subscription = virtual_device.subscribe()
    assert subscription.endpoint.startswith(push_service.http)
    assert push_service.journal.events("subscription.created", token=subscription.token)
"""


#
def test_plugin_imports_nothing_until_a_fixture_is_used() -> None:
    program = "import sys, push_service.testing.plugin; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "push_service.testing.plugin" in loaded
    assert HEAVY.isdisjoint(loaded)


#
def test_fixtures_are_there_without_any_configuration(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(PROJECT)
    (tmp_path / "app").mkdir()  # their own package of that name is none of our business
    (tmp_path / "app" / "__init__.py").touch()
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout
