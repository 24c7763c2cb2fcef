"""The app dies at the worst moments: what it answered 201 for is delivered, and once."""

import os

import pytest

from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab


# W-8
@pytest.mark.mainly("chromium")
def test_crash_between_201_and_sending_loses_nothing(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.leave()
    lab.arm("sender.before_send", "hold")
    sent = somebody_else.notify("Stored, not sent", to=user)["notification_id"]
    lab.kill("app_server")
    lab.journal.wait_for("notification.shown", notification_id=sent, timeout=30)
    assert len(lab.journal.events("push.received", notification_id=sent)) == 1


# W-7
@pytest.mark.mainly("chromium")
def test_repeated_post_after_a_crash_is_the_same_notification(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.leave()
    key = os.urandom(8).hex()
    body = {"title": "Twice asked", "to": user}
    headers = {"Idempotency-Key": key}
    mark, worker = lab.journal.cursor(), lab.pids["app_server"]
    lab.arm("create.after_commit", "crash")
    with pytest.raises(OSError):
        somebody_else.call("POST", "/api/notifications", body, **headers)
    lab.wait_for_another("app_server", worker)
    answer = somebody_else.call("POST", "/api/notifications", body, **headers)
    assert answer.status == 201
    sent = answer.json()["notification_id"]
    lab.journal.wait_for("notification.shown", notification_id=sent, timeout=30)
    assert len(lab.journal.events("push.received", after=mark)) == 1
