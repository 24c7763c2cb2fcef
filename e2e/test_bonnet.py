"""Under the bonnet: the token and the encryption of this run's messages, taken apart by hand."""

import pytest
from playwright.sync_api import Locator, expect

from e2e.device import Device
from e2e.test_accessibility import assert_accessible

pytestmark = pytest.mark.mainly("chromium")


def failed_checks(device: Device) -> Locator:
    return device.page.locator("[data-part=token] [data-check][data-ok=false]")


# W-8 W-9
def test_token_is_verified_and_says_what_breaks(device: Device) -> None:
    device.begin_as_guest()
    device.subscribe()
    status, _ = device.fetch("POST", "/api/notifications", {"title": "Signed"})
    assert status == 201
    device.open("/codelab/bonnet/vapid")
    page = device.page
    expect(page.locator("[data-part=sent][data-state=filled]")).to_contain_text("vapid t=")
    expect(page.locator("[data-part=key]")).to_have_attribute("data-state", "same")
    expect(page.locator("[data-check][data-ok=true]")).to_have_count(5)
    for field, failed in (("alg", "form"), ("aud", "aud"), ("exp", "exp"), ("sub", "sub")):
        page.locator(f"[data-action=break][data-field={field}]").click()
        expect(failed_checks(device)).to_have_count(2)
        for name in (failed, "signature"):
            expect(page.locator(f"[data-check={name}]")).to_have_attribute("data-ok", "false")
    page.locator("[data-action=break][data-field=signature]").click()
    expect(failed_checks(device)).to_have_count(1)
    expect(failed_checks(device)).to_have_attribute("data-check", "signature")
    page.locator("[data-action=restore]").click()
    expect(failed_checks(device)).to_have_count(0)
    for mistake, failed in (("audience", "aud"), ("later", "exp"), ("key", "signature")):
        page.locator(f"[name={mistake}]").check()
        expect(failed_checks(device)).to_have_attribute("data-check", failed)
        page.locator(f"[name={mistake}]").uncheck()
    assert_accessible(device)
