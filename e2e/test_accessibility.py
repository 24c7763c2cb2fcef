"""Every page, light and dark, before a machine that knows the accessibility rules (axe)."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from e2e.device import Device
from e2e.http import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("chromium")]

SCHEMES = ["light", "dark"]


@pytest.fixture
def browser_name() -> str:
    """One browser is enough: the rules are about the document."""
    return "chromium"


def assert_accessible(device: Device) -> None:
    results = Axe().run(device.page)
    assert results.violations_count == 0, f"{device.page.url}\n{results.generate_report()}"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_public_pages_are_accessible(device: Device, scheme: str) -> None:
    device.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for path in ("/", "/login", "/signup", "/offline", "/codelab", "/nowhere"):
        device.open(path)
        assert_accessible(device)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_of_a_user_are_accessible(
    device: Device, somebody_else: Visitor, scheme: str
) -> None:
    device.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    user = device.enter_as_guest()
    device.subscribe()
    device.wait_until_live()
    sent = somebody_else.notify("To be read by everybody", to=user)["notification_id"]
    device.toast(sent).wait_for()
    assert_accessible(device)
    for path, shown in (
        ("/devices", "[data-part=devices][data-state=filled]"),
        ("/codelab", "[data-part=codelab][data-state=running]"),
        ("/account", "main"),
    ):
        device.open(path)
        device.page.locator(shown).wait_for()
        assert_accessible(device)
