"""What the commands keep in the instance folder."""

import os
from pathlib import Path

import click
import pytest

from app.cli import instance


def test_lock_refuses_a_second_house_in_one_folder(tmp_path: Path) -> None:
    lock = instance.lock(tmp_path)
    with pytest.raises(click.ClickException, match="running already"):
        instance.lock(tmp_path)
    os.close(lock)
    os.close(instance.lock(tmp_path))


def test_running_is_empty_when_its_supervisor_is_gone(tmp_path: Path) -> None:
    instance.tell_running(tmp_path, {"pids": {"supervisor": os.getpid()}, "url": "http://x"})
    assert instance.running(tmp_path)["url"] == "http://x"
    instance.tell_running(tmp_path, {"pids": {"supervisor": 2**22 + 1}, "url": "http://x"})
    assert instance.running(tmp_path) == {}


def test_ports_survive_a_broken_file(tmp_path: Path) -> None:
    instance.remember_ports(tmp_path, {"app": 8000})
    assert instance.ports(tmp_path) == {"app": 8000}
    (tmp_path / "ports.json").write_text("{")
    assert instance.ports(tmp_path) == {}
