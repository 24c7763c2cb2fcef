"""Devices and account with the keyboard alone: everything is reached, seen and used."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from e2e.device import Device

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("chromium")]

#: What somebody with a mouse could use, in the order of the document.
MARK_ALL = """() => {
  const all = document.querySelectorAll("a[href], button, input, select, textarea, summary");
  const usable = [...all].filter((each) => each.checkVisibility() && !each.disabled);
  usable.forEach((each, place) => { each.dataset.place = place; });
  return usable.length;
}"""
#: Where the focus is, and whether one sees it there: a ring, inside the window.
FOCUS = """() => {
  const at = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const { top, bottom } = at.getBoundingClientRect();
  return {
    place: Number(at.dataset.place ?? -1),
    ring: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    inside: bottom > 0 && top < innerHeight,
  };
}"""
HAS_FOCUS = "selector => document.activeElement.matches(selector)"


@pytest.fixture
def browser_name() -> str:
    """One browser is enough: the order and the ring are the page's."""
    return "chromium"


def assert_all_is_reached(device: Device) -> None:
    """On a page in which nothing had the focus yet."""
    count = device.page.evaluate(MARK_ALL)
    for place in range(count):
        device.page.keyboard.press("Tab")
        assert device.page.evaluate(FOCUS) == {"place": place, "ring": True, "inside": True}


def go_to(device: Device, selector: str) -> None:
    """Press Tab until that element has the focus."""
    for _ in range(60):
        if device.page.evaluate(HAS_FOCUS, selector):
            return
        device.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {selector}")


def press(device: Device, key: str, selector: str) -> None:
    go_to(device, selector)
    device.page.keyboard.press(key)


def type_into(device: Device, selector: str, text: str) -> None:
    """Over what is there: Tab selects it."""
    go_to(device, selector)
    device.page.keyboard.type(text)


#
@pytest.mark.slow
def test_devices_are_used_with_the_keyboard(device: Device) -> None:
    device.begin_as_guest()
    device.wait_until_live()
    device.open("/devices")
    page, own = device.page, device.page.locator("[data-this-device=true][data-connection-id]")
    device.wait_until_live()
    expect(own).to_contain_text("Online now")  # drawn for the last time: its places stay
    assert_all_is_reached(device)

    press(device, "Enter", "[data-action=rename]")
    page.keyboard.type("Kitchen tablet")  # over the old name, which is selected
    page.keyboard.press("Enter")
    expect(own.locator("[data-fill=name]")).to_have_text("Kitchen tablet")
    expect(own.locator("[data-action=rename]")).to_be_focused()

    said = page.locator("[data-part=devices] [role=status]")
    press(device, "Space", "[data-action=ask-mute]")
    press(device, "Enter", "[data-action=mute][data-seconds='3600']")
    expect(own).to_have_attribute("data-muted", "true")
    expect(own.locator("[data-action=unmute]")).to_be_focused()
    own.locator("[data-action=test]").focus()  # it is before the button
    page.keyboard.press("Enter")
    expect(said).to_contain_text("goes to its inbox, and nothing alerts")
    expect(own.locator("[data-action=test]")).to_be_focused()
    press(device, "Enter", "[data-action=unmute]")
    expect(own.locator("[data-action=ask-mute]")).to_be_focused()

    press(device, "Enter", "[data-action=sign-out]")
    expect(own.locator("[data-panel=sign-out] [data-action=confirm]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(own.locator("[data-action=sign-out]")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # the question's first button
    page.wait_for_url("**/login")


#
@pytest.mark.slow
def test_account_is_used_with_the_keyboard(
    device: Device, sign_up: Callable[[str], tuple[str, str]]
) -> None:
    name, password = sign_up("keyboard")
    device.log_in(name, password)
    device.open("/account")
    device.wait_until_live()
    page = device.page
    page.evaluate("document.querySelector('details').open = true")
    assert_all_is_reached(device)

    device.open("/account")
    type_into(device, "[name=old_password]", "not it, alas")
    type_into(device, "[name=new_password]", "another horse battery")
    page.keyboard.press("Enter")
    form = page.locator("[data-part=password]")
    expect(form).to_have_attribute("data-state", "failed")
    expect(form.locator("[name=old_password]")).to_be_focused()  # the one at fault
    page.keyboard.press("Control+a")
    page.keyboard.type(password)
    press(device, "Space", "[name=sign_out_others]")
    page.keyboard.press("Enter")
    expect(form).to_have_attribute("data-state", "done")

    press(device, "Space", "[data-action=mute]")
    expect(page.locator("[data-action=unmute]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-action=mute]").first).to_be_focused()
    with page.expect_download() as download:
        press(device, "Enter", "[download]")
    assert download.value.suggested_filename == "pushlab.json"

    press(device, "Enter", "summary")
    type_into(device, "[data-part=delete] [name=name]", name)
    type_into(device, "[data-part=delete] [name=password]", "another horse battery")
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")


# W-14
@pytest.mark.slow
def test_step_is_used_with_the_keyboard(device: Device) -> None:
    device.begin_as_guest()
    device.open("/codelab/keys")
    device.wait_until_live()
    press(device, "Enter", "[data-action=ask-key]")
    expect(device.page.locator("[data-part=check]")).to_have_attribute("data-state", "done")
    press(device, "ArrowDown", "[data-part=question] input")
    press(device, "Enter", "[data-part=question] button")
    expect(device.page.locator("[data-part=question]")).to_have_attribute("data-state", "right")
    press(device, "Enter", "[rel=next]")
    device.page.wait_for_url("**/codelab/permission")
