"""A newer version of the app: the reader is told, and nothing reloads under what is being typed."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.browsers import BrowserPool
from e2e.device import Device
from e2e.lab import CHECKOUT, Lab
from e2e.test_accessibility import assert_accessible

PROGRAM = ("app", "push_service", "migrations", "static", "templates")
FILES = ("manifest.json", "service-worker.js")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the program, to be changed while it runs."""
    for name in PROGRAM:
        shutil.copytree(CHECKOUT / name, tmp_path / "program" / name)
    for name in FILES:
        shutil.copy(CHECKOUT / name, tmp_path / "program" / name)
    return tmp_path / "program"


@pytest.fixture
def changing_lab(checkout: Path, tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path / "lab", checkout=checkout) as lab:
        yield lab


def stylesheet(page: Page) -> Locator:
    return page.locator("link[rel=stylesheet]").first


def version_of(page: Page) -> str:
    address = stylesheet(page).get_attribute("href") or ""
    return address.split("/")[2]


CACHES = "async () => (await caches.keys()).sort()"
ACTIVE_VERSION = """async () => {
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => { port1.onmessage = ({ data }) => resolve(data); });
  active.postMessage({ type: "version" }, [port2]);
  return answer;
}"""


# W-10
@pytest.mark.mainly("chromium")
@pytest.mark.slow
def test_new_version_is_told_and_waits_for_the_reader(
    changing_lab: Lab, checkout: Path, browser_pool: BrowserPool, browser_name: str
) -> None:
    device = Device(changing_lab, browser_pool.device(browser_name).browser)
    device.begin_as_guest()
    device.wait_until_live()
    old = version_of(device.page)
    assert device.page.evaluate(ACTIVE_VERSION) == old
    other_tab = device.browser.context.new_page()
    other_tab.goto(changing_lab.url)
    text = device.page.get_by_label("Text")
    text.fill("Not sent yet")
    notice = device.page.locator("[data-part=update]")
    expect(notice).to_be_hidden()
    with (checkout / "static" / "css" / "base.css").open("a") as sheet:
        sheet.write("/* another version */\n")
    changing_lab.kill("app_server")  # it comes back as the new version
    expect(notice).to_be_visible()
    expect(text).to_have_value("Not sent yet")
    assert device.page.evaluate(ACTIVE_VERSION) == old, "the worker changed under the page"
    assert_accessible(device)
    notice.get_by_role("button").click()
    # Not by the text: Firefox keeps what was typed over a reload.
    expect(stylesheet(device.page)).not_to_have_attribute("href", re.compile(f"/{old}/"))
    new = version_of(device.page)
    assert new != old
    assert device.page.evaluate(ACTIVE_VERSION) == new
    assert device.page.evaluate(CACHES) == [f"pushlab-shell-{new}"]
    expect(other_tab.locator("[data-part=update]")).to_be_visible()
    assert version_of(other_tab) == old
    other_tab.close()
