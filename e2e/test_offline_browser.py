"""Messages wait while the browser is away, and come once."""

import pytest

from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab


# W-9 W-10
def test_held_messages_come_in_order_and_once(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.close()
    mark = lab.journal.cursor()
    sent = [
        somebody_else.notify(f"Held {number}", to=user)["notification_id"] for number in range(3)
    ]
    device.launch()
    arrived = lab.journal.wait_for_count(3, "push.received", after=mark, timeout=30)
    assert [event["notification_id"] for event in arrived] == sent
    lab.journal.wait_for_count(3, "notification.shown", after=mark)
    assert {each["tag"] for each in device.system_notifications()} == set(sent)

    again = lab.journal.cursor()
    device.relaunch()
    last = somebody_else.notify("After the second start", to=user)["notification_id"]
    lab.journal.wait_for("push.received", after=again, notification_id=last, timeout=30)
    assert len(lab.journal.events("push.received", after=again)) == 1


# W-10 P-11
@pytest.mark.slow
def test_killed_browser_shows_nothing_twice(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.relaunch()  # Chromium writes a new subscription down some seconds late, or when it ends
    first = somebody_else.notify("Before the crash", to=user)["notification_id"]
    lab.journal.wait_for("notification.acknowledged", notification_id=first)
    device.browser.kill()
    mark = lab.journal.cursor()
    device.launch()
    second = somebody_else.notify("After the crash", to=user)["notification_id"]
    lab.journal.wait_for("notification.shown", after=mark, notification_id=second, timeout=30)
    shown = lab.journal.events("notification.shown", notification_id=first)
    assert len(shown) == 1
