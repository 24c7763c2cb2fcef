"""The WebSocket drops and comes back: nothing is lost, with no push subscription at all."""

import pytest
from playwright.sync_api import expect

from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab

WATCH_SOCKET = """() => {
  window.socketStates = [];
  document.addEventListener("push:socket", ({ detail }) => window.socketStates.push(detail));
}"""


# P-9 P-11
@pytest.mark.mainly("firefox")
def test_missed_notifications_come_in_order_with_the_next_connection(
    device: Device, somebody_else: Visitor
) -> None:
    user = device.enter_as_guest()
    device.wait_until_live()
    connection_id = device.connection_id
    device.leave()
    sent = [
        somebody_else.notify(f"Missed {number}", to=user)["notification_id"] for number in range(3)
    ]
    device.open("/")
    device.wait_until_live()
    assert device.connection_id == connection_id
    for notification_id in sent:
        device.toast(notification_id).wait_for()
    rows = device.page.locator("[data-part=inbox] [data-notification-id] [data-fill=title]")
    expect(rows).to_have_text(["Missed 2", "Missed 1", "Missed 0"])
    device.wait_until_delivered()


# P-9 P-12
@pytest.mark.mainly("chromium")
def test_socket_is_back_after_the_app_was_killed(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.enter_as_guest()
    device.wait_until_live()
    device.page.evaluate(WATCH_SOCKET)
    lab.kill("app_server")
    device.page.wait_for_function("() => window.socketStates.join().includes('closed')")
    device.wait_until_live()
    sent = somebody_else.notify("After the crash", to=user)["notification_id"]
    device.toast(sent).wait_for()
    device.wait_until_delivered()


# P-9 P-11
@pytest.mark.mainly("chromium")
def test_offline_browser_catches_up(device: Device, somebody_else: Visitor) -> None:
    user = device.enter_as_guest()
    device.wait_until_live()
    device.browser.context.set_offline(True)
    expect(device.page.locator("html")).not_to_have_attribute("data-socket", "open")
    sent = somebody_else.notify("While in a tunnel", to=user)["notification_id"]
    device.browser.context.set_offline(False)
    device.wait_until_live()
    device.toast(sent).wait_for()
    device.wait_until_delivered()


# P-4
@pytest.mark.mainly("chromium")
def test_two_tabs_share_one_connection(device: Device, somebody_else: Visitor) -> None:
    user = device.enter_as_guest()
    device.wait_until_live()
    tab = device.browser.context.new_page()
    tab.goto(device.lab.url)
    expect(tab.locator("html")).to_have_attribute("data-socket", "follower")
    sent = somebody_else.notify("To both tabs", to=user)["notification_id"]
    for page in (device.page, tab):
        page.locator(f"[data-part=inbox] [data-notification-id='{sent}']").wait_for()
    device.page.close()
    expect(tab.locator("html")).to_have_attribute("data-socket", "open")
    tab.close()
