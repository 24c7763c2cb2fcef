"""The push service dies and comes back: what it accepted is still there."""

import pytest

from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab


# W-9
@pytest.mark.mainly("chromium")
@pytest.mark.slow
def test_held_message_survives_a_killed_push_service(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    endpoint = device.subscribe()
    token = device.token
    device.close()
    sent = somebody_else.notify("Held", to=user)["notification_id"]
    lab.push_service.journal.wait_for("message.held", token=token)
    lab.kill("push_service")
    device.launch()
    lab.journal.wait_for("notification.shown", notification_id=sent, timeout=30)
    device.open("/")
    device.wait_for_card("subscribed")
    assert device.endpoint == endpoint


# W-8
@pytest.mark.mainly("chromium")
@pytest.mark.slow
def test_sending_goes_on_when_the_push_service_is_back(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.close()
    with lab.without("push_service"):
        sent = somebody_else.notify("To a dead push service", to=user)["notification_id"]
        lab.journal.wait_for("send.retry", notification_id=sent)
    device.launch()
    lab.journal.wait_for("notification.shown", notification_id=sent, timeout=30)
    assert len(lab.journal.events("push.received", notification_id=sent)) == 1
