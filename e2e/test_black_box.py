"""What a failed test tells of its device."""

import pytest

from e2e.device import Device

THROW = "(endpoint) => { setTimeout(() => { throw new Error(`torn ${endpoint}?key=worth`); }); }"


#
@pytest.mark.mainly("chromium")
def test_black_box_tells_what_page_and_push_service_were_at(device: Device) -> None:
    device.begin_as_guest()
    device.open("/codelab")
    device.subscribe()
    with device.page.expect_event("pageerror"):
        device.page.evaluate(THROW, device.endpoint)
    text = device.black_box.text()
    for told in (
        "/codelab",
        '"state":"subscribed"',
        "drawn: vapid",
        "torn",
        "subscription.created",
    ):
        assert told in text
    assert device.endpoint.rpartition("/")[2] not in text
    assert "?key" not in text
