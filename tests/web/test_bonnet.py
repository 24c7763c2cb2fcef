"""The codelab's pages under the bonnet: a token worth nothing, and a device made by hand."""

import base64
import json
from collections.abc import Callable

import pytest
from sqlalchemy import select

from app import clock, devices
from app.db import Model
from app.models import AuthSession, PendingNotification, PushSubscription, Registration
from app.web.bonnet import TITLES
from app.web.services import Services
from push_service.wire import base64url as wire
from push_service.wire.errors import Refusal
from push_service.wire.vapid import Verifier
from tests.web.conftest import Browser, subscription
from tests.web.test_weight import CODELAB_LIMIT, weigh

Count = Callable[[type[Model]], int]
#: At the settings' push service.
ENDPOINT = "http://127.0.0.1:9/wpush/v2/lab_"
#: From which steps one gets where.
LINKS = [
    ("keys", "vapid"),
    ("subscribe", "vapid"),
    ("send", "encryption"),
    ("hold", "what-they-read"),
    ("show", "encryption"),
]


def join(browser: Browser, number: int = 1) -> str:
    answer = browser.client.post("/api/lab/device", json=subscription(f"{ENDPOINT}{number}"))
    assert answer.status_code == 201
    return str(answer.get_json()["connection_id"])


@pytest.mark.parametrize("page", TITLES)
def test_page_is_there_for_everybody(browser: Browser, stranger: Browser, page: str) -> None:
    assert "Enter as guest" in stranger.client.get(f"/codelab/bonnet/{page}").text
    assert 'aria-current="page"' in browser.client.get(f"/codelab/bonnet/{page}").text


@pytest.mark.parametrize(("slug", "page"), LINKS)
def test_step_leads_under_the_bonnet(stranger: Browser, slug: str, page: str) -> None:
    link = f'href="/codelab/bonnet/{page}"'
    assert link in stranger.client.get(f"/codelab/{slug}").text


@pytest.mark.parametrize("page", TITLES)
def test_page_is_light(browser: Browser, page: str) -> None:
    weights = weigh(browser.client, f"/codelab/bonnet/{page}")
    assert any("/js/codelab/run.js" in path for path in weights)
    assert sum(weights.values()) < CODELAB_LIMIT, weights


def test_page_that_is_none_is_not_there(browser: Browser) -> None:
    assert browser.client.get("/codelab/bonnet/wheels").status_code == 404


# W-8 W-9
def test_token_to_take_apart_is_real_and_worth_nothing(
    browser: Browser, services: Services
) -> None:
    told = browser.client.get("/api/lab/vapid-token").get_json()
    assert told["public_key"] == services.vapid.current.public_key
    header, claims, _signature = told["token"].split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "ES256"
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["aud"] == told["audience"]
    assert told["audience"].endswith(".invalid")  # RFC 6761 section 6.4: nobody's, for ever
    authorization = f"vapid t={told['token']},k={told['public_key']}"
    key = wire.decode(told["public_key"])

    def verify(audience: str) -> None:
        Verifier().verify(authorization, None, key=key, audiences=[audience], now=clock.now())

    verify(told["audience"])
    with pytest.raises(Refusal):
        verify(services.settings.push_service_url or "")


def test_token_and_device_are_somebodys(stranger: Browser) -> None:
    assert stranger.client.get("/api/lab/vapid-token").status_code == 401
    assert stranger.client.post("/api/lab/device", json=subscription()).status_code == 401


# W-6 X-2
def test_lab_device_is_one_more_device_of_its_user(browser: Browser, count: Count) -> None:
    own = browser.subscribe().get_json()["connection_id"]
    made = join(browser)
    listed = {
        each["connection_id"]: each
        for each in browser.client.get("/api/devices").get_json()["devices"]
    }
    assert listed.keys() == {own, made}
    assert listed[made]["browser"] == listed[made]["name"] == "Lab device"
    assert listed[made]["push"]
    assert not listed[made]["this_device"]
    assert count(PushSubscription) == 2


# P-11
def test_lab_device_acknowledges_what_its_page_decrypted(
    browser: Browser, stranger: Browser, count: Count
) -> None:
    browser.subscribe()
    made = join(browser)
    sent = browser.send().get_json()["notification_id"]

    def pending() -> list[int]:
        listed = browser.client.get("/api/devices").get_json()["devices"]
        return [each["pending"] for each in listed if each["connection_id"] == made]

    assert pending() == [1]
    stranger.enter_as_guest()
    assert stranger.client.post(f"/api/lab/device/{sent}/shown", json={}).status_code == 204
    assert pending() == [1]
    assert browser.client.post(f"/api/lab/device/{sent}/shown", json={}).status_code == 204
    assert pending() == [0]
    assert count(PendingNotification) == 1  # the browser's own
    (told,) = (
        event
        for event in browser.client.get("/api/journal").get_json()["events"]
        if event["kind"] == "lab-device.acknowledged"
    )
    assert told["connection_id"] == made


# W-6
def test_next_lab_device_takes_the_place_of_the_former(
    browser: Browser, count: Count, services: Services
) -> None:
    browser.subscribe()
    first, second = join(browser, 1), join(browser, 2)
    assert first != second
    assert count(Registration) == count(PushSubscription) == 2
    with services.database.read() as session:
        revoked = session.scalars(select(AuthSession.revoked_at)).all()
    assert sorted(at is None for at in revoked) == [False, True, True]


#
def test_lab_device_is_removed_like_any_other(browser: Browser, count: Count) -> None:
    made = join(browser)
    assert browser.client.delete(f"/api/devices/{made}").status_code == 204
    assert count(Registration) == count(PushSubscription) == 0
    assert browser.client.get("/api/session").status_code == 200  # the page's own goes on


@pytest.mark.parametrize(
    "endpoint", ["https://jmt17.google.com/fcm/send/lab_1", "http://127.0.0.1:8/wpush/v2/lab_1"]
)
def test_lab_device_lives_at_our_push_service_only(
    browser: Browser, count: Count, endpoint: str
) -> None:
    answer = browser.client.post("/api/lab/device", json=subscription(endpoint))
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "endpoint"
    assert count(Registration) == count(AuthSession) - 1 == 0


# P-14
def test_lab_device_expires_although_it_has_a_subscription(
    browser: Browser, services: Services
) -> None:
    """There is no browser behind it that could still be reached."""
    browser.subscribe()
    made = join(browser)
    later = clock.now() + services.settings.device_retention + 1
    [ended] = services.database.write(
        lambda session: devices.expire(session, later, services.settings.device_retention)
    )
    assert ended is not None
    assert ended.connection_id == made
