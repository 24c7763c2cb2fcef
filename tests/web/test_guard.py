"""Who may call at all: origins, sessions, methods, and what an answer never contains."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidChunkSize
from werkzeug.exceptions import NotFound
from werkzeug.test import TestResponse

from app import create_app
from app.config import Settings, load
from app.web.services import Services
from tests.web.conftest import Browser

WRITES = [
    ("POST", "/api/subscribe"),
    ("POST", "/api/unsubscribe"),
    ("POST", "/api/notifications"),
    ("POST", "/api/notifications/read"),
    ("POST", "/api/notifications/x/shown"),
    ("POST", "/api/devices/x/test"),
    ("PATCH", "/api/devices/x"),
    ("DELETE", "/api/devices/x"),
    ("PUT", "/api/devices/x/mute"),
    ("DELETE", "/api/devices/x/mute"),
    ("POST", "/api/account"),
    ("POST", "/api/account/password"),
    ("POST", "/api/account/delete"),
    ("PUT", "/api/account/mute"),
    ("DELETE", "/api/account/mute"),
    ("POST", "/api/journal"),
    ("POST", "/api/runs"),
    ("PUT", "/api/lab/faults/x"),
    ("DELETE", "/api/lab/faults/x"),
]
READS = [
    "/api/session",
    "/api/devices",
    "/api/account",
    "/api/account/export",
    "/api/notifications",
    "/api/notifications/x",
    "/api/journal",
    "/api/lab/token",
    "/api/lab/faults",
    "/api/lab/journal",
]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_foreign_page_may_not_write(browser: Browser, method: str, path: str) -> None:  # P-2
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = browser.client.open(path, method=method, json={}, headers=headers)
        assert answer.status_code == 403
        assert answer.get_json()["type"] == "/problems/foreign-origin"


def test_own_page_may_write(browser: Browser) -> None:
    headers = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    answer = browser.client.post("/api/notifications", json={"title": "a"}, headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize(("method", "path"), [*WRITES, *(("GET", path) for path in READS)])
def test_signed_out_visitor_is_told_so(stranger: Browser, method: str, path: str) -> None:  # P-2
    answer = stranger.client.open(path, method=method, json={})
    assert answer.status_code == 401
    assert answer.get_json()["type"] == "/problems/signed-out"


def test_unknown_address_is_a_problem_for_programs_and_a_page_for_people(stranger: Browser) -> None:
    assert stranger.client.get("/api/nothing").content_type == "application/problem+json"
    page = stranger.client.get("/nothing")
    assert page.status_code == 404
    assert page.mimetype == "text/html"


def test_page_under_localhost_leads_to_the_own_origin(stranger: Browser) -> None:
    for host, path, location in (
        ("localhost:8000", "/login?next=/devices", "http://127.0.0.1:8000/login?next=/devices"),
        ("LOCALHOST:8000", "/", "http://127.0.0.1:8000/"),
        ("localhost:8000", "/healthz", None),
        ("localhost:8000", "/api/vapid-public-key", None),
        ("127.0.0.1:8000", "/", None),
        ("evil.example", "/", None),
    ):
        answer = stranger.client.get(path, headers={"Host": host})
        assert answer.headers.get("Location") == location, (host, path)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..b"])
def test_host_that_is_none_is_a_bad_request(stranger: Browser, host: str) -> None:
    for path in ("/", "/api/session"):
        assert stranger.client.get(path, headers={"Host": host}).status_code == 400


def test_no_route_takes_control_characters(app: Flask) -> None:
    """PostgreSQL fails at NUL: such an address is refused before a view sees it."""
    urls = app.url_map.bind("127.0.0.1:8000")
    with_parts = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    for rule in (rule for rule in with_parts if rule.arguments):
        for method in rule.methods or ():
            path = re.sub("<.*?>", "{}", rule.rule)
            assert urls.match(path.format("x"), method)
            with pytest.raises(NotFound):
                urls.match(path.format("a\0b"), method)


class BrokenBody:
    """What gunicorn hands over for `Transfer-Encoding: chunked` without chunks."""

    def read(self, size: int = -1) -> bytes:
        raise InvalidChunkSize(b"ZZ")


def test_body_of_broken_chunks_is_a_bad_request(browser: Browser) -> None:
    body = {"wsgi.input": BrokenBody(), "wsgi.input_terminated": True}
    headers = {"Content-Type": "application/json"}
    for path in ("/api/notifications", "/login"):
        answer = browser.client.post(path, headers=headers, environ_overrides=body)
        assert answer.status_code == 400, path


def test_form_that_cannot_be_read_is_a_bad_request(browser: Browser) -> None:
    for path in ("/login", "/guest", "/logout"):
        answer = browser.client.post(path, data=b"{", content_type="application/json")
        assert answer.status_code == 400, path


def test_form_that_is_too_large_is_told_so(stranger: Browser) -> None:
    field = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + b"a" * 3_000_000
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = stranger.client.post("/login", data=field + b"\r\n--x--", headers=headers)
    assert answer.status_code == 413


def test_wrong_method_names_the_right_ones(browser: Browser) -> None:
    answer = browser.client.put("/api/subscribe", json={})
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_fault_of_ours_shows_no_stack(app: Flask, browser: Browser) -> None:
    app.testing = False
    services: Services = app.extensions["pushlab"]
    services.faults.arm("create.before_commit", "fail")
    answer = browser.client.post("/api/notifications", json={"title": "a"})
    assert answer.status_code == 500
    assert "InjectedFault" not in answer.get_data(as_text=True)


def test_database_that_is_away_is_told_as_passing(
    app: Flask, browser: Browser, services: Services
) -> None:  # P-12
    app.testing = False
    file = services.settings.instance_dir / "pushlab.db"
    services.database.engine.dispose()
    hidden = file.rename(file.with_suffix(".away"))
    file.mkdir()  # so that it cannot be opened
    answer = browser.client.post("/api/notifications", json={"title": "a"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.get_json()["type"] == "/problems/try-again"
    file.rmdir()
    hidden.rename(file)
    assert browser.send().status_code == 201


def test_pages_run_only_our_own_scripts(stranger: Browser) -> None:
    answer = stranger.client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert f'nonce="{nonce}"' in answer.get_data(as_text=True)


def test_private_key_is_never_sent(app: Flask, browser: Browser) -> None:  # W-1
    secret = next(app.extensions["pushlab"].settings.instance_dir.glob("vapid/*.pem")).read_text()
    body = "".join(secret.splitlines()[1:-1])
    browser.subscribe()
    browser.send()
    for path in ("/", "/api/vapid-public-key", "/api/session", "/api/journal", "/api/lab/token"):
        assert body[:40] not in browser.client.get(path).get_data(as_text=True)


def test_process_is_ready_when_its_node_takes_connections(
    stranger: Browser, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:  # P-1
    assert stranger.client.get("/healthz").get_json() == {"status": "ok"}
    assert stranger.client.get("/readyz").status_code == 503
    assert services.node is not None
    monkeypatch.setattr(services.node, "node_uri", "http://127.0.0.1:9/#an-incarnation")
    assert stranger.client.get("/readyz").get_json() == {"status": "ok", "node": "an-incarnation"}


@pytest.fixture
def behind_a_proxy(settings: Settings, empty_file: Path) -> Iterator[FlaskClient]:
    """The app as it is served to the world: limits on, one proxy in front."""
    settings.instance_dir.mkdir(parents=True)
    shutil.copy(empty_file, settings.instance_dir / "pushlab.db")
    app = create_app(load({}, instance_dir=settings.instance_dir, proxies=1))
    yield app.test_client()
    app.extensions["pushlab"].database.engine.dispose()


def guess(client: FlaskClient, address: str) -> TestResponse:
    """One attempt to sign in, from this address by way of the proxy."""
    return client.post("/login", headers={"X-Forwarded-For": f"10.0.0.9, {address}"})


def test_limits_hold_off_whoever_guesses(behind_a_proxy: FlaskClient) -> None:
    statuses = [guess(behind_a_proxy, "192.0.2.1").status_code for _ in range(30)]
    assert set(statuses) == {400}
    held_off = guess(behind_a_proxy, "192.0.2.1")
    assert held_off.status_code == 429
    assert 1 <= int(held_off.headers["Retry-After"]) <= 60
    assert "Too many attempts" in held_off.get_data(as_text=True)
    assert guess(behind_a_proxy, "192.0.2.2").status_code == 400, "another visitor, same proxy"
    neighbour = {"X-Forwarded-For": "10.0.0.9, 192.0.2.1"}
    assert behind_a_proxy.post("/logout", headers=neighbour).status_code == 400, "can sign out"


@pytest.mark.slow
def test_limits_hold_off_who_guesses_with_a_stolen_session(behind_a_proxy: FlaskClient) -> None:
    """From one address or from many: the session is the same."""
    Browser(behind_a_proxy).sign_up("Ada")
    body = {"old_password": "wrong horse", "new_password": "another horse"}

    def guess_password(number: int) -> TestResponse:
        headers = {"X-Forwarded-For": f"10.0.0.9, 192.0.2.{number}"}
        return behind_a_proxy.post("/api/account/password", json=body, headers=headers)

    assert {guess_password(number).status_code for number in range(30)} == {401}
    held_off = guess_password(99)
    assert held_off.status_code == 429
    assert 1 <= int(held_off.headers["Retry-After"]) <= 60
    deletion = behind_a_proxy.post("/api/account/delete", json={"name": "Ada"})
    assert deletion.status_code == 429, "one budget for all that compares passwords"
    assert behind_a_proxy.put("/api/account/mute", json={"seconds": 60}).status_code == 200
