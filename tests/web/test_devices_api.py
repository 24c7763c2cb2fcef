"""`/api/devices`: what a user does with the devices."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app import clock, devices, wiring
from app.db import Model
from app.models import AuthSession, PushOutbox, PushSubscription, Registration, User
from app.web.services import Services
from tests.factories import make_device
from tests.web.conftest import Browser, subscription

Count = Callable[[type[Model]], int]


@pytest.fixture
def two(app: Flask, stranger: Browser) -> tuple[Browser, Browser]:
    """Ada with two browsers, both subscribed."""
    stranger.sign_up("Ada")
    other = Browser(app.test_client())
    other.submit("/login", name="Ada", password="correct horse")
    for number, one in enumerate((stranger, other)):
        endpoint = f"https://jmt17.google.com/fcm/send/lab_{number}"
        assert one.client.post("/api/subscribe", json=subscription(endpoint)).status_code == 201
    return stranger, other


def listed(browser: Browser) -> dict[str, Any]:
    """The browser's own device."""
    answer = browser.client.get("/api/devices").get_json()["devices"]
    (own,) = (device for device in answer if device["this_device"])
    return dict(own)


def test_all_who_never_come_back_go_at_last(
    services: Services, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:  # P-14
    monkeypatch.setattr(devices, "PORTION", 2)
    for number in range(5):
        services.database.write(partial(make_device, name=f"Guest {number}"))
    for of_sessions in (AuthSession.last_seen_at, AuthSession.revoked_at):
        long_ago = update(AuthSession).values({of_sessions: clock.now() - 400 * 86400})
        services.database.write(lambda session: session.execute(long_ago))  # noqa: B023
        wiring.expire_all(services)
        assert count(Registration) == 0
    assert count(AuthSession) == count(User) == 0


def test_device_is_muted_for_a_while_and_loud_again(browser: Browser) -> None:
    browser.subscribe()
    path = f"/api/devices/{listed(browser)['connection_id']}/mute"
    muted = browser.client.put(path, json={"seconds": 3600}).get_json()
    assert clock.iso(clock.now() + 3500) < muted["muted_until"] < clock.iso(clock.now() + 3700)
    notification_id = browser.send().get_json()["notification_id"]
    status = browser.client.get(f"/api/notifications/{notification_id}").get_json()
    assert status["devices"][0]["state"] == "muted"
    assert browser.client.put(path, json={"seconds": None}).get_json()["muted_until"][:4] == "9999"
    assert browser.client.delete(path).get_json()["muted_until"] is None


def test_test_of_a_muted_device_says_so(browser: Browser) -> None:
    browser.subscribe()
    path = f"/api/devices/{listed(browser)['connection_id']}"
    assert browser.client.post(f"{path}/test").get_json()["muted_until"] is None
    muted = browser.client.put(f"{path}/mute", json={"seconds": 3600}).get_json()["muted_until"]
    assert browser.client.post(f"{path}/test").get_json()["muted_until"] == muted
    browser.client.put("/api/account/mute", json={"seconds": None})  # all devices of the user
    assert browser.client.post(f"{path}/test").get_json()["muted_until"].startswith("9999")


@pytest.mark.parametrize("body", [{}, {"seconds": 59}, {"seconds": 10**9}, {"seconds": "60"}])
def test_mute_of_no_sensible_length_is_refused(browser: Browser, body: Any) -> None:
    browser.subscribe()
    path = f"/api/devices/{listed(browser)['connection_id']}/mute"
    assert browser.client.put(path, json=body).status_code == 422
    assert listed(browser)["muted_until"] is None


def test_lost_device_is_out_at_once(two: tuple[Browser, Browser], count: Count) -> None:
    here, lost = two
    connection_id = listed(lost)["connection_id"]
    assert here.client.delete(f"/api/devices/{connection_id}").status_code == 204
    assert lost.client.get("/api/session").status_code == 401
    assert (count(PushSubscription), count(Registration)) == (1, 1)
    assert here.send().get_json()["subscriptions"] == 1


def test_sign_out_wins_over_what_comes_a_moment_later(
    two: tuple[Browser, Browser], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request was let in before the sign-out, its transaction comes after it."""
    _, lost = two
    own = listed(lost)["connection_id"]

    def sign_out_first(work: Any, **options: Any) -> Any:
        monkeypatch.undo()
        services.database.write(lambda s: devices.sign_out(s, sessions[own]))
        return services.database.write(work, **options)

    sessions = session_ids(services)
    monkeypatch.setattr(services.database, "write", sign_out_first)
    answer = lost.client.put(f"/api/devices/{own}/mute", json={"seconds": 60})
    assert answer.status_code == 401


def session_ids(services: Services) -> dict[str, str]:
    with services.database.read() as session:
        return {row.connection_id: row.session_id for row in session.query(Registration)}


def test_device_of_another_user_is_not_found(
    browser: Browser, two: tuple[Browser, Browser], count: Count
) -> None:  # P-13
    theirs = f"/api/devices/{listed(two[0])['connection_id']}"
    client = browser.client
    answers = [
        client.delete(theirs),
        client.patch(theirs, json={"name": "mine"}),
        client.put(f"{theirs}/mute", json={"seconds": 60}),
        client.delete(f"{theirs}/mute"),
        client.post(f"{theirs}/test"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert listed(two[0])["name"] != "mine"
    assert count(AuthSession) == 3


def test_page_tells_what_became_of_a_notification(
    app: Flask, browser: Browser, stranger: Browser
) -> None:
    browser.subscribe()
    path = f"/notifications/{browser.send(title='<b>Bold</b>').get_json()['notification_id']}"
    page = browser.client.get(path).get_data(as_text=True)
    assert "It waits to be handed to the push service." in page
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert stranger.client.get(path).status_code == 302
    stranger.enter_as_guest()
    assert stranger.client.get(path).status_code == 404, "not even the sender may look"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"state": "delivered"}, "The push service took it"),
        ({"state": "queued", "attempts": 2, "last_status": 503}, "Tried 2 times"),
        ({"state": "refused", "last_status": 413, "last_error": "Too large."}, "(413): Too large."),
        ({"state": "replaced"}, "A newer one of its topic"),
        ({"state": "expired"}, "Its time was over"),
        ({"state": "muted"}, "The device is muted"),
    ],
)
def test_page_has_a_sentence_for_every_state(
    browser: Browser, services: Services, values: dict[str, Any], sentence: str
) -> None:
    browser.subscribe()
    sent = browser.send().get_json()["notification_id"]
    services.database.write(lambda session: session.execute(update(PushOutbox).values(values)))
    assert sentence in browser.client.get(f"/notifications/{sent}").get_data(as_text=True)


def test_session_tells_when_the_device_alerts_again(browser: Browser) -> None:
    """The later one of its own mute and that of all devices; also in the page, for its script."""
    browser.subscribe()
    path = f"/api/devices/{listed(browser)['connection_id']}/mute"
    own = browser.client.put(path, json={"seconds": 7200}).get_json()["muted_until"]
    browser.client.put("/api/account/mute", json={"seconds": 3600})
    assert browser.client.get("/api/session").get_json()["muted_until"] == own
    assert f'data-muted-until="{own}"' in browser.client.get("/").get_data(as_text=True)
    browser.client.delete(path)
    of_all = browser.client.get("/api/account").get_json()["muted_until"]
    assert browser.client.get("/api/session").get_json()["muted_until"] == of_all
    browser.client.delete("/api/account/mute")
    assert browser.client.get("/api/session").get_json()["muted_until"] is None
