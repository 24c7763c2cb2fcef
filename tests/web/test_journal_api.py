"""The journal over HTTP: one's own run, bounded, and the lab's secret door."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import clock
from app import journal as whole
from app.db import Model
from app.models import JournalEvent
from app.web.budgets import EXTENSION, Budget, Budgets
from tests.web.conftest import ENDPOINT, Browser

EVENT = {"actor": "service-worker", "kind": "push.received", "step": 10}


def kinds(browser: Browser) -> list[str]:
    events = browser.client.get("/api/journal").get_json()["events"]
    return [event["kind"] for event in events if event["actor"] == "service-worker"]


def test_worker_reports_into_its_users_run(browser: Browser, stranger: Browser) -> None:  # W-11
    stranger.enter_as_guest()
    assert browser.client.post("/api/journal", json={"events": [EVENT]}).status_code == 204
    assert kinds(browser) == ["push.received"]
    assert kinds(stranger) == []


def test_report_says_of_which_device_it_is(browser: Browser) -> None:  # W-11, W-13
    browser.subscribe()
    browser.client.post("/api/journal", json={"events": [EVENT]})
    events = browser.client.get("/api/journal").get_json()["events"]
    (stored,) = (event for event in events if event["kind"] == "subscription.stored")
    (received,) = (event for event in events if event["kind"] == "push.received")
    assert received["connection_id"] == stored["connection_id"]
    claimed = [{**EVENT, "connection_id": "another"}]
    assert browser.client.post("/api/journal", json={"events": claimed}).status_code == 422


def test_reports_have_a_limit_per_user(
    app: Flask, browser: Browser, stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:  # W-11
    """A laboratory that is open to the world holds no more than its visitors can look at."""
    monkeypatch.setattr(clock, "now", lambda: 6000.0)
    known: Budgets = app.extensions[EXTENSION]
    app.extensions[EXTENSION] = replace(known, report=Budget("60 per minute"))

    def report(who: Browser) -> TestResponse:
        return who.client.post("/api/journal", json={"events": [EVENT] * 30})

    assert [report(browser).status_code for _ in range(2)] == [204, 204]
    held_off = report(browser)
    assert held_off.status_code == 429
    assert held_off.headers["Retry-After"] == "60"
    stranger.enter_as_guest()
    assert report(stranger).status_code == 204
    assert len(kinds(browser)) == 60
    monkeypatch.setattr(clock, "now", lambda: 6060.0)
    assert report(browser).status_code == 204


def test_page_that_is_full_says_that_there_is_more(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:  # W-11
    monkeypatch.setattr(whole, "PAGE", 2)
    browser.client.post("/api/journal", json={"events": [EVENT] * 3})
    pages: list[dict[str, Any]] = [{"cursor": 0, "more": True}]
    while pages[-1]["more"]:
        path = f"/api/journal?after={pages[-1]['cursor']}"
        pages.append(browser.client.get(path).get_json())
    assert [len(page["events"]) for page in pages[1:-1]] == [2] * (len(pages) - 2)
    assert len(pages) > 2
    found = [event["kind"] for page in pages[1:] for event in page["events"]]
    assert found.count("push.received") == 3


def test_new_run_begins_empty(browser: Browser) -> None:  # W-11
    browser.client.post("/api/journal", json={"events": [EVENT]})
    assert kinds(browser) == ["push.received"]
    assert browser.client.post("/api/runs").status_code == 201
    assert kinds(browser) == []


def test_deleted_user_leaves_nothing_of_former_runs(
    browser: Browser, count: Callable[[type[Model]], int]
) -> None:
    before = count(JournalEvent)
    for _ in range(2):
        browser.client.post("/api/journal", json={"events": [EVENT]})
        assert kinds(browser) == ["push.received"]
        assert browser.client.post("/api/runs").status_code == 201
    browser.client.post("/api/journal", json={"events": [EVENT]})
    assert kinds(browser) == ["push.received"]
    name = browser.client.get("/api/account").get_json()["name"]
    assert browser.client.post("/api/account/delete", json={"name": name}).status_code == 204
    assert count(JournalEvent) == before


def test_stranger_writes_into_nobodys_run(browser: Browser, stranger: Browser) -> None:  # W-11
    def served() -> list[str]:
        events = browser.client.get("/api/journal").get_json()["events"]
        return [event["kind"] for event in events if event["kind"] == "vapid.key-served"]

    stranger.client.get("/api/vapid-public-key")
    assert served() == []
    browser.client.get("/api/vapid-public-key")
    assert served() == ["vapid.key-served"]


def test_report_is_bounded(browser: Browser) -> None:
    for events, status in (
        ([], 422),
        ([EVENT] * 51, 422),
        ([{**EVENT, "actor": "push-service"}], 422),
        ([{**EVENT, "kind": "<script>"}], 422),
        ([{**EVENT, "detail": {"x": "y" * 17_000}}], 422),
        ([{**EVENT, "detail": {"x": float("nan")}}], 400),
        ([{**EVENT, "at": 1e300}], 204),
    ):
        answer = browser.client.post("/api/journal", json={"events": events})
        assert answer.status_code == status, events


def test_lab_secret_opens_every_run(browser: Browser, stranger: Browser) -> None:
    browser.client.post("/api/journal", json={"events": [EVENT]})
    for secret, status in (("lab-secret", 200), ("guess", 401), ("ü", 401)):
        headers = {"Authorization": f"Bearer {secret}"}
        answer = stranger.client.get("/api/lab/journal", headers=headers)
        assert answer.status_code == status
        if status == 200:
            assert "push.received" in [event["kind"] for event in answer.get_json()["events"]]


def test_lab_token_is_limited_to_the_own_endpoints(browser: Browser) -> None:  # W-11
    browser.subscribe()
    given = browser.client.get("/api/lab/token").get_json()
    claims, signature = given["token"].split(".")
    expected = hmac.digest(b"lab-secret", claims.encode(), hashlib.sha256)
    assert base64.urlsafe_b64decode(signature + "=") == expected
    assert content_of(given)["endpoints"] == [ENDPOINT.rsplit("/", 1)[-1]]


def test_lab_token_shows_nothing_from_before_the_run(browser: Browser) -> None:  # W-11
    first = content_of(browser.client.get("/api/lab/token").get_json())
    before = time.time()
    assert first["since"] <= before
    browser.client.post("/api/runs")
    assert content_of(browser.client.get("/api/lab/token").get_json())["since"] >= before


def content_of(given: dict[str, str]) -> dict[str, Any]:
    """What is written in a token."""
    content: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(given["token"].split(".")[0] + "==")
    )
    return content


def test_fault_switch_over_http(browser: Browser) -> None:  # W-12
    path = "/api/lab/faults/subscribe.before_store"
    assert browser.client.put(path, json={"kind": "fail", "times": 2}).status_code == 204
    armed = browser.client.get("/api/lab/faults").get_json()["faults"]
    assert armed == {"subscribe.before_store": {"kind": "fail", "times": 2}}
    assert browser.client.delete(path).status_code == 204
    assert browser.client.put("/api/lab/faults/nowhere", json={}).status_code == 404


def test_number_too_large_for_json_is_refused(browser: Browser) -> None:
    body = b'{"events": [{"actor": "client", "kind": "x", "detail": {"n": 1e999}}]}'
    answer = browser.client.post("/api/journal", data=body, content_type="application/json")
    assert answer.status_code == 422
