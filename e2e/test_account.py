"""The account, its devices and its inbox, where a browser is needed to see them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from e2e.device import CATCH_BADGE, SYSTEM_NOTIFICATIONS, Device
from e2e.http import Visitor
from e2e.lab import Lab

SignUp = Callable[[str], tuple[str, str]]

STORES = "async () => (await indexedDB.databases()).map(({ name }) => name)"


#
@pytest.mark.mainly("chromium")
def test_deleted_account_is_forgotten_by_every_browser(
    device: Device, second_device: Device, sign_up: SignUp
) -> None:
    name, password = sign_up("leaving")
    for each in (device, second_device):
        each.log_in(name, password)
        each.wait_until_live()
    device.open("/account")
    device.page.get_by_text("Delete this account").click()
    form = device.page.locator("[data-part=delete]")
    form.get_by_label("Type").fill(name)
    form.get_by_label("Password").fill("wrong horse")
    form.get_by_role("button").click()
    expect(form.locator("[data-error=password]")).to_have_text("That is not your password.")
    form.get_by_label("Password").fill(password)
    form.get_by_role("button").click()
    for each in (device, second_device):
        each.page.wait_for_url("**/login")
        assert each.page.evaluate(STORES) == ["pushlab-device"]
        assert each.fetch("GET", "/api/session")[0] == 401


# W-13 X-1
@pytest.mark.mainly("chromium")
def test_read_on_one_device_is_read_on_all(
    lab: Lab, device: Device, second_device: Device, sign_up: SignUp, somebody_else: Visitor
) -> None:
    """On one whose page is open, what the system shows goes at once; on one that was away, with
    its next page."""
    name, password = sign_up("reading")
    device.log_in(name, password)
    device.wait_until_live()
    second_device.log_in(name, password)
    second_device.subscribe()

    def arrive(title: str) -> str:
        """On the second device while it has no page."""
        second_device.leave()
        sent = str(somebody_else.notify(title, to=name)["notification_id"])
        lab.journal.wait_for("notification.shown", notification_id=sent, actor="service-worker")
        return sent

    def read(notification_id: str) -> None:
        device.row(notification_id).locator("[data-action=read]").click()
        expect(device.row(notification_id)).to_have_attribute("data-read", "true")

    open_there = arrive("While its page is open")
    second_device.open("/")
    second_device.wait_until_live()
    expect(second_device.row(open_there)).to_have_attribute("data-read", "false")
    expect(second_device.page).to_have_title("(1) Inbox · pushlab")
    assert second_device.page.evaluate(SYSTEM_NOTIFICATIONS)
    second_device.page.evaluate(CATCH_BADGE)
    read(open_there)
    second_device.page.wait_for_function("() => window.badge === 0")
    expect(second_device.row(open_there)).to_have_attribute("data-read", "true")
    second_device.page.wait_for_function(f"({SYSTEM_NOTIFICATIONS})().then((all) => !all.length)")

    away = arrive("While it is away")
    read(away)
    second_device.open("/")
    expect(second_device.row(away)).to_have_attribute("data-read", "true")
    expect(second_device.page).to_have_title("Inbox · pushlab")
    second_device.page.wait_for_function(f"({SYSTEM_NOTIFICATIONS})().then((all) => !all.length)")


#
@pytest.mark.mainly("chromium")
@pytest.mark.slow
def test_muted_device_takes_everything_quietly(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.wait_until_live()
    device.open("/devices")
    own = device.page.locator("[data-part=devices] [data-this-device=true]")
    own.locator("[data-action=ask-mute]").click()
    own.get_by_role("button", name="For 1 hour").click()
    expect(own).to_have_attribute("data-muted", "true")
    device.open("/")
    device.wait_until_live()
    quiet = somebody_else.notify("Quietly", to=user)["notification_id"]
    device.row(quiet).wait_for()
    device.wait_until_delivered()
    expect(device.toast(quiet)).to_have_count(0)
    assert not lab.journal.events("send.answered", notification_id=quiet)
    device.row(quiet).get_by_role("link", name="What became of it").click()
    expect(device.page.locator("[data-became=shown]")).to_contain_text("silently")
    assert device.fetch("DELETE", f"/api/devices/{device.connection_id}/mute")[0] == 200
    device.open("/")
    device.wait_until_live()
    device.toast(somebody_else.notify("Aloud", to=user)["notification_id"]).wait_for()
