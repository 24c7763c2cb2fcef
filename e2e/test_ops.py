"""Ops at a glance, in a browser: what an operator sees, and what becomes of it when the server is
away."""

import re

import pytest
from playwright.sync_api import expect

from e2e.device import Device
from e2e.http import Visitor
from e2e.test_accessibility import TOO_WIDE, assert_accessible

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("chromium")]

#: A line that has at least two points.
DRAWN = re.compile(r"M[\d.]+ [\d.]+h0L")

#: The tables of which a part is out of sight.
CUT_OFF = """() => Array.from(document.querySelectorAll(".ops__scroll"))
  .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.outerHTML)"""


@pytest.fixture
def browser_name() -> str:
    """One browser is enough: nothing on this page is a browser's own."""
    return "chromium"


def test_page_shows_what_was_just_sent(device: Device, somebody_else: Visitor) -> None:
    user = device.begin_as_guest()
    endpoint = device.subscribe()
    device.wait_until_live()
    device.page.get_by_role("link", name="Ops").click()
    ops = device.page.locator("[data-part=ops]")
    expect(ops).to_have_attribute("data-state", "live")
    somebody_else.notify("Counted", to=user)
    origin = "/".join(endpoint.split("/")[:3])
    service = ops.locator(f"[data-origin='{origin}']")
    expect(service).to_contain_text("201")
    expect(ops.locator("[data-series=connections]")).to_have_attribute("d", DRAWN)
    # A former process, if a test before ended one, may still be in the list.
    process = ops.locator("[data-roles='app node sender']").filter(has_text="just now")
    expect(process.first).to_be_visible()
    # Never a whole endpoint: whoever reads it could send.
    assert endpoint.rsplit("/", 1)[-1] not in device.page.content()

    # By keyboard: the table, and the past.
    ops.locator("summary").focus()
    device.page.keyboard.press("Enter")
    expect(ops.locator("[data-list=minutes] tr").first).to_be_visible()
    ops.get_by_label("Look back").focus()
    device.page.keyboard.press("ArrowLeft")
    expect(ops.locator("[data-fill=moment]")).to_contain_text("at ")
    device.page.keyboard.press("ArrowRight")
    expect(ops.locator("[data-fill=moment]")).to_have_text("now")

    assert_accessible(device)
    for width in (320, 390, 1280):
        device.page.set_viewport_size({"width": width, "height": 800})
        assert not device.page.evaluate(TOO_WIDE)
        assert device.page.evaluate(CUT_OFF) == []
    # On a phone each number stands beside its name.
    device.page.set_viewport_size({"width": 390, "height": 800})
    column = "element => getComputedStyle(element, '::before').content"
    assert service.locator("td").first.evaluate(column) == '"Waiting"'

    # The server is away: what was told stays, and says how old it is.
    shown = ops.locator("[data-value=connections]").text_content()
    device.page.context.set_offline(True)
    expect(ops).to_have_attribute("data-state", "stale")
    expect(ops.locator("[data-fill=status]")).to_contain_text("What you see is of")
    assert ops.locator("[data-value=connections]").text_content() == shown
    assert_accessible(device)
    device.page.context.set_offline(False)
    expect(ops).to_have_attribute("data-state", "live")
