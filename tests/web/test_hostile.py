"""Bad input to every public address, made from the API's own description: a clear 4xx that names
what is wrong, and nothing is stored. What is described is tested, without a word here."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.db import Model
from app.web.api.describe import Description
from app.web.api.openapi import Operation, operations_of
from app.web.services import Services
from tests.factories import base64url
from tests.fuzz.seeds_of import seeds_of
from tests.fuzz.shapes import BODIES
from tests.web.conftest import ENDPOINT, Browser, subscription
from tests.web.hostile_bodies import Json, Shape

#: Rows of these tell that somebody called, not what was sent.
CALLERS = {"users", "sessions", "journal_events"}

Rows = Callable[[], dict[str, int]]


@pytest.fixture
def rows(services: Services) -> Rows:
    """How many rows each table has."""

    def count_rows() -> dict[str, int]:
        tables = [one for one in Model.metadata.sorted_tables if one.name not in CALLERS]
        with services.database.read() as session:
            return {
                one.name: session.scalar(select(func.count()).select_from(one)) or 0
                for one in tables
            }

    return count_rows


@pytest.fixture
def schemas(browser: Browser) -> Json:
    document = browser.client.get("/api/openapi.json").get_json()
    found: Json = document["components"]["schemas"]
    return found


@pytest.fixture
def operations(app: Flask) -> list[Operation]:
    return list(operations_of(app))


def address_of(operation: Operation, value: str = "x") -> str:
    return (
        operation.path.replace("{", "{0[")
        .replace("}", "]}")
        .format(dict.fromkeys(operation.arguments, value))
    )


def taking(operations: list[Operation], shape: str) -> list[Operation]:
    return [
        one for one in operations if shape in [body.__name__ for body in one.description.bodies]
    ]


def right_bodies(shape: str, schemas: Json) -> list[Json]:
    kept = [json.loads(seed) for seed in seeds_of(f"api_{shape}")]
    return kept or [Shape(shape, schemas).least()]


@pytest.mark.parametrize("name", BODIES)
def test_every_field_is_checked_and_named(  # W-5, W-7
    name: str, browser: Browser, schemas: Json, operations: list[Operation], rows: Rows
) -> None:
    before, shape = rows(), Shape(name, schemas)
    for one in taking(operations, name):
        only = len(one.description.bodies) == 1
        for right in right_bodies(name, schemas):
            for place, body in shape.wrong(right):
                answer = browser.client.open(address_of(one), method=one.method, json=body)
                where = ".".join(map(str, place))
                below = [f"{field}.".startswith(f"{where}.") for field in named(answer)]
                assert any(below) or not only, (one.path, where, answer.get_json())
    assert rows() == before


def problem(answer: Any, status: int) -> Json:
    """The problem that the answer tells; nothing in it is longer than a person reads."""
    assert answer.status_code == status, answer.get_data(as_text=True)[:300]
    assert answer.content_type == "application/problem+json"
    told: Json = answer.get_json()
    assert told["status"] == status
    assert all(error["reason"] for error in told.get("errors", ()))
    assert len(answer.data) < 10_000
    return told


#: Bodies that are none, for every address that takes one.
BROKEN: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"{", 400),
    (b'{"a":1}trailing', 400),
    (b"\xff\xfe", 400),
    (b'{"a":"\\ud800"}', 400),
    (b'{"a":NaN}', 400),
    (b"[" * 100_000, 400),
    (b'{"a":' * 100_000, 400),
    (b"9" * 100_000, 400),
    (b"null", 422),
    (b"7", 422),
    (b'"text"', 422),
    (b"[]", 422),
    (b"[{}]", 422),
]


def test_every_body_must_be_json_of_the_right_kind(
    app: Flask, browser: Browser, operations: list[Operation], rows: Rows
) -> None:
    before, too_large = rows(), b" " * (app.config["MAX_CONTENT_LENGTH"] + 1)
    for one in (one for one in operations if one.description.bodies):
        for data, status in (*BROKEN, (too_large, 413)):
            problem(send(browser, one, data), status)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "", "application/json;"):
            expected = 415 if kind != "application/json;" else 400
            problem(send(browser, one, b"{", kind), expected)
    assert rows() == before


def send(browser: Browser, one: Operation, data: bytes, kind: str = "application/json") -> Any:
    headers = {"Content-Type": kind}
    return browser.client.open(address_of(one), method=one.method, data=data, headers=headers)


NO_NUMBERS = [
    "-1",
    "+1",
    "1.5",
    "1e3",
    "abc",
    "",
    " 1",
    "0x1",
    "\u0661",
    "9" * 30,
    "9" * 5000,
    "1,2",
]


def test_every_parameter_is_checked_and_named(
    browser: Browser, operations: list[Operation], rows: Rows
) -> None:
    before = rows()
    for one in (one for one in operations if one.description.caller in ("visitor", "program")):
        for name, value in wrong_parameters(one.description):
            answer = browser.client.open(
                address_of(one), method=one.method, query_string={name: value}
            )
            assert named(answer) == [name]
        for header in one.description.headers:
            for value in ("", "x" * (header.longest + 1), "\u00ad"):
                answer = browser.client.open(
                    address_of(one),
                    method=one.method,
                    headers={header.name: value},
                    json={"title": "x"},
                )
                assert named(answer) == [header.name]
    assert rows() == before


def wrong_parameters(description: Description) -> list[tuple[str, str]]:
    return [
        (number.name, value)
        for number in description.query
        for value in (*NO_NUMBERS, str(number.most + 1))
    ]


def named(answer: Any) -> list[str]:
    return [error["field"] for error in problem(answer, 422)["errors"]]


IDS = [
    "x" * 5000,
    "..",
    "%2e%2e",
    "%00",
    "%0a",
    "%ff",
    "%ed%a0%80",
    "\U0001d518",
    "' OR 1=1 --",
    "\u202e",
    "*",
    "0",
]


def test_ids_that_nobody_has_change_nothing(
    app: Flask, browser: Browser, schemas: Json, operations: list[Operation], rows: Rows
) -> None:
    app.testing = False
    browser.subscribe()
    before = rows()
    for one in (one for one in operations if one.arguments):
        for value in IDS:
            shapes = one.description.bodies
            body = right_bodies(shapes[0].__name__, schemas)[0] if shapes else None
            answer = browser.client.open(address_of(one, value), method=one.method, json=body)
            assert answer.status_code in (204, 404, 405), (one.path, value, answer.status_code)
    assert rows() == before


ELSEWHERE = [
    "javascript:alert(1)",
    "//jmt17.google.com/fcm/send/x",
    "https://localhost/push/x",
    "https://10.0.0.1/push/x",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/push/x",
    "https://[::ffff:127.0.0.1]/push/x",
    "https://2130706433/push/x",
    "https://push.example/x",
    "https://fcm.googleapis.com.evil.example/x",
    "https://fcm.googleapis.com:8443/x",
    "https://fcm.googleapis.com\\@evil.example/x",
    "https://evil.example#.push.apple.com/x",
    "https://evil.example?.push.apple.com/x",
    "https://fcm.googleapis.com/a/../b",
    "https://fcm.googleapis.com/\u202e",
    "file:///etc/passwd",
    "x" * 10_000,
]


def test_no_subscription_leads_our_sender_elsewhere(browser: Browser, rows: Rows) -> None:  # W-5
    before = rows()
    for endpoint in ELSEWHERE:
        assert named(browser.subscribe(endpoint=endpoint)) == ["endpoint"], endpoint
    assert rows() == before


#: Points that are none: off the curve, the one at infinity, compressed, hybrid, short, long.
POINTS = [
    b"\x04" + b"\1" * 64,
    b"\0",
    b"\2" + b"\1" * 32,
    b"\6" + b"\1" * 64,
    b"\4" * 64,
    b"\4" * 66,
]


@pytest.mark.parametrize("field", ["p256dh", "auth"])
def test_keys_that_are_none_are_refused(field: str, browser: Browser, rows: Rows) -> None:  # W-5
    before = rows()
    lengths = [bytes(size) for size in (0, 1, 15, 17, 32)]
    for octets in POINTS if field == "p256dh" else lengths:
        keys = subscription()["keys"] | {field: base64url(octets)}
        assert named(browser.subscribe(keys=keys)) == [f"keys.{field}"]
    assert rows() == before


# -- forms


FORMS = ["/signup", "/login"]
CREDENTIALS = {"name": "Ada", "password": "correct horse"}
#: No name, and no password, for one reason or another.
WRONG = {
    "name": ["", " ", "\0", "a\0b", "\u202e", "\ufdfa" * 40, "x" * 33, "x" * 100_000],
    "password": ["", " ", "\0", "1234567", "x" * 129, "\U0001d518" * 200, "x" * 100_000],
}


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("field", WRONG)
def test_every_field_of_a_form_is_checked(  # W-6
    path: str, field: str, app: Flask, stranger: Browser
) -> None:
    before = users(app)
    for text in WRONG[field]:
        answer = stranger.submit(path, **{**CREDENTIALS, field: text})
        assert answer.status_code in (422, 401 if path == "/login" else 422), text[:20]
    without = {name: value for name, value in CREDENTIALS.items() if name != field}
    assert stranger.submit(path, **without).status_code == 422
    assert users(app) == before


def users(app: Flask) -> int:
    services: Services = app.extensions["pushlab"]
    with services.database.read() as session:
        return session.scalar(select(func.count()).select_from(Model.metadata.tables["users"])) or 0


@pytest.mark.parametrize("path", [*FORMS, "/guest", "/logout"])
def test_form_without_its_token_does_nothing(path: str, app: Flask, browser: Browser) -> None:
    before = users(app)
    for token in (None, "", "x", "x" * 100_000, "IjAi.aaaaaa.bbbb", "\0"):
        form = CREDENTIALS if token is None else CREDENTIALS | {"csrf_token": token}
        assert browser.client.post(path, data=form).status_code == 400
    assert users(app) == before
    assert browser.client.get("/api/session").status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\0",
        "javascript:alert(1)",
        "/%0d%0aSet-Cookie:a=b",
        "x" * 10_000,
    ],
)
def test_sign_in_never_leads_to_another_site(wanted: str, stranger: Browser) -> None:  # P-2
    answer = stranger.submit(f"/guest?next={wanted}", "/")
    location = answer.headers["Location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert ENDPOINT not in location
