"""POST /api/subscribe fails; the page says so, and goes on trying until the server has it."""

import pytest

from e2e import by_hand
from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab


# W-5
def test_failed_post_is_repeated_until_it_succeeds(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.enter_as_guest()
    device.wait_for_card("default")
    lab.arm("subscribe.before_store", times=2)
    mark = lab.journal.cursor()
    device.turn_on()
    device.wait_until_subscribed()
    assert len(lab.journal.events("subscription.posted", after=mark)) >= 3
    # Page and worker may both hand it over; only one of them makes a row.
    stored = lab.journal.events("subscription.stored", after=mark)
    assert [event["detail"]["created"] for event in stored].count(True) == 1
    device.leave()
    sent = somebody_else.notify("After all", to=user)["notification_id"]
    lab.journal.wait_for("push.received", notification_id=sent)


# W-5
@pytest.mark.mainly("chromium")
def test_unknown_subscription_survives_a_reload(lab: Lab, device: Device) -> None:
    device.enter_as_guest()
    device.wait_for_card("default")
    lab.arm("subscribe.before_store", times=None)
    device.turn_on()
    device.wait_for_card("browser-only")
    endpoint = device.endpoint
    device.open("/")
    device.wait_for_card("browser-only")
    lab.disarm("subscribe.before_store")  # the page goes on trying by itself
    assert device.wait_until_subscribed() == endpoint


# W-5
@pytest.mark.mainly("firefox")
def test_worker_hands_over_what_the_page_could_not(lab: Lab, device: Device) -> None:
    device.enter_as_guest()
    device.wait_for_card("default")
    lab.arm("subscribe.before_store", times=None)
    device.turn_on()
    device.wait_for_card("browser-only")
    subscription = device.subscription or {}
    device.leave()
    lab.disarm("subscribe.before_store")
    by_hand.post(lab, subscription, b"wake", by_hand.private_key_of(lab))
    lab.journal.wait_for("subscription.stored", endpoint=subscription["endpoint"])
