"""The end of a subscription, wanted or noticed."""

import pytest
from playwright.sync_api import expect

from e2e import by_hand
from e2e.device import Device, token_of
from e2e.http import Visitor
from e2e.lab import Lab

UNSUBSCRIBE = """async () => {
  const registration = await navigator.serviceWorker.ready;
  return (await registration.pushManager.getSubscription()).unsubscribe();
}"""


def has_push(device: Device) -> bool:
    """What the server says of this device."""
    _status, answer = device.fetch("GET", "/api/devices")
    return bool(next(each["push"] for each in answer["devices"] if each["this_device"]))


# W-6
@pytest.mark.mainly("chromium")
def test_turning_off_ends_it_everywhere(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    device.subscribe()
    subscription = device.subscription or {}
    device.page.get_by_text("The subscription").click()
    device.page.locator("[data-action=disable]").click()
    device.wait_for_card("default")
    token = token_of(subscription["endpoint"])
    lab.push_service.journal.wait_for("subscription.ended", token=token)
    assert device.subscription is None
    assert not has_push(device)
    answer = by_hand.post(lab, subscription, b"too late", by_hand.private_key_of(lab))
    assert answer.status == 410


# W-8
@pytest.mark.mainly("chromium")
def test_410_removes_the_subscription(lab: Lab, device: Device, somebody_else: Visitor) -> None:
    user = device.begin_as_guest()
    endpoint = device.subscribe()
    assert device.page.evaluate(UNSUBSCRIBE)
    lab.push_service.journal.wait_for("subscription.ended", token=token_of(endpoint))
    device.open("/offline")
    sent = somebody_else.notify("To a dead endpoint", to=user)["notification_id"]
    answered = lab.journal.wait_for("send.answered", notification_id=sent)
    assert answered["detail"]["status"] == 410
    lab.journal.wait_for("subscription.removed", endpoint=endpoint)
    assert not has_push(device)


# W-3 W-5
@pytest.mark.mainly("chromium")
def test_lost_subscription_is_made_anew_on_the_next_load(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    endpoint = device.subscribe()
    device.page.evaluate(UNSUBSCRIBE)
    device.open("/")
    assert device.wait_until_subscribed() != endpoint
    expect(device.page.locator("[data-fill=endpoint]")).to_have_text(device.endpoint)
