"""The installable app: its manifest, its offline page, and what a click on a notification does."""

from playwright.sync_api import expect

from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab


def test_offline_page_takes_the_place_of_pages(device: Device) -> None:
    device.enter_as_guest()
    device.wait_until_live()
    device.page.evaluate("navigator.serviceWorker.ready")
    device.browser.context.set_offline(True)
    device.open("/devices")
    expect(device.page.locator("h1")).to_contain_text("offline", ignore_case=True)
    device.browser.context.set_offline(False)
    device.open("/devices")
    device.page.locator("[data-part=devices][data-state=filled]").wait_for()


# W-7
def test_page_can_send_to_another_user(device: Device, lab: Lab) -> None:
    receiver = Visitor(lab.url)
    name = receiver.enter_as_guest()
    device.enter_as_guest()
    device.wait_until_live()
    form = device.page.locator("[data-part=send]")
    form.get_by_label("To").fill(name)
    form.get_by_label("Title").fill("From the page")
    form.get_by_role("button", name="Send").click()
    expect(form).to_have_attribute("data-state", "sent")
    (item,) = receiver.call("GET", "/api/notifications").json()["notifications"]
    assert item["data"]["title"] == "From the page"
