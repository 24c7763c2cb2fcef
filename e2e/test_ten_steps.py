"""The ten steps, one after the other, each looked at from the receiving side."""

from e2e.device import Device
from e2e.http import Visitor
from e2e.steps import TenSteps


# W-1 W-2 W-3 W-4 W-5 W-6 W-7 W-8 W-9 W-10
def test_ten_steps_happen(fresh_device: Device, somebody_else: Visitor) -> None:
    evidence = {step.number: step.happen() for step in TenSteps(fresh_device, somebody_else)}
    assert list(evidence) == list(range(1, 11))
    assert all(evidence.values())
