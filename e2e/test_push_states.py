"""The states of the push card that a browser can be brought into, and the way on from each. The
drawing of all states is walked in tests/client/test_states.py."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from e2e.app_journal import wait_until
from e2e.conftest import each_browser
from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab
from e2e.test_keys import SUBSCRIBE_WITH_ANOTHER_KEY
from e2e.test_unsubscribe import UNSUBSCRIBE, has_push

NEVER_SUBSCRIBE = "() => { PushManager.prototype.subscribe = () => new Promise(() => {}); }"

#: Keeps the names of the states that the card went through.
WATCH_THE_STATES = """
window.states = [];
document.addEventListener("push:state", ({ detail }) => window.states.push(detail.state));
"""
#: The browser's answer never comes: what Chromium does for minutes without its push service.
NEVER_ANSWER = """
const subscribe = PushManager.prototype.subscribe;
PushManager.prototype.subscribe = async function (options) {
  await new Promise((resolve) => { window.answerAtLast = resolve; });
  return subscribe.call(this, options);
};
"""
#: Firefox's answer after ten seconds without its push service, at once.
FAIL_ONCE = """
const subscribe = PushManager.prototype.subscribe;
let failed = false;
PushManager.prototype.subscribe = function (options) {
  if (failed) return subscribe.call(this, options);
  failed = true;
  return Promise.reject(new DOMException("Error retrieving push subscription.", "AbortError"));
};
"""
NO_PUSH_MANAGER = "delete window.PushManager;"
STRANGE_NAME = "pushlab.test"


def states(device: Device) -> list[str]:
    found: list[str] = device.page.evaluate("window.states")
    return found


@pytest.fixture
def clock_in_hand(device: Device) -> Iterator[None]:
    """The browser's time in the test's hands. It cannot be given back: the browser is closed, and
    the next test gets another one."""
    device.page.clock.install()
    yield
    device.close()


# W-3
@pytest.mark.mainly("chromium")
@pytest.mark.usefixtures("clock_in_hand")
def test_late_answer_of_the_push_service_is_taken(device: Device) -> None:
    device.page.add_init_script(NEVER_ANSWER)
    device.begin_as_guest()
    device.wait_for_card("default")
    device.turn_on()
    device.wait_for_card("subscribing")
    wait_until(lambda: device.page.evaluate("Boolean(window.answerAtLast)"), "subscribe() called")
    device.page.clock.fast_forward(20_000)
    device.wait_for_card("waiting")
    assert "your wish is kept" in device.card("waiting").inner_text()
    device.page.evaluate("answerAtLast()")
    device.wait_until_subscribed()


# W-3
@pytest.mark.mainly("chromium")
def test_wish_survives_a_reload(device: Device) -> None:
    device.begin_as_guest()
    device.wait_for_card("default")
    device.page.evaluate(NEVER_SUBSCRIBE)
    device.turn_on()
    device.wait_for_card("subscribing")
    device.open("/")  # no second click
    device.wait_until_subscribed()


# W-3
@pytest.mark.mainly("chromium")
@pytest.mark.usefixtures("clock_in_hand")
def test_unreachable_push_service_is_told_and_tried_again(device: Device) -> None:
    device.page.add_init_script(FAIL_ONCE)
    device.page.add_init_script(WATCH_THE_STATES)
    device.begin_as_guest()
    device.wait_for_card("default")
    device.page.clock.pause_at(device.page.evaluate("Date.now()") / 1000 + 3600)
    device.turn_on()
    device.wait_for_card("unreachable")
    expect(device.card("unreachable")).to_contain_text("Error retrieving push subscription.")
    device.page.clock.resume()  # the pause is over by itself
    device.wait_until_subscribed()
    assert states(device)[-4:] == ["unreachable", "subscribing", "browser-only", "subscribed"]


# W-3 (failure no. 1)
@pytest.mark.slow
@pytest.mark.parametrize("browser_name", each_browser("firefox"), indirect=True)
def test_stopped_push_service_is_told_by_firefox_itself(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    device.wait_for_card("default")
    with lab.without("push_service"):
        device.turn_on()
        device.card("unreachable").wait_for(timeout=60_000)
    device.card("subscribed").wait_for(timeout=90_000)


# W-3 (failure no. 1)
@pytest.mark.slow
@pytest.mark.parametrize("browser_name", each_browser("chromium"), indirect=True)
def test_stopped_push_service_keeps_chromium_waiting(lab: Lab, device: Device) -> None:
    """The real thing: `subscribe()` has no answer, and the page has a state for that."""
    device.begin_as_guest()
    device.wait_for_card("default")
    with lab.without("push_service"):
        device.turn_on()
        device.card("waiting").wait_for(timeout=40_000)
        device.card("waiting").locator("[data-action=retry]:visible").click()
        device.wait_for_card("subscribing")
    # The browser asks again by itself, after half a minute or so.
    device.card("subscribed").wait_for(timeout=120_000)


# W-3
@pytest.mark.mainly("chromium")
def test_other_key_and_dead_address_are_healed_before_the_readers_eyes(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    endpoint = device.subscribe()
    device.page.add_init_script(WATCH_THE_STATES)
    # Another server key, as after a rotation: the browser holds a subscription with the old one.
    device.page.evaluate(UNSUBSCRIBE)
    device.page.evaluate(SUBSCRIBE_WITH_ANOTHER_KEY)
    device.open("/")
    renewed = device.wait_until_subscribed()
    assert renewed != endpoint
    assert "other-key" in states(device)
    device.wait_until_live()
    # The push service has given the address up (failure no. 8).
    lab.push_service.expire(device.token)
    sent = somebody_else.notify("To a dead address", to=user)["notification_id"]
    lab.journal.wait_for("send.answered", notification_id=sent, status=410)
    wait_until(lambda: "gone" in states(device), "the state gone")
    assert device.wait_until_subscribed() != renewed


# W-2
@pytest.mark.parametrize("browser_name", each_browser("chromium"), indirect=True)
def test_permission_taken_back_is_told_and_given_again(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    endpoint = device.subscribe()
    setting = {"permission": {"name": "notifications"}, "setting": "prompt", "origin": lab.url}
    browser = device.browser.context.new_cdp_session(device.page)
    browser.send("Browser.setPermission", setting)
    device.wait_for_card("withdrawn")
    assert not has_push(device)
    device.browser.grant(lab.url)
    assert device.wait_until_subscribed() != endpoint  # it notices by itself


# W-2
@pytest.mark.mainly("chromium")
def test_browser_without_push_says_what_to_do(device: Device) -> None:
    device.page.add_init_script(NO_PUSH_MANAGER)
    device.begin_as_guest()
    device.wait_for_card("unsupported")
    assert "Add to Home Screen" in device.card("unsupported").inner_text()


# W-2
@pytest.mark.mainly("chromium")
def test_keyboard_stays_in_the_card_when_its_button_goes(device: Device) -> None:
    device.page.add_init_script(NEVER_ANSWER)
    device.begin_as_guest()
    device.wait_for_card("default")
    device.page.locator("[data-action=enable]:visible").focus()
    device.page.keyboard.press("Enter")
    device.wait_for_card("subscribing")
    expect(device.page.locator("#push-title")).to_be_focused()


@pytest.fixture
def private_browser(push_playwright: Playwright) -> Iterator[Browser]:
    """An ordinary automation browser: each of its contexts is a private window. It knows the
    machine by another name too, which browsers do not take for secure."""
    browser = push_playwright.chromium.launch(
        executable_path=shutil.which("chromium"),
        args=["--no-sandbox", f"--host-resolver-rules=MAP {STRANGE_NAME} 127.0.0.1"],
    )
    yield browser
    browser.close()


# W-2 (failures no. 2 and 23)
@pytest.mark.parametrize("browser_name", each_browser("chromium"), indirect=True)
def test_private_window_and_insecure_address_are_told(
    lab: Lab, private_browser: Browser, browser_name: str
) -> None:
    with private_browser.new_context(permissions=["notifications"]) as context:
        page = context.new_page()
        page.goto(lab.url)
        page.get_by_role("button", name="guest").click()
        page.locator("[data-action=enable]:visible").click()
        card = page.locator("[data-part=push-card]")
        expect(card).to_have_attribute("data-state", "incognito")
        page.goto(lab.url.replace("127.0.0.1", STRANGE_NAME))
        page.get_by_role("button", name="guest").click()
        expect(card).to_have_attribute("data-state", "insecure")
