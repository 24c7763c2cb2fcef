"""The installable app: its manifest, its offline page, and what a click on a notification does."""

import re

import pytest
from playwright.sync_api import Worker, expect

from e2e.app_journal import wait_until
from e2e.device import CATCH_BADGE, Device
from e2e.http import Visitor
from e2e.lab import Lab


@pytest.mark.mainly("chromium")
def test_offline_page_stands_in_while_the_server_is_away(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    device.wait_until_live()
    device.wait_until_worker_is_active()
    lab.stop()
    device.open("/devices")
    expect(device.page.locator("h1")).to_have_text(re.compile("offline|no connection", re.I))
    lab.start()  # the page notices by itself
    device.page.locator("[data-part=devices][data-state=filled]").wait_for()


# W-7
@pytest.mark.mainly("chromium")
def test_page_can_send_to_another_user(device: Device, lab: Lab) -> None:
    receiver = Visitor(lab.url)
    name = receiver.enter_as_guest()
    device.begin_as_guest()
    device.wait_until_live()
    form = device.page.locator("[data-part=send]")
    form.get_by_label("To").fill(name)
    form.get_by_label("Title").fill("From the page")
    form.get_by_role("button", name="Send").click()
    expect(form).to_have_attribute("data-state", "sent")
    (item,) = receiver.call("GET", "/api/notifications").json()["notifications"]
    assert item["data"]["title"] == "From the page"


#: Workers of earlier tests may still be about; their registration has none that is active.
CLICK = """async () => {
  if (!self.registration.active) return;
  const [notification] = await self.registration.getNotifications();
  if (!notification) return; // a worker of another laboratory
  self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
}"""


# W-10
@pytest.mark.parametrize("browser_name", ["chromium"])  # only there can a test reach the worker
@pytest.mark.xdist_group("chromium")
def test_click_on_a_notification_leads_to_its_page(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.leave()
    workers = device.browser.context.service_workers
    for worker in workers:
        worker.evaluate(CATCH_BADGE)
    sent = somebody_else.notify("Look here", to=user, navigate="/devices")["notification_id"]
    lab.journal.wait_for("notification.acknowledged", notification_id=sent)
    assert len(device.system_notifications()) == 1  # asked in a window that stays open
    wait_until(lambda: badge_of(workers) == [1], "the worker counts")
    for worker in workers:
        worker.evaluate(CLICK)
    lab.journal.wait_for("notification.clicked", notification_id=sent)
    device.page.wait_for_url("**/devices")
    device.open("/")
    expect(device.row(sent)).to_have_attribute("data-read", "true")
    assert badge_of(workers) == [0]


def badge_of(workers: list[Worker]) -> list[int]:
    """What the worker put on the app's icon. Those of earlier tests had nothing to count."""
    found = [worker.evaluate("self.badge") for worker in workers]
    return [count for count in found if count is not None]
