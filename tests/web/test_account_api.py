"""`/api/account`: what a user does with the account."""

from collections.abc import Callable

import pytest
from flask import Flask

from app import clock
from app.db import Model
from app.models import AuthSession, PushSubscription, User
from app.web.services import Services
from tests.web.conftest import Browser

Count = Callable[[type[Model]], int]
PASSWORD = "correct horse"


@pytest.fixture
def ada(app: Flask) -> Browser:
    """A browser of Ada's, who has an account."""
    browser = Browser(app.test_client())
    browser.sign_up("Ada", PASSWORD)
    return browser


def sign_in(app: Flask, name: str, password: str = PASSWORD) -> Browser:
    browser = Browser(app.test_client())
    browser.submit("/login", name=name, password=password)
    return browser


def is_in(browser: Browser) -> bool:
    return browser.client.get("/api/session").status_code == 200


def test_guest_becomes_an_account_and_keeps_everything(app: Flask, browser: Browser) -> None:
    connection_id = browser.subscribe().get_json()["connection_id"]
    browser.send(title="From before")
    body = {"name": "Grace", "password": PASSWORD}
    answer = browser.client.post("/api/account", json=body).get_json()
    assert (answer["name"], answer["guest"]) == ("Grace", False)
    session = browser.client.get("/api/session").get_json()
    assert (session["connection_id"], session["user"]["name"]) == (connection_id, "Grace")
    second = sign_in(app, "grace")
    (kept,) = second.client.get("/api/notifications").get_json()["notifications"]
    assert kept["data"]["title"] == "From before"


def test_guest_may_keep_the_name(browser: Browser) -> None:
    name = browser.client.get("/api/account").get_json()["name"]
    answer = browser.client.post("/api/account", json={"name": name, "password": PASSWORD})
    assert (answer.status_code, answer.get_json()["name"]) == (200, name)


@pytest.mark.parametrize(
    ("name", "password", "status", "field"),
    [
        ("ADA", PASSWORD, 409, "name"),
        ("", PASSWORD, 422, "name"),
        ("Grace", "short", 422, "password"),
        ("Grace", "x" * 129, 422, "password"),
    ],
)
def test_guest_stays_a_guest_when_the_choice_is_bad(
    browser: Browser, ada: Browser, name: str, password: str, status: int, field: str
) -> None:
    answer = browser.client.post("/api/account", json={"name": name, "password": password})
    assert answer.status_code == status
    assert answer.get_json()["errors"][0]["field"] == field
    assert browser.client.get("/api/account").get_json()["guest"] is True


def test_account_cannot_be_made_twice(ada: Browser) -> None:
    answer = ada.client.post("/api/account", json={"name": "Eve", "password": "another horse"})
    assert (answer.status_code, answer.get_json()["type"]) == (409, "/problems/not-a-guest")


def change(browser: Browser, old: str, new: str, **more: bool) -> tuple[int, list[str]]:
    body = {"old_password": old, "new_password": new, **more}
    answer = browser.client.post("/api/account/password", json=body)
    problem = answer.get_json(silent=True) or {}
    return answer.status_code, [error["field"] for error in problem.get("errors", [])]


def test_password_is_changed_with_the_old_one_only(app: Flask, ada: Browser) -> None:
    assert change(ada, "wrong horse", "another horse") == (401, ["old_password"])
    assert change(ada, PASSWORD, "short") == (422, ["new_password"])
    assert change(ada, PASSWORD, "another horse") == (204, [])
    assert not is_in(sign_in(app, "Ada"))
    assert is_in(sign_in(app, "Ada", "another horse"))
    assert is_in(ada)


def test_guest_has_no_password_to_change(browser: Browser) -> None:
    assert change(browser, "", "another horse") == (401, ["old_password"])


@pytest.mark.parametrize("sign_out_others", [True, False])
def test_other_devices_are_signed_out_if_wanted(
    app: Flask, ada: Browser, count: Count, sign_out_others: bool
) -> None:
    device, no_device = sign_in(app, "Ada"), sign_in(app, "Ada")
    device.subscribe()
    change(ada, PASSWORD, "another horse", sign_out_others=sign_out_others)
    assert is_in(ada)
    assert is_in(device) is is_in(no_device) is not sign_out_others
    assert count(PushSubscription) == (0 if sign_out_others else 1)


def test_account_is_muted_and_loud_again(browser: Browser) -> None:
    browser.subscribe()
    muted = browser.client.put("/api/account/mute", json={"seconds": None}).get_json()
    assert muted["muted_until"].startswith("9999")
    sent = browser.send().get_json()["notification_id"]
    (device,) = browser.client.get(f"/api/notifications/{sent}").get_json()["devices"]
    assert device["state"] == "muted"
    assert browser.client.delete("/api/account/mute").get_json()["muted_until"] is None


def test_export_has_everything_but_what_opens_doors(
    ada: Browser, services: Services
) -> None:
    ada.subscribe()
    ada.send(title="Mine to keep")
    assert ada.send(deliver_at=clock.iso(clock.now() + 3600)).status_code == 201
    answer = ada.client.get("/api/account/export")
    found = answer.get_json()
    assert found["account"]["name"] == "Ada"
    assert found["notifications"][0]["data"]["title"] == "Mine to keep"
    assert found["subscriptions"][0]["push_service"] == "https://jmt17.google.com"
    assert len(found["sessions"]) == len(found["devices"]) == len(found["scheduled"]) == 1
    for secret in secrets_of(services):
        assert secret not in answer.get_data(as_text=True)


def secrets_of(services: Services) -> list[str]:
    with services.database.read() as session:
        (subscription,) = session.query(PushSubscription)
        (user,) = session.query(User)
        (opened,) = session.query(AuthSession)
        keys = [subscription.endpoint, subscription.p256dh, subscription.auth]
        return [*keys, str(user.password_hash), opened.session_id]


def delete(browser: Browser, name: str, password: str = "") -> tuple[int, list[str]]:
    answer = browser.client.post("/api/account/delete", json={"name": name, "password": password})
    problem = answer.get_json(silent=True) or {}
    return answer.status_code, [error["field"] for error in problem.get("errors", [])]


def test_account_is_deleted_when_name_and_password_are_typed(
    app: Flask, ada: Browser, count: Count
) -> None:
    other = sign_in(app, "Ada")
    assert delete(ada, "Eve", PASSWORD) == (422, ["name"])
    assert delete(ada, "ada", "wrong horse") == (401, ["password"])
    assert is_in(other)
    assert delete(ada, "ada", PASSWORD) == (204, [])
    assert not is_in(other)
    assert not is_in(ada)
    assert count(User) == 0
    assert Browser(app.test_client()).sign_up("Ada").status_code == 303, "the name is free again"


def test_guest_is_deleted_by_name(browser: Browser, count: Count) -> None:
    name = browser.client.get("/api/account").get_json()["name"]
    assert delete(browser, name) == (204, [])
    assert count(User) == 0


def test_sender_keeps_nothing_of_who_was_deleted(
    app: Flask, ada: Browser, browser: Browser
) -> None:
    browser.send(to="Ada")
    assert delete(ada, "Ada", PASSWORD)[0] == 204
    answer = browser.send(to="Ada")
    assert answer.status_code == 422, "nobody has that name"
