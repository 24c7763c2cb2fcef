"""The API of what waits for its time."""

from typing import Any

import pytest

from app import clock
from tests.web.conftest import Browser


def in_seconds(seconds: float) -> str:
    return clock.iso(clock.now() + seconds)


def test_scheduled_is_listed_shown_and_taken_back(browser: Browser) -> None:  # W-7
    at = in_seconds(600)
    made = browser.send(title="Tea", deliver_at=at)
    assert made.status_code == 201
    answer = made.get_json()
    assert (answer["deliver_at"], "seq" in answer) == (at, False)
    (listed,) = browser.client.get("/api/scheduled").get_json()["scheduled"]
    path = f"/api/scheduled/{answer['notification_id']}"
    assert browser.client.get(path).get_json() == listed
    assert (listed["data"]["title"], listed["deliver_at"]) == ("Tea", at)
    assert browser.client.delete(path).status_code == 204
    assert browser.client.delete(path).status_code == 404
    assert browser.client.get("/api/notifications").get_json()["notifications"] == []


@pytest.mark.parametrize(
    "moment",
    [
        "",
        "tomorrow",
        5,
        "2027-01-31",
        "2027-01-31T08:00:00",
        "1999-01-01T00:00:00Z",
        "9999-12-31T23:59:59+00:00",
        "0001-01-01T00:00:00+23:59",
        "2" * 41,
    ],
)
def test_time_that_cannot_be_used_is_named(browser: Browser, moment: Any) -> None:  # W-7
    answer = browser.send(deliver_at=moment)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.get_json()["errors"]] == ["deliver_at"]
