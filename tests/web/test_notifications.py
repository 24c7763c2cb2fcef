"""POST /api/notifications and what can be asked about them afterwards."""

from typing import Any

import pytest

from app.models import NotificationData, PendingNotification, PushOutbox
from tests.web.conftest import Browser


def test_event_of_another_user_reaches_the_inbox(
    browser: Browser, stranger: Browser
) -> None:  # W-7
    stranger.sign_up("Ada")
    sent = browser.send(to=" ADA ", body="How are you?")
    assert sent.status_code == 201
    assert set(sent.get_json()) == {"notification_id", "created_at"}
    (found,) = stranger.client.get("/api/notifications").get_json()["notifications"]
    assert found["data"]["title"] == "Hello"
    assert found["data"]["from"].startswith("Guest ")
    assert found["seq"] == 1


def test_notification_is_pending_for_each_device(browser: Browser, count) -> None:  # type: ignore[no-untyped-def]  # P-7, W-8
    browser.subscribe()
    answer = browser.send().get_json()
    assert (answer["devices"], answer["subscriptions"]) == (1, 1)
    assert (count(PendingNotification), count(PushOutbox)) == (1, 1)
    status = browser.client.get(f"/api/notifications/{answer['notification_id']}").get_json()
    assert status["devices"][0]["push"]["state"] == "queued"
    assert status["devices"][0]["pending"] is True


def test_shown_is_an_acknowledgement_of_this_device(browser: Browser, count) -> None:  # type: ignore[no-untyped-def]  # P-11
    browser.subscribe()
    notification_id = browser.send().get_json()["notification_id"]
    assert browser.client.post(f"/api/notifications/{notification_id}/shown").status_code == 204
    assert count(PendingNotification) == 0
    assert browser.client.post("/api/notifications/nothing/shown").status_code == 204


def test_many_in_one_call_are_all_or_none(browser: Browser, count) -> None:  # type: ignore[no-untyped-def]  # W-7
    many = [{"title": f"n{n}"} for n in range(500)]
    answer = browser.client.post("/api/notifications", json={"notifications": many})
    assert [one["seq"] for one in answer.get_json()["notifications"]] == list(range(1, 501))
    many[3]["to"] = "nobody at all"
    refused = browser.client.post("/api/notifications", json={"notifications": many})
    assert refused.get_json()["errors"][0]["field"] == "notifications.3.to"
    assert count(NotificationData) == 500


def test_repeated_post_is_the_same_notification(browser: Browser, count) -> None:  # type: ignore[no-untyped-def]  # P-12
    def post(title: str) -> Any:
        headers = {"Idempotency-Key": "once"}
        return browser.client.post("/api/notifications", json={"title": title}, headers=headers)

    assert post("a").get_json() == post("a").get_json()
    assert post("b").status_code == 409
    assert count(NotificationData) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": 3}, "title"),
        ({"title": "a", "body": "x" * 10_001}, "body"),
        ({"title": "a", "navigate": "https://evil.example"}, "navigate"),
        ({"title": "a", "navigate": "//evil.example"}, "navigate"),
        ({"title": "a", "navigate": "/\\evil.example"}, "navigate"),
        # Readers of URLs drop tabs and line ends: what is left would begin with two slashes.
        ({"title": "a", "navigate": "/\t/evil.example"}, "navigate"),
        ({"title": "a", "navigate": "/\n/evil.example"}, "navigate"),
        ({"title": "a", "icon": "/\r/evil.example/i.png"}, "icon"),
        ({"title": "a", "image": "https://evil.example/i.png"}, "image"),
        ({"title": "a", "badge": "//evil.example/i.png"}, "badge"),
        ({"title": "a", "tag": ""}, "tag"),
        ({"title": "a", "silent": "yes"}, "silent"),
        ({"title": "a", "renotify": True}, "renotify"),
        ({"title": "a", "actions": [{"title": "Go"}]}, "actions.0.navigate"),
        ({"title": "a", "actions": [{"title": "\u200b", "navigate": "/"}]}, "actions.0.title"),
        ({"title": "a", "actions": [{"title": "Go", "navigate": "x:y"}]}, "actions.0.navigate"),
        ({"title": "a", "actions": [{"title": "Go", "navigate": "/"}] * 3}, "actions"),
        # Blanks, marks of direction and width, fillers, accents on nothing.
        ({"title": " \u00a0\u3000\t\n"}, "title"),
        ({"title": "\u202e\u2066\u200b\u200d\ufeff"}, "title"),
        ({"title": "\u3164\u2800\u115f"}, "title"),
        ({"title": "\u0301\ufe0f"}, "title"),
        ({"title": "a", "ttl": "5"}, "ttl"),
        ({"title": "a", "ttl": True}, "ttl"),
        ({"title": "a", "ttl": -1}, "ttl"),
        ({"title": "a", "ttl": 10**12}, "ttl"),
        ({"title": "a", "ttl": 1.5}, "ttl"),
        ({"title": "a", "urgency": "extreme"}, "urgency"),
        ({"title": "a", "topic": "white space"}, "topic"),
        ({"title": "a", "topic": "x" * 33}, "topic"),
        ({"title": "a\x00"}, "title"),
        ({"title": "a", "to": "nobody at all"}, "to"),
        ({"notifications": [{"title": ""}]}, "notifications.0.title"),
        ({"notifications": []}, "notifications"),
        ({"notifications": [{"title": "a"}] * 501}, "notifications"),
        ({"notifications": {"title": "a"}}, "notifications"),
        ([], "body"),
        ("text", "body"),
    ],
)
def test_bad_notification_is_refused_by_field(  # type: ignore[no-untyped-def]  # W-7
    browser: Browser, count, body: Any, field: str
) -> None:
    answer = browser.client.post("/api/notifications", json=body)
    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.get_json()["errors"]]
    assert count(NotificationData) == 0


