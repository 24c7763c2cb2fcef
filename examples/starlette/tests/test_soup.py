"""The soup reaches the guests: in the browsers people use, and without internet."""

import json
import urllib.request
from typing import Any

from push_service.testing.browsers import PushBrowser
from push_service.testing.virtual_device import VirtualDevice


def ask(url: str, body: str | None = None) -> Any:
    """GET, or POST of a body; the JSON that is answered."""
    data = None if body is None else body.encode()
    with urllib.request.urlopen(urllib.request.Request(url, data)) as answer:
        return json.loads(answer.read() or b"null")


def ask_to_be_told(browser: PushBrowser, site: str) -> None:
    browser.page.goto(site)
    browser.page.get_by_role("button", name="Tell me").click()
    browser.page.get_by_text("We will tell you.").wait_for()
    browser.wait_until_linked()


def test_guest_is_told(push_browser: PushBrowser, site: str) -> None:
    ask_to_be_told(push_browser, site)
    assert ask(f"{site}/soup", "Pumpkin") == {"told": 1, "guests": 1}
    assert push_browser.wait_for_notification(title="Soup of the day").body == "Pumpkin"


def test_guest_who_was_away_is_told_afterwards(chromium: PushBrowser, site: str) -> None:
    ask_to_be_told(chromium, site)
    chromium.close()
    ask(f"{site}/soup", "Lentils")
    chromium.launch()
    chromium.page.goto(site)
    assert chromium.wait_for_notification(body="Lentils")


def test_guest_who_left_is_forgotten(virtual_device: VirtualDevice, site: str) -> None:
    subscription = virtual_device.subscribe(ask(f"{site}/key")["key"])
    ask(f"{site}/subscriptions", json.dumps(subscription.as_json()))
    assert ask(f"{site}/soup", "Pumpkin") == {"told": 1, "guests": 1}
    assert virtual_device.receive().data == b"Pumpkin"

    virtual_device.unsubscribe(subscription)
    assert ask(f"{site}/soup", "Lentils") == {"told": 0, "guests": 0}
