"""Programs: what a token opens, and what it does not."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import accounts, clock, create_app, tokens
from app.config import Settings
from app.db import Model
from app.models import ApiToken, NotificationData
from app.web.services import Services
from tests.records import make_user, rows
from tests.web.conftest import Browser

Count = Callable[[type[Model]], int]


class Caller:
    """A program; it sends nothing of what a browser sends by itself."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client = client
        self.token = token

    def open(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return self.client.open(path, method=method, headers=headers, **more)

    def send(self, **fields: Any) -> TestResponse:
        return self.open("/api/notifications", "POST", json={"title": "Hello", **fields})


def make_token(services: Services, user_id: int) -> str:
    return services.database.write(lambda session: tokens.create(session, user_id, "test"))


@pytest.fixture
def program(app: Flask, services: Services) -> Caller:
    user_id = make_user(services.database, "build server")
    return Caller(app.test_client(), make_token(services, user_id))


def refusal(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["type"]


# W-7
def test_program_sends_to_users_by_name(program: Caller, stranger: Browser, count: Count) -> None:
    stranger.sign_up("Ada")
    sent = program.send(to="ada")
    assert sent.status_code == 201
    assert "Set-Cookie" not in sent.headers
    (found,) = stranger.client.get("/api/notifications").get_json()["notifications"]
    assert found["data"] == {"title": "Hello", "navigate": "/", "body": "", "from": "build server"}
    many = [{"to": "Ada", "title": "a"}, {"title": "b"}]
    batch = program.open("/api/notifications", "POST", json={"notifications": many})
    assert len(batch.get_json()["notifications"]) == 2
    assert count(NotificationData) == 3


# W-7, P-12
def test_repeated_post_of_a_program_is_the_same_notification(program: Caller, count: Count) -> None:
    body = {"json": {"title": "a"}, "headers": {"Idempotency-Key": "once"}}
    first, second = (program.open("/api/notifications", "POST", **body) for _ in range(2))
    assert first.get_json() == second.get_json()
    assert count(NotificationData) == 1


# W-8
def test_program_reads_what_its_own_user_got(program: Caller, stranger: Browser) -> None:
    own = program.send().get_json()["notification_id"]
    assert program.open(f"/api/notifications/{own}").get_json()["seq"] == 1
    assert program.open("/api/notifications").get_json()["last_seq"] == 1
    stranger.sign_up("Ada")
    other = program.send(to="Ada").get_json()["notification_id"]
    assert program.open(f"/api/notifications/{other}").status_code == 404


# P-2
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/session"),
        ("GET", "/api/devices"),
        ("DELETE", "/api/devices/x"),
        ("POST", "/api/subscribe"),
        ("POST", "/api/notifications/read"),
        ("POST", "/api/notifications/x/shown"),
    ],
)
def test_token_opens_nothing_else(program: Caller, method: str, path: str) -> None:
    answer = program.open(path, method, json={})
    assert refusal(answer) == (401, "/problems/signed-out")
    assert "token" in answer.get_json()["detail"]


# P-2
@pytest.mark.parametrize("token", ["", "pushlab_wrong", "é", "x" * 10_000])
def test_wrong_token_is_refused(program: Caller, count: Count, token: str) -> None:
    program.token = token
    answer = program.send()
    assert refusal(answer) == (401, "/problems/invalid-token")
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert count(NotificationData) == 0


# P-2
def test_revoked_token_is_refused(program: Caller, services: Services) -> None:
    assert program.send().status_code == 201
    [known] = rows(services.database, ApiToken)
    assert services.database.write(lambda session: tokens.revoke(session, known.id))
    assert refusal(program.send()) == (401, "/problems/invalid-token")
    assert not services.database.write(lambda session: tokens.revoke(session, known.id))


# P-2
def test_programs_that_come_together_are_each_known_as_themselves(services: Services) -> None:
    ada, bob = (make_user(services.database, name) for name in ("Ada", "Bob"))
    hers, his = make_token(services, ada), make_token(services, bob)
    with services.database.engine.connect() as connection:
        found = tokens.find(connection, [his, "pushlab_wrong", hers, his])
    assert [one and one.user_id for one in found] == [bob, None, ada, bob]


# W-7
def test_wrong_token_is_not_healed_by_a_session(browser: Browser) -> None:
    assert Caller(browser.client, "pushlab_wrong").send().status_code == 401


# P-2
def test_foreign_page_may_not_use_a_token(program: Caller) -> None:
    headers = {"Origin": "https://evil.example"}
    answer = program.open("/api/notifications", "POST", json={"title": "a"}, headers=headers)
    assert refusal(answer) == (403, "/problems/foreign-origin")


# P-2
def test_token_itself_is_stored_and_logged_nowhere(
    program: Caller, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    program.send()
    program.open("/api/devices")
    services.database.engine.dispose()
    files = services.settings.instance_dir.glob("pushlab.db*")
    stored = b"".join(path.read_bytes() for path in files)
    assert b"build server" in stored
    assert program.token.encode() not in stored
    assert program.token not in caplog.text


# P-2
def test_use_of_a_token_is_noted_now_and_then(
    program: Caller, services: Services, monkeypatch: Any
) -> None:
    def used_at() -> float | None:
        [known] = rows(services.database, ApiToken)
        return known.last_used_at

    start = clock.now()
    for seconds, noted in ((0, 0), (30, 0), (90, 90)):
        monkeypatch.setattr(clock, "now", lambda now=start + seconds: now)
        program.send()
        assert used_at() == start + noted


class TestLimits:
    """The laboratory has none."""

    @pytest.fixture
    def lab_app(self, settings: Settings) -> Flask:
        settings.instance_dir.mkdir(parents=True)
        made = create_app(settings.model_copy(update={"lab": False, "token_requests": 3}))
        made.testing = True
        return made

    # P-2
    def test_each_token_has_its_own_budget(self, app: Flask, services: Services) -> None:
        user_id = make_user(services.database)
        busy, other = (Caller(app.test_client(), make_token(services, user_id)) for _ in range(2))
        assert [busy.send().status_code for _ in range(4)] == [201, 201, 201, 429]
        refused = busy.send()
        assert refused.get_json()["type"] == "/problems/rate-limited"
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert other.send().status_code == 201

    # P-2
    def test_guessing_is_limited_by_address(self, app: Flask, services: Services) -> None:
        guesses = [
            Caller(app.test_client(), f"pushlab_{n}").open("/api/notifications") for n in range(61)
        ]
        assert [one.status_code for one in guesses[-2:]] == [401, 429]
        user_id = services.database.write(
            lambda session: accounts.sign_up(session, "Ada", None, lab=False)
        ).id
        honest = Caller(app.test_client(), make_token(services, user_id))
        assert honest.send().status_code == 429  # of the same address
        elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
        answer = honest.open("/api/notifications", environ_overrides=elsewhere)
        assert answer.status_code == 200

    # P-2
    def test_what_is_scheduled_is_of_the_same_budget(self, app: Flask, services: Services) -> None:
        user_id = make_user(services.database)
        program = Caller(app.test_client(), make_token(services, user_id))
        asked = [program.open("/api/scheduled").status_code for _ in range(4)]
        assert asked == [200, 200, 200, 429]
        assert program.send().status_code == 429