@pytest.mark.parametrize("title", ["·", "❤️", "שלום", "\u202eolleh", "각", "e\u0301", "\U0001fae9"])
def test_title_that_can_be_seen_is_taken_as_it_is(browser: Browser, title: str) -> None:
    assert browser.send(title=title).status_code == 201
    (item,) = browser.client.get("/api/notifications").get_json()["notifications"]
    assert item["data"]["title"] == title


def test_options_come_to_the_inbox_as_they_were_given(browser: Browser) -> None:  # W-10
    options = {
        "tag": "t",
        "renotify": True,
        "silent": True,
        **{name: f"/{name}.png" for name in ("icon", "image", "badge")},
        "actions": [{"title": "Devices", "navigate": "/devices"}],
    }
    assert browser.send(**options).status_code == 201
    (item,) = browser.client.get("/api/notifications").get_json()["notifications"]
    assert {name: item["data"][name] for name in options} == options


def test_text_of_the_wrong_length_is_told_in_characters(browser: Browser) -> None:
    for title, reason in (("", "at least 1"), ("x" * 201, "at most 200")):
        (error,) = browser.send(title=title).get_json()["errors"]
        assert error["reason"] == f"Use {reason} characters."


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"title": "\\ud800"}', "application/json", 400),
        (b"title=a", "application/x-www-form-urlencoded", 415),
        (b'{"title": "a"}', "text/plain", 415),
        (b'"' + b"x" * (5 * 1024 * 1024) + b'"', "application/json", 413),
    ],
)
def test_body_that_is_no_json_is_refused(
    browser: Browser, data: bytes, content_type: str, status: int
) -> None:
    answer = browser.client.post("/api/notifications", data=data, content_type=content_type)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"


def test_inbox_continues_after_a_seq(browser: Browser) -> None:  # P-9
    for title in ("a", "b", "c"):
        browser.send(title=title)
    page = browser.client.get("/api/notifications?since=1&limit=1").get_json()
    assert [one["data"]["title"] for one in page["notifications"]] == ["b"]
    assert page["last_seq"] == 3
    for query in ("since=-1", "since=x", "since=" + "9" * 30, "limit=201"):
        assert browser.client.get(f"/api/notifications?{query}").status_code == 422


def test_strangers_notification_is_not_found(browser: Browser, stranger: Browser) -> None:
    notification_id = browser.send().get_json()["notification_id"]
    stranger.enter_as_guest()
    assert stranger.client.get(f"/api/notifications/{notification_id}").status_code == 404
    body = {"notification_ids": [notification_id]}
    assert stranger.client.post("/api/notifications/read", json=body).status_code == 204
    assert browser.client.get(f"/api/notifications/{notification_id}").get_json()["read_at"] is None


def test_read_on_one_device_is_read(browser: Browser) -> None:  # W-13
    notification_id = browser.send().get_json()["notification_id"]
    browser.client.post("/api/notifications/read", json={"notification_ids": [notification_id]})
    (item,) = browser.client.get("/api/notifications").get_json()["notifications"]
    assert item["read_at"] is not None
