"""The wheel, and a place where nothing but the wheel is known of this project."""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.push_service.testing.outside import ENVIRONMENT, Outside

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution, built from this checkout as `python -m build --wheel` would."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*command, "--directory", str(folder)], cwd=ROOT, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed_wheel(wheel: Path) -> Path:
    """The wheel, installed in the other environment. There is one such environment: whoever comes
    first installs, and nobody installs again what is there while others use it."""
    if not ENVIRONMENT.exists():
        pytest.skip("the example's environment is missing: make setup")
    digest, stamp = hashlib.sha256(wheel.read_bytes()).hexdigest(), ENVIRONMENT / "installed"
    pip = [str(ENVIRONMENT / "bin/pip"), "install", "--quiet", "--no-index", "--no-deps"]
    with (ENVIRONMENT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != digest:
            subprocess.run([*pip, "--force-reinstall", str(wheel)], check=True)
            stamp.write_text(digest)
    return wheel


@pytest.fixture
def outside(installed_wheel: Path, tmp_path: Path) -> Outside:
    """An empty project that has installed the wheel."""
    assert installed_wheel.exists()
    return Outside(tmp_path)
