"""Under the bonnet: the token and the encryption of this run's messages, taken apart by hand."""

import pytest
from playwright.sync_api import Locator, expect

from e2e.device import Device, token_of
from e2e.test_accessibility import assert_accessible

pytestmark = pytest.mark.mainly("chromium")


def failed_checks(device: Device) -> Locator:
    return device.page.locator("[data-part=token] [data-check][data-ok=false]")


# W-8 W-9
def test_token_is_verified_and_what_the_push_service_reads_is_told(device: Device) -> None:
    device.begin_as_guest()
    endpoint = device.subscribe()
    message = {"title": "Signed and sealed", "urgency": "high", "topic": "open"}
    status, _ = device.fetch("POST", "/api/notifications", message)
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
    # The same message from both sides.
    device.open("/codelab/bonnet/what-they-read")
    reading = page.locator("[data-part=reading]")
    expect(reading).to_have_attribute("data-state", "filled")
    sees = reading.locator("[data-list=sees]")
    expect(sees).to_contain_text(token_of(endpoint))
    expect(sees).to_contain_text("TTL 86400 · high urgency · topic open")
    expect(reading.locator("[data-list=hidden]")).to_contain_text("Signed and sealed")
    expect(sees).not_to_contain_text("sealed")
    expect(reading.locator("[data-list=findings]")).to_contain_text("found nowhere in the")
    assert_accessible(device)


# W-8 W-10
def test_message_is_decrypted_by_hand_and_says_where_it_fails(device: Device) -> None:
    device.begin_as_guest()
    device.open("/codelab/bonnet/encryption")
    page = device.page
    expect(page.get_by_role("textbox")).to_be_hidden()
    page.locator("[data-action=join]:visible").click()
    expect(page.locator("[data-part=lab-device]")).to_have_attribute("data-state", "joined")
    assert_accessible(device)
    page.get_by_label("Words to send").fill("Écrit à la main")
    page.get_by_role("button", name="Send", exact=True).click()
    message = page.locator("[data-part=message]")
    expect(message).to_have_attribute("data-outcome", "opens")
    expect(message).to_have_attribute("data-posted", "same")
    expect(message.locator("[data-fill=plaintext]")).to_contain_text('"title": "Écrit à la main"')
    lab_device = page.locator("[data-part=lab-device] [data-fill=connection-id]").inner_text()
    expect(message.locator("[data-fill=plaintext]")).to_contain_text(lab_device)
    expect(message.locator("[data-step]")).to_have_count(13)
    for part, byte, step in FAILURES:
        change(device, part, byte)
        expect(message).to_have_attribute("data-outcome", "fails")
        expect(message.locator("[data-state=failed]")).to_have_attribute("data-step", step)
    change(device, "record-size", 3)
    expect(message).to_have_attribute("data-outcome", "harmless")
    assert_accessible(device)
    # By keyboard: the next byte is changed instead.
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(message.locator("[data-state=failed]")).to_have_attribute("data-step", "record-size")
    page.locator("[data-action=restore]").click()
    expect(message).to_have_attribute("data-outcome", "opens")
    # Among the devices it is one that has what was sent to it, and can be removed.
    device.lab.journal.wait_for("lab-device.acknowledged", connection_id=lab_device)
    _status, listed = device.fetch("GET", "/api/devices")
    found = {each["connection_id"]: each for each in listed["devices"]}
    assert (found[lab_device]["name"], found[lab_device]["pending"]) == ("Lab device", 0)
    page.locator("[data-action=leave]").click()
    expect(page.locator("[data-part=lab-device]")).to_have_attribute("data-state", "alone")
    _status, listed = device.fetch("GET", "/api/devices")
    assert lab_device not in {each["connection_id"] for each in listed["devices"]}


#: Of each part a byte, and the step at which its change is noticed.
FAILURES = [
    ("salt", 7, "record"),
    ("record-size", 2, "record-size"),
    ("key-length", 0, "key-id"),
    ("key-id", 0, "shared-secret"),
    ("ciphertext", 40, "record"),
    ("tag", 15, "record"),
    ("public-key", 20, "record"),
    ("auth", 3, "record"),
]


def change(device: Device, part: str, byte: int) -> None:
    device.page.locator(f"[data-input-part={part}] [data-byte='{byte}']").click()
