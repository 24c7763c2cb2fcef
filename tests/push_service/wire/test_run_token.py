"""Who may read the lab's journal."""

import hmac
import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_service.wire.base64url import encode
from push_service.wire.run_token import Grant, verify

SECRET = "the secret of the lab"
NOW = 1_800_000_000


def token(secret: str = SECRET, **claims: object) -> str:
    claims = {"run": "r1", "endpoints": ["lab_a"], "exp": NOW + 60, **claims}
    payload = encode(json.dumps(claims).encode())
    return f"{payload}.{encode(hmac.digest(secret.encode(), payload.encode(), sha256))}"


def test_secret_itself_grants_everything() -> None:
    grant = verify(SECRET, SECRET, NOW)
    assert grant is not None
    assert grant.endpoints is None


def test_run_token_grants_its_endpoints() -> None:
    assert verify(token(), SECRET, NOW) == Grant("run:r1", frozenset(["lab_a"]))


def test_run_token_may_begin_somewhere() -> None:
    assert verify(token(since=NOW - 5), SECRET, NOW) == Grant(
        "run:r1", frozenset(["lab_a"]), NOW - 5
    )


def test_run_token_expires() -> None:
    assert verify(token(exp=NOW), SECRET, NOW) is None


def test_run_token_of_another_secret_is_worth_nothing() -> None:
    assert verify(token("another secret"), SECRET, NOW) is None


def test_changed_run_token_is_worth_nothing() -> None:
    payload = token(endpoints=["lab_b"]).partition(".")[0]
    assert verify(f"{payload}.{token().partition('.')[2]}", SECRET, NOW) is None


@pytest.mark.parametrize("text", ["", ".", "a.b", SECRET[:-1], SECRET + " "])
def test_garbage_is_worth_nothing(text: str) -> None:
    assert verify(text, SECRET, NOW) is None


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_is_survived(text: str) -> None:
    assert verify(text, SECRET, NOW) is None
