"""Fault switches: off unless lab mode armed them."""

import threading

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
