"""Budgets, and the counters under them: windows begin, end, and are forgotten."""

import pytest

from app import clock
from app.errors import RateLimited
from app.web.budgets import Budget
from app.web.rate_counters import TIDY, RateCounters
from tests.web.conftest import Browser


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(clock, "now", made)
    return made


# W-1
def test_budget_refuses_until_the_window_ends(time: Clock) -> None:
    budget = Budget("2 per minute")
    budget.spend("ada")
    time.now += 20.5
    budget.spend("ada")
    with pytest.raises(RateLimited) as refused:
        budget.spend("ada")
    assert refused.value.headers == {"Retry-After": "40"}
    budget.spend("bob")
    time.now += 40
    budget.spend("ada", 2)


# W-1
def test_budget_has_more_than_one_window(time: Clock) -> None:
    budget = Budget("2 per minute; 3 per hour")
    budget.spend("ada", 2)
    time.now += 60
    budget.spend("ada")
    with pytest.raises(RateLimited) as refused:
        budget.spend("ada", 2)  # both are spent: the later end counts
    assert refused.value.headers == {"Retry-After": str(3600 - 60)}


# W-11
def test_what_is_refused_does_not_count(time: Clock) -> None:
    budget = Budget("3 per minute")
    budget.spend("ada", 2)
    with pytest.raises(RateLimited):
        budget.spend("ada", 2)
    budget.require("ada")
    budget.spend("ada")
    with pytest.raises(RateLimited):
        budget.require("ada")


# W-1
def test_laboratory_holds_off_nobody_who_signs_in(stranger: Browser) -> None:
    assert {stranger.client.post("/login").status_code for _ in range(31)} == {400}


def test_what_is_over_is_forgotten(time: Clock) -> None:
    counters = RateCounters()
    for number in range(100):
        counters.incr(f"short {number}", expiry=1)
    counters.incr("long", expiry=2 * TIDY)
    time.now += TIDY
    counters.incr("new", expiry=1)
    assert counters.get("long") == 1
    assert counters.get("short 0") == 0
    assert counters.reset() == 2
    assert counters.get("long") == 0
