"""A user with two devices: a notification is for the user, and reaches both."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab

SignUp = Callable[[str], tuple[str, str]]


# W-6 W-13 P-3
@pytest.mark.mainly("chromium")
def test_both_devices_receive_until_one_unsubscribes(
    lab: Lab, device: Device, second_device: Device, sign_up: SignUp, somebody_else: Visitor
) -> None:
    name, password = sign_up("two-phones")
    for each in (device, second_device):
        each.log_in(name, password)
        each.subscribe()
    second_connection = second_device.connection_id
    device.leave()
    second_device.leave()
    sent = somebody_else.notify("To both", to=name)["notification_id"]
    lab.journal.wait_for_count(2, "notification.shown", notification_id=sent)

    second_device.open("/")
    second_device.page.get_by_text("The subscription").click()
    second_device.page.locator("[data-action=disable]").click()
    second_device.wait_for_card("default")
    second_device.leave()
    after = somebody_else.notify("To one", to=name)["notification_id"]
    lab.journal.wait_for("notification.shown", notification_id=after)
    sends = lab.journal.events("send.answered", notification_id=after)
    assert second_connection not in [each["connection_id"] for each in sends]
    assert len(sends) == 1


# W-13 X-2
@pytest.mark.mainly("chromium")
def test_lost_phone_is_signed_out_from_the_other(
    device: Device, second_device: Device, sign_up: SignUp, somebody_else: Visitor
) -> None:
    name, password = sign_up("lost-phone")
    for each in (device, second_device):
        each.log_in(name, password)
        each.subscribe()
    lost = second_device.connection_id
    second_device.open("/")
    second_device.wait_until_live()
    device.open("/devices")
    row = device.page.locator(f"[data-part=devices] [data-connection-id='{lost}']")
    row.locator("[data-action=lost]").click()
    row.get_by_role("button", name="Sign the lost device out").click()
    second_device.page.wait_for_url("**/login")
    assert second_device.subscription is None
    expect(row).to_have_count(0)
    created = device.fetch("POST", "/api/notifications", {"title": "For who is left"})[1]
    assert (created["devices"], created["subscriptions"]) == (1, 1)


#
@pytest.mark.mainly("chromium")
def test_devices_are_listed_and_renamed(
    device: Device, second_device: Device, sign_up: SignUp
) -> None:
    name, password = sign_up("names")
    for each in (device, second_device):
        each.log_in(name, password)
        each.wait_until_live()
    device.open("/devices")
    rows = device.page.locator("[data-part=devices] [data-connection-id]")
    expect(rows).to_have_count(2)
    own = device.page.locator("[data-part=devices] [data-this-device=true]")
    expect(own).to_have_count(1)
    own.locator("[data-action=rename]").click()
    own.locator("input").fill("Kitchen tablet")
    own.get_by_role("button", name="Save").click()
    expect(own.locator("[data-fill=name]")).to_have_text("Kitchen tablet")
