"""Sign up, sign in, guest, sign out: server-side sessions."""

from collections.abc import Callable

import pytest
from flask import Flask

from app import clock
from app.db import Model
from app.models import AuthSession, Registration, User
from app.web.services import Services
from tests.web.conftest import Browser

Count = Callable[[type[Model]], int]


def test_guest_is_in_with_one_click(stranger: Browser) -> None:
    assert stranger.client.get("/api/session").status_code == 401
    stranger.enter_as_guest()
    answer = stranger.client.get("/api/session").get_json()
    assert answer["user"]["guest"] is True
    assert answer["connection_id"] is None


def test_name_and_password_open_a_session(app: Flask, stranger: Browser) -> None:
    assert stranger.sign_up("Ada").status_code == 303
    other = Browser(app.test_client())
    assert other.submit("/login", name="ada", password="wrong horse").status_code == 401
    assert other.submit("/login", name="ada", password="correct horse").status_code == 303
    assert other.client.get("/api/session").get_json()["user"]["name"] == "Ada"


def test_sign_up_says_what_is_wrong_beside_the_field(stranger: Browser) -> None:
    page = stranger.sign_up("Ada", "short")
    assert page.status_code == 422
    assert "Use 8 to 128 characters." in page.get_data(as_text=True)
    stranger.sign_up("Ada")
    taken = Browser(stranger.client.application.test_client()).sign_up("ADA")
    assert taken.status_code == 409


def test_form_without_token_is_refused(stranger: Browser, count: Count) -> None:
    assert stranger.client.post("/guest").status_code == 400
    assert count(User) == 0


def test_sign_out_ends_the_session_for_good(browser: Browser, app: Flask) -> None:  # W-13
    cookie = browser.client.get_cookie("pushlab_session_8000")
    assert cookie is not None
    browser.submit("/logout", "/account")
    thief = app.test_client()
    thief.set_cookie("pushlab_session_8000", cookie.value)
    assert thief.get("/api/session").status_code == 401


def test_signing_in_ends_the_browsers_former_session(
    browser: Browser, count: Count
) -> None:  # W-13
    browser.subscribe()
    assert count(Registration) == 1
    browser.sign_up("Ada")
    assert count(Registration) == 0
    assert count(AuthSession) == 2


def test_session_cookie_is_out_of_reach_of_scripts(stranger: Browser) -> None:  # P-2
    cookie = stranger.client.get("/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_answers_of_the_api_leave_the_cookie_alone(browser: Browser) -> None:  # W-13
    """One that comes late would bring an older cookie back, and a form's token would be gone."""
    assert "Set-Cookie" not in browser.client.get("/api/session").headers


def test_form_outlives_a_cookie_that_came_back(browser: Browser) -> None:  # W-13
    older = browser.client.get_cookie("pushlab_session_8000")
    assert older is not None
    token = browser.token_of("/account")
    browser.client.set_cookie("pushlab_session_8000", older.value)
    assert browser.client.post("/logout", data={"csrf_token": token}).status_code == 303
    assert browser.client.get("/api/session").status_code == 401


def test_cookie_lives_on_while_it_is_used(
    browser: Browser, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:  # P-9
    later = clock.now() + services.settings.device_retention / 2
    monkeypatch.setattr(clock, "now", lambda: later)
    assert "Expires" in browser.client.get("/").headers["Set-Cookie"]


def test_sign_in_leads_back_inside_only(stranger: Browser) -> None:
    stranger.sign_up("Ada")
    outside = ("//evil.example", "/\\evil", "/%09/evil.example", "/%0A/evil.example", "/%0D%0Ax:y")
    for wanted, led in (("/devices", "/devices"), *((other, "/") for other in outside)):
        answer = stranger.submit(f"/login?next={wanted}", name="Ada", password="correct horse")
        assert answer.headers["Location"] == led


def test_page_of_a_signed_in_user_asks_to_sign_in(stranger: Browser) -> None:
    answer = stranger.client.get("/devices")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?next=")
