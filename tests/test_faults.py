"""Fault switches: off unless lab mode armed them."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.faults import Faults, InjectedFault

POINT = "sender.before_send"


def test_fault_cannot_be_armed_outside_the_lab() -> None:  # W-12
    with pytest.raises(RuntimeError, match="lab mode only"):
        Faults(enabled=False).arm(POINT)


def test_fault_unknown_point_is_refused() -> None:
    with pytest.raises(KeyError):
        Faults(enabled=True).arm("nowhere")


def test_fault_fails_as_often_as_armed() -> None:  # W-12
    faults = Faults(enabled=True)
    faults.arm(POINT, "fail", times=2)
    for _ in range(2):
        with pytest.raises(InjectedFault):
            faults.reach(POINT)
    faults.reach(POINT)
    assert faults.armed() == {}


def test_fault_holds_until_disarmed() -> None:  # W-12
    faults = Faults(enabled=True)
    faults.arm(POINT, "hold")
    passed = threading.Event()

    def pass_the_point() -> None:
        faults.reach(POINT)
        passed.set()

    thread = threading.Thread(target=pass_the_point)
    thread.start()
    assert not passed.wait(0.05)
    faults.disarm(POINT)
    assert passed.wait(5)
    thread.join()


def test_shared_crash_is_for_one_process(tmp_path: Path) -> None:  # W-12, P-12
    (tmp_path / POINT).write_text("crash")
    assert [_ending(tmp_path, enabled=True) for _ in range(2)] == [-signal.SIGKILL, 0]
    assert not (tmp_path / POINT).exists()


def test_shared_switch_means_nothing_outside_the_lab(tmp_path: Path) -> None:  # W-12
    (tmp_path / POINT).write_text("crash")
    assert _ending(tmp_path, enabled=False) == 0
    assert (tmp_path / POINT).exists()


def test_shared_hold_is_over_when_its_file_is_gone(tmp_path: Path) -> None:  # W-12
    (tmp_path / POINT).write_text("hold")
    faults = Faults(enabled=True, folder=tmp_path)
    thread = threading.Thread(target=faults.reach, args=[POINT])
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    (tmp_path / POINT).unlink()
    thread.join(5)
    assert not thread.is_alive()


def _ending(folder: Path, *, enabled: bool) -> int:
    """How a process ends that comes to the point."""
    faults = f"Faults(enabled={enabled}, folder=Path({str(folder)!r}))"
    program = f"from pathlib import Path; from app.faults import Faults; {faults}.reach({POINT!r})"
    return subprocess.run([sys.executable, "-c", program]).returncode
