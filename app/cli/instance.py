"""What the commands keep in the instance folder beside the secrets: who runs here now, and the
ports that stay the same, so that endpoints and browsers survive a restart."""

import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import Any

import click


def lock(folder: Path) -> int:
    """Take the folder for this process, until it ends; refused while another one has it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise click.ClickException(_in_use(folder)) from None
    return file


def _in_use(folder: Path) -> str:
    where = running(folder).get("url", "it is just starting")
    return (
        f"pushlab is running already with the folder {folder} ({where}).\n"
        "End it first, or give this one a folder and a port of its own:\n"
        "  PUSHLAB_INSTANCE_DIR=instance-2 PUSHLAB_PORT=8001 ./pushlab lab"
    )


def running(folder: Path) -> dict[str, Any]:
    """What `serve` or `lab` tells about itself, `ready` or still starting; empty when none runs."""
    with contextlib.suppress(OSError, ValueError):
        told: dict[str, Any] = json.loads((folder / "running.json").read_text())
        os.kill(told["pids"]["supervisor"], 0)
        return told
    return {}


def tell_running(folder: Path, told: dict[str, Any]) -> None:
    _write(folder / "running.json", told)


def forget_running(folder: Path) -> None:
    (folder / "running.json").unlink(missing_ok=True)


def ports(folder: Path) -> dict[str, int]:
    """The ports used last time, by name: `app`, `push_service`, `mcs`."""
    with contextlib.suppress(OSError, ValueError):
        known: dict[str, int] = json.loads((folder / "ports.json").read_text())
        return known
    return {}


def remember_ports(folder: Path, used: dict[str, int]) -> None:
    if used != ports(folder):
        _write(folder / "ports.json", used)


def _write(path: Path, content: object) -> None:
    """Readers see the old content or the new, never half of it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(content, indent=1) + "\n")
    fresh.replace(path)
