"""The diagram of the codelab: every actor's report of this run, live, under four lifelines."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from e2e.device import Device

#: What the master diagram must have (W-11), and who tells of it.
MESSAGES = [
    ("client", "subscribe.called"),
    ("push-service", "subscription.created"),
    ("client", "subscription.posted"),
    ("app-server", "subscription.stored"),
    ("app-server", "notification.created"),
    ("app-server", "send.started"),
    ("push-service", "message.accepted"),
    ("service-worker", "push.received"),
]


# W-11
@pytest.mark.mainly("chromium")
def test_diagram_draws_this_run_as_it_happens(device: Device) -> None:
    device.begin_as_guest()
    device.open("/codelab")
    device.wait_until_live()
    endpoint = urlsplit(device.subscribe())
    device.page.locator("[data-part=codelab] [data-action=send]").click()
    diagram = device.page.locator("[data-part=codelab] [data-list]")
    for actor, kind in MESSAGES:
        entry = diagram.locator(f"[data-actor={actor}][data-kind='{kind}']").first
        expect(entry).to_be_visible()
    expect(diagram).not_to_contain_text("PRIVATE KEY")
    diagram.locator("[data-kind='send.started'] button").first.click()
    # Header and claims of the token are there to be read; its signature is cut short.
    shown = device.page.locator("#detail [data-fill=bytes]")
    expect(shown).to_contain_text('"alg": "ES256"')
    expect(shown).to_contain_text(f'"aud": "{endpoint.scheme}://{endpoint.netloc}"')
    expect(shown).to_contain_text(re.compile(r"vapid t=[\w-]+\.[\w-]+\.[\w-]{8}…,k="))


# W-11
@pytest.mark.mainly("chromium")
def test_message_shows_its_bytes(device: Device) -> None:
    device.begin_as_guest()
    device.open("/codelab")
    device.wait_until_live()
    device.subscribe()
    device.page.locator("[data-kind='subscription.created'] button").first.click()
    detail = device.page.locator("#detail")
    expect(detail).to_be_visible()
    expect(detail.locator("[data-fill=bytes]")).to_contain_text(re.compile("lab_|channel"))
