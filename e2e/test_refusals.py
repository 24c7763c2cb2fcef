"""What must not pass: foreign keys at the push service, foreign or broken content in the worker."""

import json

import pytest

from e2e import by_hand
from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab


# W-9
@pytest.mark.mainly("chromium")
def test_message_signed_with_another_key_is_refused(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    subscription = device.subscription or {}
    device.leave()
    mark = lab.journal.cursor()
    answer = by_hand.post(lab, subscription, b"forged", by_hand.another_key())
    assert answer.status in (401, 403)
    assert answer.json()["errno"] == 109
    sent = somebody_else.notify("The real one", to=user)["notification_id"]
    lab.journal.wait_for("push.received", after=mark, notification_id=sent)
    assert len(lab.journal.events("push.received", after=mark)) == 1


# W-10
@pytest.mark.mainly("firefox")
def test_unreadable_payload_shows_a_neutral_text(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    device.subscribe()
    subscription = device.subscription or {}
    device.leave()
    stranger = (
        b'{"web_push":8030,"notification":{"title":"A stranger","navigate":"https://a.example"}}'
    )
    payloads = [None, b"no JSON", b"\xff\xfe", b"[1]", stranger, b"x" * 3993]
    mark = lab.journal.cursor()
    for payload in payloads:
        answer = by_hand.post(lab, subscription, payload, by_hand.private_key_of(lab))
        assert answer.status == 201
    lab.journal.wait_for_count(len(payloads), "notification.neutral", after=mark)
    assert [each["title"] for each in device.system_notifications()] == ["pushlab"]


# W-10
@pytest.mark.mainly("chromium")
def test_text_for_the_last_user_of_the_browser_is_not_shown(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    device.subscribe()
    subscription = device.subscription or {}
    device.leave()
    mark = lab.journal.cursor()
    stranger = {
        "notification": {"title": "Secret", "navigate": lab.url},
        "pushlab": {
            "notification_id": "0199aaaa-0000-7000-8000-000000000000",
            "connection_id": "00000000-0000-4000-8000-000000000000",
        },
    }
    payload = json.dumps(stranger).encode()
    assert by_hand.post(lab, subscription, payload, by_hand.private_key_of(lab)).status == 201
    lab.journal.wait_for("notification.neutral", after=mark)
    assert "Secret" not in str(device.system_notifications())
