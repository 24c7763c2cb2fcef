"""What the push service may drop: replaced by topic, out of time."""

import pytest

from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab


# W-8 W-9
@pytest.mark.mainly("chromium")
def test_newer_message_of_a_topic_replaces_the_held_one(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    token = device.token
    device.close()
    mark = lab.journal.cursor()
    somebody_else.notify("Score 1:0", to=user, topic="score")
    lab.push_service.journal.wait_for("message.held", token=token)
    newer = somebody_else.notify("Score 2:0", to=user, topic="score")["notification_id"]
    lab.push_service.journal.wait_for("message.replaced", token=token)
    device.launch()
    lab.journal.wait_for("push.received", after=mark, notification_id=newer, timeout=30)
    assert len(lab.journal.events("push.received", after=mark)) == 1


# W-8 W-9
@pytest.mark.mainly("chromium")
def test_message_out_of_time_never_comes(lab: Lab, device: Device, somebody_else: Visitor) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    token = device.token
    device.close()
    mark = lab.journal.cursor()
    somebody_else.notify("Now or never", to=user, ttl=0)
    somebody_else.notify("Within a second", to=user, ttl=1)
    journal = lab.push_service.journal
    for ttl in (0, 1):
        journal.wait_for("message.expired", token=token, ttl=ttl, timeout=30)
    kept = somebody_else.notify("Any time", to=user)["notification_id"]
    device.launch()
    lab.journal.wait_for("push.received", after=mark, notification_id=kept, timeout=30)
    assert len(lab.journal.events("push.received", after=mark)) == 1
