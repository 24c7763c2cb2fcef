"""WebSocket and push bring the same notification; it alerts once."""

import pytest
from playwright.sync_api import expect

from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab


# X-1 P-11
def test_open_page_shows_what_comes_by_both_ways_once(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.enter_as_guest()
    device.subscribe()
    device.wait_until_live()
    sent = somebody_else.notify("By both ways", to=user)["notification_id"]
    lab.journal.wait_for("push.received", notification_id=sent)
    lab.journal.wait_for("notification.received", notification_id=sent)
    lab.journal.wait_for("notification.acknowledged", notification_id=sent, actor="service-worker")
    expect(device.toast(sent)).to_have_count(1)
    expect(device.row(sent)).to_have_attribute("data-state", "shown")
    assert len(lab.journal.events("notification.shown", notification_id=sent)) == 1
    device.wait_until_delivered()
    assert device.system_notifications() == []


# X-1 P-11
@pytest.mark.mainly("chromium")
def test_page_opened_later_does_not_show_again_what_the_worker_showed(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.enter_as_guest()
    device.subscribe()
    device.leave()
    sent = somebody_else.notify("By push", to=user)["notification_id"]
    lab.journal.wait_for("notification.acknowledged", notification_id=sent)
    device.open("/")
    device.wait_until_live()
    expect(device.row(sent)).to_have_attribute("data-state", "shown")
    device.wait_until_delivered()
    expect(device.toast(sent)).to_have_count(0)
    assert len(lab.journal.events("notification.shown", notification_id=sent)) == 1
