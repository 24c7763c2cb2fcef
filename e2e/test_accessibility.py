"""Every page, light and dark, before a machine that knows the accessibility rules (axe)."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from e2e.device import Device
from e2e.http import Visitor
from e2e.test_options import OPTIONS

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("chromium")]

#: A small phone in the light, and a desktop in the dark. Each page is loaded once for both.
LOOKS = [("light", 320), ("dark", 1280)]


@pytest.fixture
def browser_name() -> str:
    """One browser is enough: the rules are about the document."""
    return "chromium"


def assert_accessible(device: Device, context: str | None = None) -> None:
    device.page.mouse.move(0, 0)  # axe cannot tell the mixed colour of what the pointer is over
    # Colours change at once then: half way between two schemes, no contrast is right.
    device.page.emulate_media(reduced_motion="reduce")
    for scheme, width in LOOKS:
        device.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        device.page.set_viewport_size({"width": width, "height": 800})
        results = Axe().run(device.page, context=context)
        told = f"{device.page.url}, {scheme}\n{results.generate_report()}"
        assert results.violations_count == 0, told


def test_public_pages_are_accessible(device: Device) -> None:
    for path in (
        "/",
        "/login",
        "/signup",
        "/offline",
        "/codelab",
        "/codelab/keys",
        "/codelab/bonnet/vapid",
        "/nowhere",
    ):
        device.open(path)
        assert_accessible(device)


def test_pages_of_a_user_are_accessible(device: Device, somebody_else: Visitor) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.wait_until_live()
    sent = somebody_else.notify("To be read by everybody", to=user)["notification_id"]
    device.toast(sent).wait_for()
    assert_accessible(device)
    for path, shown in (
        ("/devices", "[data-part=devices][data-state=filled]"),
        ("/codelab", "[data-part=codelab][data-state=running]"),
        ("/codelab/store", "[data-part=check][data-state=done]"),
        ("/account", "main"),
        (f"/notifications/{sent}", "[data-became=shown]"),
    ):
        device.open(path)
        device.page.locator(shown).wait_for()
        assert_accessible(device)


@pytest.mark.slow
def test_what_opens_on_a_page_is_accessible(
    device: Device, sign_up: Callable[[str], tuple[str, str]]
) -> None:
    """The questions about a device, all of an account's forms with their errors, and what is
    behind a message of the diagram."""
    device.log_in(*sign_up("axe"))
    device.wait_until_live()
    device.open("/devices")
    own = device.page.locator("[data-part=devices] [data-this-device=true]")
    for question in ("ask-mute", "sign-out"):
        own.locator(f"[data-action={question}]").click()
        assert_accessible(device)
        own.get_by_role("button", name="Cancel").or_(own.get_by_role("button", name="Keep")).click()
    device.open("/account")
    device.page.get_by_text("Delete this account").click()
    for part in ("password", "delete"):
        device.page.locator(f"[data-part={part}] button").click()
        device.page.locator(f"[data-part={part}][data-state=failed]").wait_for()
    assert_accessible(device)
    device.open("/codelab")
    device.subscribe()
    device.page.locator("[data-part=codelab] [data-action=send]").click()
    device.page.locator("[data-part=diagram] summary", has_text="Save").click()
    for kind in ("send.started", "push.received"):
        device.page.locator(f"[data-kind='{kind}'] button").click()
        assert_accessible(device)
    device.page.set_viewport_size({"width": 320, "height": 800})
    assert not device.page.evaluate(TOO_WIDE)


# W-10
@pytest.mark.slow
def test_what_stands_over_a_page_is_accessible(device: Device, somebody_else: Visitor) -> None:
    """The notice of a new version, and toasts with all that they can carry."""
    user = device.begin_as_guest()
    device.wait_until_live()
    device.page.evaluate(SHOW_UPDATE)
    for title, options in (("Plain", {}), ("With pictures and buttons " * 4, OPTIONS)):
        sent = somebody_else.notify(title, to=user, **options)["notification_id"]
        device.toast(sent).wait_for()
    device.toast(sent).get_by_role("button").focus()  # so it stays
    assert_accessible(device)
    device.page.set_viewport_size({"width": 320, "height": 800})
    assert not device.page.evaluate(TOO_WIDE)


# W-14
@pytest.mark.slow
def test_every_step_is_accessible_open_and_done(device: Device, somebody_else: Visitor) -> None:
    """Before anything has happened, and afterwards, with the evidence and an answered question."""
    user = device.begin_as_guest()
    for state in ("open", "done"):
        for number, slug in enumerate(SLUGS, 1):
            device.open(f"/codelab/{slug}")
            device.wait_until_live()
            if state == "done":
                device.page.locator(f".rail [data-step='{number}'][data-state=done]").wait_for()
                device.page.locator("[data-part=question] input").first.check()
                device.page.get_by_role("button", name="Answer").click()
                device.page.locator("[data-part=question]:not([data-state=open])").wait_for()
            assert_accessible(device)
            device.page.set_viewport_size({"width": 320, "height": 800})
            assert not device.page.evaluate(TOO_WIDE), slug
        if state == "open":
            device.open("/codelab/permission")
            device.subscribe()
            device.leave()
            mark = device.lab.journal.cursor()
            somebody_else.notify("Seen by the worker", to=user)
            device.lab.journal.wait_for("notification.shown", after=mark, actor="service-worker")


SLUGS = (
    *("keys", "permission", "subscribe", "endpoint", "hand-over"),
    *("store", "event", "send", "hold", "show"),
)
#: As update.js does; that it does is e2e/test_update.py's.
SHOW_UPDATE = "document.querySelector('[data-part=update]').hidden = false"
#: Shows the card in a state as the state machine would.
SHOW_STATE = """state => document.dispatchEvent(new CustomEvent("push:state", { detail: {
  state, error: new DOMException("Error retrieving push subscription.", "AbortError"),
  retryAt: Date.now() + 9000 } }))"""
#: All of them together, each with what it was filled with: axe takes as long for one as for all.
SHOW_ALL = """() => document.querySelectorAll("[role=status] > [data-for]").forEach(
  (part) => { part.hidden = false; })"""
STATES = """() => Array.from(
  document.querySelectorAll("[role=status] > [data-for]"), (part) => part.dataset.for)"""
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


# W-2 W-3 W-5
def test_every_state_of_the_push_card_is_accessible(device: Device) -> None:
    device.begin_as_guest()
    device.wait_for_card("default")
    states = device.page.evaluate(STATES)
    assert len(states) > 15
    for state in states:
        device.page.evaluate(SHOW_STATE, state)
        device.card(state).wait_for()
        for _scheme, width in LOOKS:
            device.page.set_viewport_size({"width": width, "height": 800})
            assert not device.page.evaluate(TOO_WIDE), f"{state} is wider than the window"
    device.page.evaluate(SHOW_ALL)
    assert_accessible(device, "[data-part=push-card]")
