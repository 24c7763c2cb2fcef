"""The commands as a user types them."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import COMMANDS, main
from app.cli.checkup import examine
from app.cli.lab import lab_environment

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`./pushlab` with these arguments, without the settings of whoever runs the tests."""
    inherited = {name: value for name, value in os.environ.items() if "PUSHLAB_" not in name}
    return subprocess.run(
        [ROOT / "pushlab", *arguments],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def call(*arguments: str, **environment: str) -> str:
    """The same in this process, which is faster; what it printed."""
    done = CliRunner().invoke(main, arguments, env=environment)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_command_is_in_help_and_readme() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output
    readme = (ROOT / "README.md").read_text()
    for name, entry in COMMANDS.items():
        assert (entry.help in shown) is not entry.hidden
        assert entry.hidden or f"`./pushlab {name}`" in readme


def test_unusable_setting_is_a_sentence() -> None:
    done = run("serve", PUSHLAB_PORT="many")
    assert done.returncode == 1
    assert "PUSHLAB_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_taken_port_says_what_to_type(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("lab", PUSHLAB_PORT=str(port), PUSHLAB_INSTANCE_DIR=str(tmp_path))
    assert done.returncode == 1
    assert f"PUSHLAB_PORT={port + 1} ./pushlab lab" in done.stderr


def test_browser_without_a_lab_says_what_to_type(tmp_path: Path) -> None:
    done = run("browser", PUSHLAB_INSTANCE_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "./pushlab lab" in done.stderr


def test_lab_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    given = {"PUSHLAB_INSTANCE_DIR": str(tmp_path)}
    first, second = lab_environment(given), lab_environment(given)
    assert first["PUSHLAB_LAB_SECRET"] == second["PUSHLAB_LAB_SECRET"]
    assert stat.S_IMODE((tmp_path / "lab-secret").stat().st_mode) == 0o600


def test_database_is_nobody_elses(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)  # a folder that was there before
    run("db", "upgrade", PUSHLAB_INSTANCE_DIR=str(tmp_path))
    assert stat.S_IMODE((tmp_path / "pushlab.db").stat().st_mode) == 0o600


@pytest.fixture
def instance(tmp_path: Path) -> dict[str, str]:
    """The environment of a pushlab that nobody started yet."""
    return {"PUSHLAB_INSTANCE_DIR": str(tmp_path), "PUSHLAB_PUSH_SERVICE": "vendors"}


def test_doctor_finds_a_secret_that_others_can_read(
    instance: dict[str, str], tmp_path: Path
) -> None:
    secret = tmp_path / "secret-key"
    secret.write_text("s")
    secret.chmod(0o644)
    (finding,) = (each for each in examine(instance) if "others can read" in each.text)
    assert finding.state == "broken"
    assert finding.way_on == f"chmod 600 '{secret}'"


def test_doctor_finds_a_broken_vapid_key(instance: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "vapid").mkdir()
    (tmp_path / "vapid" / "current.pem").write_text("no key")
    (finding,) = (each for each in examine(instance) if "VAPID" in each.text)
    assert finding.state == "broken"
    assert "current.pem" in finding.way_on


def test_doctor_finds_a_taken_port(instance: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        findings = list(examine({**instance, "PUSHLAB_PORT": str(port)}))
    assert any(each.state == "broken" and f"port {port}" in each.text for each in findings)


def test_checkout_without_environment_says_make_setup(tmp_path: Path) -> None:
    command = tmp_path / "pushlab"
    command.write_bytes((ROOT / "pushlab").read_bytes())
    done = subprocess.run(["sh", command, "lab"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "make -C" in done.stderr
    assert sys.executable not in done.stderr


# W-1
def test_keys_are_shown_rotated_and_retired(tmp_path: Path) -> None:
    def keys(command: str) -> str:
        return call("keys", command, PUSHLAB_INSTANCE_DIR=str(tmp_path))

    assert "The current key is" in keys("rotate")
    shown = keys("show")
    assert ("current" in shown, "retired" in shown, "not here" in shown) == (True, True, False)
    private = (tmp_path / "vapid" / "current.pem").read_text().splitlines()[1]
    assert private not in shown
    assert keys("retire").endswith("is deleted.\n")
    assert keys("retire") == "There is no former key.\n"
    assert [path.name for path in (tmp_path / "vapid").iterdir()] == ["current.pem"]


# W-1
def test_given_key_is_not_rotated(tmp_path: Path) -> None:
    key = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
    folder = str(tmp_path)
    done = run("keys", "rotate", PUSHLAB_INSTANCE_DIR=folder, PUSHLAB_VAPID_PRIVATE_KEY=key)
    assert done.returncode == 1
    assert "by hand" in done.stderr.lower()
    assert key not in done.stdout + done.stderr


# P-2
def test_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    def token(*arguments: str) -> str:
        return call("token", *arguments, PUSHLAB_INSTANCE_DIR=str(tmp_path))

    made = token("create", "build server", "--new-user", "--label", "nightly").strip()
    assert made.startswith("pushlab_")
    listed = token("list")
    assert ("build server" in listed, "nightly" in listed, "valid" in listed) == (True,) * 3
    assert made not in listed
    assert token("revoke", "1") == "Token 1 is revoked.\n"
    assert "revoked" in token("list")


# P-2
def test_token_for_nobody_says_what_to_type(tmp_path: Path) -> None:
    environment = {"PUSHLAB_INSTANCE_DIR": str(tmp_path)}
    done = CliRunner().invoke(main, ["token", "create", "nobody"], env=environment)
    assert done.exit_code == 1
    assert "./pushlab token create 'nobody' --new-user" in done.output
