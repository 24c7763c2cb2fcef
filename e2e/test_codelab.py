"""The master diagram of the codelab: every actor's report of this run, live."""

import base64
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, expect

from e2e.device import Device
from e2e.http import Visitor

#: The six messages of the master diagram (W-11), and something of the material of each.
MESSAGES = {
    "permission": "Notification.requestPermission()",
    "subscribe": "applicationServerKey",
    "post": "POST /api/subscribe",
    "send": "AES-128-GCM",
    "push": "Plaintext: event.data",
    "show": "registration.showNotification(",
}
#: What the others tell of it.
NOTES = [
    ("push-service", "subscription.created"),
    ("app-server", "subscription.stored"),
    ("app-server", "notification.created"),
    ("push-service", "message.accepted"),
]


# W-11
@pytest.mark.mainly("chromium")
def test_diagram_draws_this_run_with_its_material(
    fresh_device: Device, somebody_else: Visitor
) -> None:
    device = fresh_device
    device.hold_the_question()
    user = device.begin_as_guest()
    device.open("/codelab")
    device.wait_until_live()
    diagram = device.page.locator("[data-part=diagram]")
    expect(diagram.locator("[data-ghost]")).to_have_count(len(MESSAGES))
    device.wait_for_card("default")
    device.turn_on()
    device.allow()
    endpoint = urlsplit(device.wait_until_subscribed())
    expect(diagram.locator("[data-expected=post]:not([data-ghost])")).to_be_visible()

    device.leave()  # so that the worker, and no page, shows it
    sent = somebody_else.notify("Seen on its way", to=user, body="by everybody who may")
    device.lab.journal.wait_for(
        "notification.shown", notification_id=sent["notification_id"], actor="service-worker"
    )
    device.open("/codelab")
    expect(diagram.locator("[data-expected]:not([data-ghost])")).to_have_count(len(MESSAGES))
    for actor, kind in NOTES:
        entry = diagram.locator(f"[data-actor={actor}][data-kind='{kind}']")
        expect(entry.first).to_be_attached()
    assert order_of(diagram) == list(MESSAGES)

    material = device.page.locator("#detail [data-fill=material]")
    for name, text in MESSAGES.items():
        diagram.locator(f"[data-expected={name}] button").click()
        expect(material).to_contain_text(text)
    diagram.locator("[data-expected=send] button").click()
    check_sent(material, f"{endpoint.scheme}://{endpoint.netloc}")
    diagram.locator("[data-kind='message.accepted'] button").click()
    expect(material).not_to_contain_text("Seen on its way")
    expect(material).to_contain_text("This actor cannot read it")
    device.page.locator("#detail [data-around]").first.click()  # what it came from
    expect(device.page.locator("#detail")).to_have_attribute("data-kind", "send.started")
    device.page.keyboard.press("Escape")
    expect(device.page.locator("#detail")).to_be_hidden()


def order_of(diagram: Locator) -> list[str]:
    """The names of the expected messages, from top to bottom."""
    names: list[str] = diagram.locator("[data-expected]").evaluate_all(
        "items => items.map((item) => item.dataset.expected)"
    )
    return names


def check_sent(material: Locator, audience: str) -> None:
    """Header and claims of the token are there to be read, its signature is cut short; the body is
    taken apart, and the App Server can read what it wrote."""
    expect(material).to_contain_text(re.compile(r"vapid t=[\w-]+\.[\w-]+\.[\w-]{8}…,k="))
    expect(material).to_contain_text(audience)
    expect(material).to_contain_text("ES256")
    for part, octets in (("salt", 16), ("record size", 4), ("key id", 65), ("tag", 16)):
        shown = material.locator(f"[data-part-name='{part}'] dd").text_content() or ""
        assert len(bytes.fromhex(shown)) == octets, part
    expect(material).to_contain_text("Seen on its way")
    expect(material).not_to_contain_text("PRIVATE KEY")


