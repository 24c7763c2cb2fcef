"""The codelab for whoever wants nothing to move, and on paper."""

import pytest
from playwright.sync_api import expect

from e2e.conftest import each_browser
from e2e.device import Device

#: Firefox, driven from outside, cannot be told what media its reader has.
IN_CHROMIUM = pytest.mark.parametrize("browser_name", each_browser("chromium"), indirect=True)

#: Writes down, in every page from now on, the name of whatever begins to move.
WATCH = """
window.moved = [];
for (const kind of ["animationstart", "transitionrun"]) {
  addEventListener(kind, ({ animationName, propertyName, target }) =>
    window.moved.push(`${animationName ?? propertyName} of .${target.className}`), true);
}
"""
#: What a page of a step has to have on paper, and what has no business there.
PRINTED = (".title", ".prose", ".source pre", "[data-part=check]", "[data-part=question] legend")
SPARED = (".masthead", ".colophon", ".rail", ".onward", ".skip", "[data-part=question] button")


def moved(device: Device) -> list[str]:
    found: list[str] = device.page.evaluate("() => window.moved.splice(0)")
    return found


# W-11 W-14
@IN_CHROMIUM
@pytest.mark.slow
def test_nothing_moves_for_whoever_wants_it_so(device: Device) -> None:
    device.begin_as_guest()
    device.page.add_init_script(WATCH)
    drawn = device.page.locator("[data-part=diagram] [data-kind='notification.created']")
    for motion in ("no-preference", "reduce"):
        device.page.emulate_media(reduced_motion=motion)
        for path in ("/codelab", "/codelab/event"):
            device.open(path)
            device.wait_until_live()
            before = drawn.count()
            device.page.locator("[data-action=send]:visible").first.click()
            expect(drawn).not_to_have_count(before)
            for link in device.page.locator("main a:visible, main button:visible").all()[:6]:
                link.hover()
            if motion == "reduce":
                assert moved(device) == [], path
            else:
                assert any(one.startswith("appear ") for one in moved(device)), path


# W-14
@IN_CHROMIUM
def test_step_is_printed_without_what_only_a_screen_needs(device: Device) -> None:
    device.begin_as_guest()
    device.open("/codelab/send")
    device.wait_until_live()
    device.page.emulate_media(media="print")
    for selector in PRINTED:
        expect(device.page.locator(selector).first).to_be_visible()
    for selector in SPARED:
        for one in device.page.locator(selector).all():
            expect(one).to_be_hidden()
