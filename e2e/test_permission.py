"""The question for permission: asked after a click only, and every answer has a way on."""

import pytest

from e2e.device import Device


# W-2
@pytest.mark.mainly("chromium")
def test_every_answer_has_a_way_on(fresh_device: Device) -> None:
    device = fresh_device
    device.hold_the_question()
    device.enter_as_guest()
    device.wait_for_card("default")
    assert "also while this page is closed" in device.card("default").inner_text()
    assert device.page.evaluate("window.answerTheQuestion") is None, "asked without a click"
    device.turn_on()
    device.refuse("default")
    device.wait_for_card("dismissed")
    device.turn_on()
    device.refuse("denied")
    device.wait_for_card("denied")
    assert "Only you can change that" in device.card("denied").inner_text()
    device.browser.grant(device.lab.url)
    device.open("/")  # the wish is kept: no second click
    device.wait_until_subscribed()
