"""How a notification wants to look, on the system's screen and in the page; where it leads."""

from typing import Any

import pytest
from playwright.sync_api import expect

from e2e.conftest import each_browser
from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab

ICON = "/static/icons/icon-192.png"
OPTIONS: dict[str, Any] = {
    "icon": ICON,
    "image": "/static/icons/icon-512.png",
    "silent": True,
    "actions": [
        {"title": "Devices", "navigate": "/devices"},
        {"title": "\u05d7\u05e9\u05d1\u05d5\u05df", "navigate": "/account"},
    ],
}
WHAT_THE_SYSTEM_WAS_TOLD = """async () => {
  const [shown] = await (await navigator.serviceWorker.getRegistration("/")).getNotifications();
  const { icon, image, silent, tag } = shown;
  return { icon, image, silent, tag, actions: shown.actions.map(({ title }) => title) };
}"""

NEVER_WRITE = """() => {
  IDBDatabase.prototype.transaction = () => { throw new DOMException("", "InvalidStateError"); };
}"""

#: Workers of earlier tests may still be about; their registration has none that is active.
CLICK_THE_SECOND = """async () => {
  if (!self.registration.active) return;
  const [notification] = await self.registration.getNotifications();
  if (!notification) return; // a worker of another laboratory
  self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action: "1" }));
}"""


# W-10
@pytest.mark.parametrize("browser_name", each_browser("chromium"), indirect=True)
def test_system_shows_the_options_and_a_button_leads_to_its_page(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.leave()
    sent = somebody_else.notify("Look", to=user, tag="news", **OPTIONS)["notification_id"]
    lab.journal.wait_for("notification.acknowledged", notification_id=sent)
    device.system_notifications()
    assert device.page.evaluate(WHAT_THE_SYSTEM_WAS_TOLD) == {
        "icon": lab.url + ICON,
        "image": lab.url + OPTIONS["image"],
        "silent": True,
        "tag": "news",
        "actions": [action["title"] for action in OPTIONS["actions"]],
    }
    for worker in device.browser.context.service_workers:
        worker.evaluate(CLICK_THE_SECOND)
    device.page.wait_for_url("**/account")


# W-10 X-1
@pytest.mark.mainly("firefox")
def test_newer_one_takes_the_place_of_the_one_with_its_tag(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.leave()
    for title in ("First", "Second"):
        sent = somebody_else.notify(title, to=user, tag="score")["notification_id"]
        lab.journal.wait_for("notification.acknowledged", notification_id=sent)
    assert [each["title"] for each in device.system_notifications()] == ["Second"]


# W-10
@pytest.mark.mainly("chromium")
def test_page_shows_pictures_buttons_and_every_direction_of_writing(
    device: Device, somebody_else: Visitor
) -> None:
    device.page.set_viewport_size({"width": 390, "height": 844})
    user = device.begin_as_guest()
    device.wait_until_live()
    long = "A very long title " * 11
    first = somebody_else.notify(long, to=user, tag="score", **OPTIONS)["notification_id"]
    toast = device.toast(first)
    toast.wait_for()
    box = toast.bounding_box()
    assert box is not None
    assert box["height"] < 844 / 2, "a toast covers half of the phone"
    expect(device.row(first).locator("[data-fill=title]")).to_have_text(long.strip())
    expect(device.row(first).locator("img")).to_have_count(2)
    second = somebody_else.notify("\u05e9\u05dc\u05d5\u05dd", to=user, tag="score")
    device.toast(second["notification_id"]).wait_for()
    expect(toast).to_have_count(0)
    title = device.row(second["notification_id"]).locator("[data-fill=title]")
    expect(title).to_have_css("direction", "rtl")
    device.page.evaluate(NEVER_WRITE)  # the page ends before its database has done anything
    button = device.row(first).get_by_role("link", name=OPTIONS["actions"][0]["title"])
    button.click()
    device.page.wait_for_url("**/devices")
    device.open("/")
    expect(device.row(first)).to_have_attribute("data-read", "true")
