"""Counting requests in memory: windows begin, end, and are forgotten."""

import pytest
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from app.web import rate_counters
from app.web.rate_counters import TIDY, RateCounters


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counters(clock: Clock) -> RateCounters:
    return RateCounters(now=clock)


def test_limiter_refuses_until_the_window_ends(counters: RateCounters, clock: Clock) -> None:  # W-1
    limiter, twice = FixedWindowRateLimiter(counters), RateLimitItemPerMinute(2)
    assert [limiter.hit(twice, "ada") for _ in range(3)] == [True, True, False]
    assert limiter.hit(twice, "bob")
    assert limiter.get_window_stats(twice, "ada") == (1060, 0)
    clock.now += 60
    assert limiter.test(twice, "ada")
    assert limiter.hit(twice, "ada")
    limiter.clear(twice, "ada")
    assert limiter.get_window_stats(twice, "ada").remaining == 2


def test_what_is_over_is_forgotten(counters: RateCounters, clock: Clock) -> None:
    for number in range(100):
        counters.incr(f"short {number}", expiry=1)
    counters.incr("long", expiry=2 * TIDY)
    clock.now += TIDY
    counters.incr("new", expiry=1)
    assert counters.reset() == 2
    assert counters.get("long") == 0


def test_limiter_finds_it_by_its_scheme() -> None:
    assert isinstance(storage_from_string(rate_counters.URI), RateCounters)