# W-11 W-14
@pytest.mark.mainly("chromium")
def test_new_run_begins_with_nothing_and_says_how_to_fill_it(device: Device) -> None:
    """With notifications on: what the Push Service did before is not of this run, and the card
    leads to steps 2 to 6. Pages that open again ask for the same key: one arrow, counted. A page
    that was open beside it begins anew too."""
    device.begin_as_guest()
    device.open("/codelab")
    before = device.subscribe()
    page, diagram = device.page, device.page.locator("[data-part=diagram]")
    made = diagram.locator("[data-kind='subscription.created']")
    expect(made).to_have_count(1)
    first = made.get_attribute("data-event")
    card = device.card("subscribed")
    expect(card).to_have_attribute("data-before", "false")

    beside = device.browser.context.new_page()
    beside.goto(page.url)
    expect(beside.locator(f"[data-event='{first}']")).to_have_count(1)

    page.locator("[data-action=new-run]").click()
    expect(card).to_have_attribute("data-before", "true")
    expect(card).to_contain_text("before this run began")
    expect(beside.locator(f"[data-event='{first}']")).to_have_count(0)
    beside.close()
    page.reload()
    device.wait_until_live()
    expect(page.locator("[data-part=codelab]")).to_have_attribute("data-push-service", "open")
    served = diagram.locator("[data-kind='vapid.key-served']")
    expect(served).to_have_count(1)
    page.reload()
    expect(served.locator(".message__times")).to_have_text(re.compile("2 times"))
    expect(served).to_have_count(1)
    expect(card).to_have_attribute("data-before", "true")
    expect(made).to_have_count(0)

    card.get_by_role("button", name="Turn off and on again").click()
    expect(card).to_have_attribute("data-before", "false")
    expect(made).to_have_count(1)
    assert made.get_attribute("data-event") != first
    assert device.wait_until_subscribed() != before
    for step in (1, 2, 3, 4, 5, 6):
        expect(page.locator(f"[data-part=rail] [data-step='{step}']")).to_have_attribute(
            "data-state", "done"
        )


# W-11
@pytest.mark.mainly("chromium")
def test_diagram_is_played_and_saved_by_keyboard(
    device: Device, somebody_else: Visitor, browser_name: str
) -> None:
    user = device.begin_as_guest()
    device.open("/codelab")
    device.wait_until_live()
    diagram = device.page.locator("[data-part=diagram]")
    entries = diagram.locator("[data-event]")
    diagram.locator("[data-action=pause]").press("Enter")
    expect(diagram).to_have_attribute("data-player", "paused")
    somebody_else.notify("It waits", to=user)
    expect(diagram.locator("[data-fill=player]")).to_have_text(re.compile("[3-9] wait"))
    created = diagram.locator("[data-kind='notification.created']")
    expect(created).to_have_count(0)
    press = device.page.keyboard.press
    before = entries.count()
    press("ArrowRight")
    expect(entries).to_have_count(before + 1)
    press("ArrowLeft")
    expect(entries).to_have_count(before)
    press("p")
    expect(created).to_have_count(1)
    expect(diagram).to_have_attribute("data-player", "live")
    expect(diagram).to_have_attribute("data-lanes", "5")  # the node took part

    press("r")
    expect(diagram).to_have_attribute("data-player", "replaying")
    press("p")
    expect(diagram).to_have_attribute("data-player", "paused")
    while "wait" in (diagram.locator("[data-fill=player]").text_content() or ""):
        before = entries.count()
        press("ArrowRight")
        expect(entries).to_have_count(before + 1)
    press("t")
    expect(diagram).to_have_attribute("data-scale", "time")

    created.locator("button").focus()
    press("Home")
    expect(entries.first.locator("button")).to_be_focused()
    press("End")
    expect(entries.last.locator("button")).to_be_focused()
    press("ArrowUp")
    press("Enter")
    expect(device.page.locator("#detail")).to_be_visible()
    press("Escape")
    expect(entries.nth(-2).locator("button")).to_be_focused()
    check_saved(device, diagram, downloaded if browser_name == "chromium" else given_to_save)


#: What is saved by pressing a button.
Saved = Callable[[Device, Locator], bytes]


def check_saved(device: Device, diagram: Locator, saved: Saved) -> None:
    """All three pictures are of this run."""
    for name, beginning in (
        ("svg", b"<svg "),
        ("mermaid", b"sequenceDiagram"),
        ("png", b"\x89PNG"),
    ):
        if not diagram.locator(f"[data-format={name}]").is_visible():
            diagram.locator("summary", has_text="Save").press("Enter")
        content = saved(device, diagram.locator(f"[data-format={name}]"))
        assert content.startswith(beginning), name
        assert name == "png" or "an event: notification created" in content.decode()


def downloaded(device: Device, button: Locator) -> bytes:
    with device.page.expect_download() as saving:
        button.press("Enter")
    return saving.value.path().read_bytes()


def given_to_save(device: Device, button: Locator) -> bytes:
    """Firefox tells nobody outside of the download of what a page has made itself."""
    device.page.evaluate(KEEP_WHAT_IS_SAVED)
    button.press("Enter")
    device.page.wait_for_function("() => window.saved.name?.startsWith('pushlab-run.')")
    return base64.b64decode(str(device.page.evaluate(READ_WHAT_IS_SAVED)))


KEEP_WHAT_IS_SAVED = """() => {
  window.saved = {};
  URL.createObjectURL = (blob) => { window.saved.blob = blob; return "#"; };
  HTMLAnchorElement.prototype.click = function () { window.saved.name = this.download; };
}"""
READ_WHAT_IS_SAVED = """async () => {
  const bytes = new Uint8Array(await window.saved.blob.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""
