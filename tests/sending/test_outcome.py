"""Every answer is sorted once."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sending.outcome import no_answer, parse_retry_after, sort_answer

NOW = 1_700_000_000.0


# W-8 (RFC 8030, RFC 8292)
@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, "delivered"),
        (201, "delivered"),
        (202, "delivered"),
        (204, "delivered"),
        (301, "refused"),
        (307, "refused"),
        (308, "refused"),
        (400, "refused"),
        (401, "refused"),
        (402, "refused"),
        (403, "refused"),
        (404, "gone"),
        (405, "refused"),
        (408, "retry"),
        (410, "gone"),
        (413, "refused"),
        (425, "retry"),
        (429, "retry"),
        (500, "retry"),
        (502, "retry"),
        (503, "retry"),
        (504, "retry"),
        (599, "retry"),
        (700, "retry"),
        (0, "retry"),
    ],
)
def test_status_is_sorted(status: int, state: str) -> None:
    assert sort_answer(status, {}, "", NOW).state == state


# W-8
def test_each_refusal_says_what_it_is() -> None:
    reasons = {sort_answer(status, {}, "", NOW).reason for status in (400, 401, 413, 307)}
    assert len(reasons) == 4


# W-8
def test_refusal_repeats_what_the_push_service_said() -> None:
    body = '{"errno": 109,\n "message": "VAPID\x00 key mismatch"}'
    outcome = sort_answer(401, {}, body, NOW)
    assert outcome.reason.endswith('{"errno": 109, "message": "VAPID key mismatch"}')


# W-9
def test_delivered_keeps_the_location() -> None:
    outcome = sort_answer(201, {"location": "https://push.example/m/1"}, "", NOW)
    assert outcome.message_url == "https://push.example/m/1"


# W-8 (RFC 9110 section 10.2.3)
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("999999999", 86400),
        (formatdate(NOW + 30, usegmt=True), 30),
        (formatdate(NOW - 30, usegmt=True), 0),
        ("Tue, 14 Nov 2023 22:13:30", 10),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 5000, None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


# W-8
@given(st.integers(0, 999), st.text(), st.text())
def test_no_answer_at_all_breaks_sorting(status: int, retry_after: str, body: str) -> None:
    outcome = sort_answer(status, {"retry-after": retry_after}, body, NOW)
    assert outcome.reason.isprintable()
    assert len(outcome.reason) < 500
    assert outcome.retry_after is None or 0 <= outcome.retry_after <= 86400


# W-8
def test_missing_answer_is_tried_again() -> None:
    outcome = no_answer("connection refused")
    assert (outcome.state, outcome.status) == ("retry", None)
    assert "connection refused" in outcome.reason
