"""A notification with a time of its own: kept, taken back, or delivered when it is due."""

import pytest
from playwright.sync_api import expect

from e2e.conftest import each_browser
from e2e.device import Device
from e2e.lab import Lab


# W-7
@pytest.mark.parametrize("browser_name", each_browser("chromium"), indirect=True)
def test_reminder_waits_is_taken_back_and_comes_when_due(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    device.wait_until_live()
    page = device.page
    form = page.locator("[data-part=send]")
    form.get_by_label("Title").fill("Tea is ready")
    form.get_by_label("When").select_option("In ten minutes")
    form.get_by_role("button", name="Send").click()
    waiting = page.locator("[data-part=scheduled] [data-notification-id]")
    expect(waiting).to_contain_text("Tea is ready")
    waiting.get_by_role("button", name="Take back").click()
    expect(waiting).to_have_count(0)
    assert device.fetch("GET", "/api/scheduled") == (200, {"scheduled": []})

    soon = "() => new Date(Date.now() + 1000).toISOString()"
    wanted = {"title": "Soon", "deliver_at": page.evaluate(soon)}
    status, answer = device.fetch("POST", "/api/notifications", wanted)
    assert status == 201
    device.row(answer["notification_id"]).wait_for()
    lab.journal.wait_for("notification.shown", notification_id=answer["notification_id"])
