"""`/ops`, `/api/ops` and `/metrics`: who may see them, and what they never show."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app, metrics
from app.config import ConfigError, load
from app.sending import vapid
from app.web.services import Services
from tests.web.conftest import ENDPOINT, Browser

TOKEN = "a-token-for-scrapers"
ORIGIN = "https://jmt17.google.com"

MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app(tmp_path: Path, empty_file: Path) -> Iterator[MakeApp]:
    """Not a laboratory."""
    made: list[Flask] = []

    def make(**settings: Any) -> Flask:
        folder = tmp_path / f"instance-{len(made)}"
        folder.mkdir()
        shutil.copy(empty_file, folder / "pushlab.db")
        app = create_app(load({}, instance_dir=folder, **settings))
        app.testing = True
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["pushlab"].database.engine.dispose()


@pytest.fixture
def public_app(make_app: MakeApp) -> Flask:
    app = make_app()
    browser = Browser(app.test_client())
    assert browser.sign_up("Olga").status_code == 303  # before any setting names her
    return app


@contextmanager
def naming(app: Flask, **settings: Any) -> Iterator[None]:
    """The same app, as if it had been started with these settings."""
    services: Services = app.extensions["pushlab"]
    before = services.settings
    services.settings = load({}, **{**before.model_dump(), **settings})
    try:
        yield
    finally:
        services.settings = before


def log_in(app: Flask, name: str) -> Browser:
    browser = Browser(app.test_client())
    assert browser.submit("/login", name=name, password="correct horse").status_code == 303
    return browser


def statuses(browser: Browser) -> list[int]:
    return [browser.client.get(path).status_code for path in ("/ops", "/api/ops", "/metrics")]


def test_operator_sees_everything(public_app: Flask) -> None:
    with naming(public_app, operators=["olga"]):  # as names are compared everywhere
        olga = log_in(public_app, "Olga")
        assert statuses(olga) == [200, 200, 200]
        assert 'href="/ops"' in olga.client.get("/").text


def test_others_are_told_what_to_do(public_app: Flask) -> None:
    with naming(public_app, operators=["Olga"]):
        other = Browser(public_app.test_client())
        other.enter_as_guest()
        assert statuses(other) == [403, 403, 403]
        page = other.client.get("/ops").text
        assert "This is for operators" in page
        assert "PUSHLAB_OPERATORS" in page
        assert 'href="/ops"' not in other.client.get("/").text


def test_nobody_is_an_operator_by_default(public_app: Flask) -> None:
    assert statuses(log_in(public_app, "Olga")) == [403, 403, 403]


def test_stranger_signs_in_first(public_app: Flask) -> None:
    stranger = Browser(public_app.test_client())
    assert statuses(stranger) == [302, 401, 401]
    assert stranger.client.get("/ops").location == "/login?next=%2Fops"
    answer = stranger.client.get("/metrics")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.get_json()["type"] == "/problems/operator-token"


def test_whoever_is_signed_in_to_a_laboratory_operates_it(browser: Browser) -> None:
    assert statuses(browser) == [200, 200, 200]
    client = browser.client.application.test_client()
    headers = {"Authorization": "Bearer lab-secret"}
    assert client.get("/metrics", headers=headers).status_code == 200


def test_laboratory_may_name_its_operators_too(browser: Browser, app: Flask) -> None:
    with naming(app, operators=["Olga"]):
        assert statuses(browser) == [403, 403, 403]


def test_token_reads_metrics_and_nothing_else(public_app: Flask) -> None:
    client = public_app.test_client()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with naming(public_app, metrics_token=TOKEN):
        answer = client.get("/metrics", headers=headers)
        assert answer.status_code == 200
        assert answer.content_type.startswith("text/plain")
        assert client.get("/api/ops", headers=headers).status_code == 401
        for wrong in ("another-token-of-16", "", "ä"):
            bad = {"Authorization": f"Bearer {wrong}"}
            assert client.get("/metrics", headers=bad).status_code == 401
    assert client.get("/metrics", headers=headers).status_code == 401


def test_node_answers_metrics_though_it_has_no_pages(make_app: MakeApp) -> None:
    app = make_app(
        roles="node",
        public_url="https://p.example",
        bus_url="http://127.0.0.1",
        metrics_token=TOKEN,
    )
    client = app.test_client()
    text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert "pushlab_connections 0.0" in text
    assert "pushlab_pending_notifications" not in text  # told once, by processes with pages
    assert client.get("/metrics").status_code == 401


def test_operators_name_cannot_be_taken(public_app: Flask) -> None:
    """Whoever has the name has the office."""
    with naming(public_app, operators=["Oscar"]):
        stranger = Browser(public_app.test_client())
        assert stranger.sign_up("oscar").status_code == 409
        guest = Browser(public_app.test_client())
        guest.enter_as_guest()
        body = {"name": "OSCAR", "password": "correct horse"}
        answer = guest.client.post("/api/account", json=body)
        assert answer.status_code == 409
        assert answer.get_json()["errors"] == [{"field": "name", "reason": "Taken."}]


def test_short_token_and_strange_address_are_refused() -> None:
    for name, value in (("METRICS_TOKEN", "short"), ("METRICS_LISTEN", "9100")):
        with pytest.raises(ConfigError, match=f"PUSHLAB_{name}") as error:
            load({f"PUSHLAB_{name}": value})
        assert "short" not in str(error.value)


# -- what is told


def test_page_gets_points_processes_and_push_services(browser: Browser, services: Services) -> None:
    services.database.write(lambda session: vapid.register(session, services.vapid))
    assert browser.client.get("/api/ops").get_json()["points"] == []
    assert browser.subscribe().status_code == 201
    services.watch.turn()
    browser.send()
    metrics.count_send(ORIGIN, "201", 0.02)
    metrics.count_send(ORIGIN, "none", 9.0)
    services.watch.lookout = type(services.watch.lookout)(services.database)  # a second later
    services.watch.turn()
    told = browser.client.get("/api/ops").get_json()
    point = told["points"][-1]
    assert (point["created"], point["pending"], point["outbox"]) == (1, 1, 1)
    assert (point["delivered"], point["failed"]) == (1, 1)
    assert 0 < point["p50"] < point["p95"] <= 10
    (service,) = told["services"]
    assert service["origin"] == ORIGIN
    assert (service["queued"], service["sent"], service["failed"]) == (1, 2, 1)
    assert service["answers"] == {"201": 1, "none": 1}
    (process,) = told["processes"]
    assert process["roles"] == ["app", "node", "sender"]


def test_endpoints_are_never_told(browser: Browser, services: Services) -> None:
    browser.subscribe()
    browser.send()
    services.watch.turn()
    token = ENDPOINT.rsplit("/", 1)[-1]
    for path in ("/ops", "/api/ops", "/metrics"):
        assert token not in browser.client.get(path).text, path


def test_page_without_a_form_begins_no_session(stranger: Browser) -> None:
    """One that comes late would sign out who has signed in since."""
    for path in ("/nowhere", "/static/nowhere.js", "/offline", "/notifications"):
        answer = stranger.client.get(path)
        assert "Set-Cookie" not in answer.headers, path
    assert "Set-Cookie" in stranger.client.get("/").headers
