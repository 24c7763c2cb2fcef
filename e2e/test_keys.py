"""The application server key in the browser: wrong ones are told, foreign ones replaced."""

import json

import pytest
from playwright.sync_api import Route, expect

from e2e.device import Device
from e2e.lab import Lab

SUBSCRIBE_WITH_ANOTHER_KEY = """async () => {
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const pair = await crypto.subtle.generateKey(curve, true, ["sign"]);
  const key = await crypto.subtle.exportKey("raw", pair.publicKey);
  const registration = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: key };
  return (await registration.pushManager.subscribe(options)).endpoint;
}"""


# W-3
@pytest.mark.mainly("chromium")
def test_subscription_with_another_key_is_replaced(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    device.wait_for_card("default")
    foreign = device.page.evaluate(SUBSCRIBE_WITH_ANOTHER_KEY)
    device.open("/")
    assert device.wait_until_subscribed() != foreign
    own = device.fetch("GET", "/api/vapid-public-key")[1]["public_key"]
    created = lab.push_service.journal.wait_for("subscription.created", token=device.token)
    assert created.detail["key"] == own


# W-1, W-3
@pytest.mark.mainly("chromium")
def test_page_follows_a_rotated_key(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    old, old_token = device.subscribe(), device.token
    lab.command("keys", "rotate")
    new_key = device.fetch("GET", "/api/vapid-public-key")[1]["public_key"]
    device.fetch("POST", "/api/notifications", {"title": "signed with the old key"})
    lab.push_service.journal.wait_for("message.acknowledged", token=old_token)
    device.open("/")
    assert device.wait_until_subscribed() != old
    created = lab.push_service.journal.wait_for("subscription.created", token=device.token)
    assert created.detail["key"] == new_key
    device.fetch("POST", "/api/notifications", {"title": "signed with the new key"})
    lab.push_service.journal.wait_for("message.acknowledged", token=device.token)


# W-4
@pytest.mark.mainly("firefox")
def test_malformed_key_is_told_in_the_browsers_words(device: Device) -> None:
    device.begin_as_guest()
    device.wait_for_card("default")

    def answer(route: Route) -> None:
        route.fulfill(content_type="application/json", body=json.dumps({"public_key": "AAAA"}))

    device.page.route("**/api/vapid-public-key", answer)
    device.turn_on()
    device.wait_for_card("failed")
    expect(device.card("failed").locator("[data-fill=error]:visible")).to_contain_text(
        "InvalidAccessError"
    )
    device.page.unroute("**/api/vapid-public-key")
    device.page.locator("[data-action=retry]:visible").click()
    device.wait_until_subscribed()


# W-4
@pytest.mark.mainly("chromium")
def test_endpoints_are_never_shared(device: Device) -> None:
    device.begin_as_guest()
    first = device.subscribe()
    device.page.get_by_text("The subscription").click()
    device.page.locator("[data-action=disable]").click()
    assert device.subscribe() != first
