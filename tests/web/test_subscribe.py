"""POST /api/subscribe: what is kept, what is refused, and that nothing is half done."""

from typing import Any

import pytest

from app.models import PushSubscription, Registration
from app.web.services import Services
from tests.factories import base64url, public_key
from tests.web.conftest import ENDPOINT, Browser, subscription


def test_subscription_is_stored_at_once(browser: Browser, count) -> None:  # type: ignore[no-untyped-def]  # W-5, W-6
    body = subscription()
    first = browser.client.post("/api/subscribe", json=body)
    again = browser.client.post("/api/subscribe", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert count(PushSubscription) == 1
    known = browser.client.get("/api/session").get_json()
    assert known["subscription"] == {"endpoint": ENDPOINT, "last_status": None}
    assert known["connection_id"] == first.get_json()["connection_id"]


def keys(**changes: str) -> dict[str, str]:
    return {**subscription()["keys"], **changes}


OFF_CURVE = base64url(b"\x04" + b"\x01" * 64)
COMPRESSED = base64url(b"\x02" + b"\x01" * 32)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"endpoint": None}, "endpoint"),
        ({"endpoint": 7}, "endpoint"),
        ({"endpoint": ""}, "endpoint"),
        ({"endpoint": "no url"}, "endpoint"),
        ({"endpoint": "http://jmt17.google.com/fcm/send/x"}, "endpoint"),
        ({"endpoint": "https://evil.example/jmt17.google.com/fcm/send/x"}, "endpoint"),
        ({"endpoint": "https://127.0.0.1/x"}, "endpoint"),
        ({"endpoint": "https://user@fcm.googleapis.com/x"}, "endpoint"),
        ({"endpoint": "https://fcm.googleapis.com/" + "x" * 10_000}, "endpoint"),
        ({"endpoint": "https://fcm.googleapis.com/\x00"}, "endpoint"),
        ({"keys": None}, "keys"),
        ({"keys": {}}, "keys.p256dh"),
        ({"keys": keys(p256dh="!")}, "keys.p256dh"),
        ({"keys": keys(p256dh=OFF_CURVE)}, "keys.p256dh"),
        ({"keys": keys(p256dh=COMPRESSED)}, "keys.p256dh"),
        ({"keys": keys(p256dh="")}, "keys.p256dh"),
        ({"keys": keys(auth=base64url(bytes(15)))}, "keys.auth"),
        ({"keys": keys(auth="ü" * 22)}, "keys.auth"),
        ({"keys": keys(auth="x" * 100_000)}, "keys.auth"),
        ({"expirationTime": "soon"}, "expirationTime"),
        ({"applicationServerKey": "x"}, "applicationServerKey"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
)
def test_bad_subscription_is_refused_by_field(  # type: ignore[no-untyped-def]  # W-5
    browser: Browser, count, changes: dict[str, Any], field: str
) -> None:
    answer = browser.subscribe(**changes)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    errors = answer.get_json()["errors"]
    assert field in [error["field"] for error in errors]
    assert all(error["reason"] for error in errors)
    assert (count(PushSubscription), count(Registration)) == (0, 0)


def test_key_that_is_not_ours_is_refused(browser: Browser, count) -> None:  # type: ignore[no-untyped-def]  # W-3
    answer = browser.subscribe(applicationServerKey=public_key())
    assert answer.status_code == 409
    assert answer.get_json()["type"] == "/problems/vapid-key-unknown"
    assert (count(PushSubscription), count(Registration)) == (0, 0)


def test_padded_and_unpadded_keys_are_the_same(browser: Browser) -> None:  # W-3
    key = browser.client.get("/api/vapid-public-key").get_json()["public_key"]
    assert browser.subscribe(applicationServerKey=key + "=").status_code == 201


def test_endpoint_of_another_browser_cannot_be_taken(
    browser: Browser, stranger: Browser
) -> None:  # P-13
    browser.subscribe()
    stranger.enter_as_guest()
    answer = stranger.subscribe()
    assert answer.status_code == 409
    assert answer.get_json()["type"] == "/problems/endpoint-of-another-session"


def test_browser_that_changes_hands_takes_its_endpoint_along(  # W-13, failure 11
    browser: Browser, stranger: Browser
) -> None:
    body = subscription()
    browser.client.post("/api/subscribe", json=body)
    stranger.enter_as_guest()
    assert stranger.client.post("/api/subscribe", json=body).status_code == 201
    assert browser.client.get("/api/session").status_code == 401


def test_unsubscribe_forgets_only_the_own_endpoint(  # type: ignore[no-untyped-def]  # W-13
    browser: Browser, stranger: Browser, count
) -> None:
    browser.subscribe()
    stranger.enter_as_guest()
    for someone, left in ((stranger, 1), (browser, 0), (browser, 0)):
        answer = someone.client.post("/api/unsubscribe", json={"endpoint": ENDPOINT})
        assert answer.status_code == 204
        assert count(PushSubscription) == left


def test_subscribe_fault_answers_try_again(services: Services, browser: Browser) -> None:  # W-5
    services.faults.arm("subscribe.before_store", "fail", times=1)
    assert browser.subscribe().status_code == 503
    assert browser.subscribe().status_code == 201
