"""The inbox of a device is whole, whatever failed on the way."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from e2e.conftest import each_browser
from e2e.device import Device
from e2e.http import Visitor

LIST = "**/api/notifications?*"


# P-3
@pytest.mark.parametrize("browser_name", each_browser("chromium"), indirect=True)
def test_new_device_has_the_newest_without_a_hole(
    device: Device, somebody_else: Visitor, sign_up: Callable[[str], tuple[str, str]]
) -> None:
    name, password = sign_up("Grace")
    batch = [{"title": f"No. {number}", "to": name} for number in range(1, 431)]
    answer = somebody_else.call("POST", "/api/notifications", {"notifications": batch})
    assert answer.status == 201
    device.log_in(name, password)
    titles = device.page.locator("[data-part=inbox] [data-list] [data-fill=title]")
    for shown in (50, 100, 150):
        expect(titles).to_have_count(shown)
        device.page.locator("[data-action=older]").click()
    expect(titles).to_have_text([f"No. {number}" for number in range(430, 230, -1)])


# P-3
@pytest.mark.parametrize("browser_name", each_browser("chromium"), indirect=True)
def test_inbox_heals_when_its_first_list_failed(
    device: Device, somebody_else: Visitor, sign_up: Callable[[str], tuple[str, str]]
) -> None:
    name, password = sign_up("Ada")
    old = somebody_else.notify("From before this device", to=name)["notification_id"]
    device.browser.context.route(LIST, lambda route: route.abort())
    with device.page.expect_event("requestfailed", lambda request: "since=" in request.url):
        device.log_in(name, password)
    device.browser.context.unroute(LIST)
    device.row(somebody_else.notify("New", to=name)["notification_id"]).wait_for()
    device.open("/")
    device.row(old).wait_for()
