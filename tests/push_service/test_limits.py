"""Rates and quotas: what comes too fast waits, what would fill the disk is refused."""

import pytest

from push_service.limits import KEPT, Quota, Rate
from tests.push_service.parts import Clock

# -- rates


def test_rate_lets_a_minutes_worth_pass_at_once() -> None:  # W-9
    rate = Rate(3, Clock())
    assert [rate.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(20.0)]


def test_rate_lets_the_next_one_pass_when_it_said() -> None:  # W-9
    clock = Clock()
    rate = Rate(60, clock)
    while not (wait := rate.take("a")):
        pass
    clock.now += wait - 0.01
    assert rate.take("a") > 0
    clock.now += 0.02
    assert rate.take("a") == 0


def test_rate_saves_no_more_than_a_minutes_worth() -> None:  # W-9
    clock = Clock()
    rate = Rate(2, clock)
    rate.take("a")
    clock.now += 3600
    assert [rate.take("a") > 0 for _ in range(3)] == [False, False, True]


def test_rate_keeps_keys_apart() -> None:  # W-9
    rate = Rate(1, Clock())
    assert (rate.take("a"), rate.take("b")) == (0.0, 0.0)


def test_rate_takes_a_clock_that_goes_back() -> None:  # W-9
    clock = Clock()
    rate = Rate(1, clock)
    rate.take("a")
    clock.now -= 3600
    assert rate.take("a") > 0


def test_rate_of_zero_is_none() -> None:  # W-9
    rate = Rate(0, Clock())
    assert not any(rate.take("a") for _ in range(1000))


def test_rate_remembers_a_bounded_number_of_keys() -> None:  # W-9
    rate = Rate(1, Clock())
    for number in range(KEPT + 10):
        rate.take(str(number))
    assert len(rate._buckets) == KEPT


# -- quotas


class Shelf:
    """Something that is counted, and how often it was."""

    def __init__(self) -> None:
        self.held = 0
        self.counted = 0

    def count(self, _key: str) -> int:
        self.counted += 1
        return self.held


def test_quota_is_counted_only_when_it_may_be_full() -> None:  # W-9
    shelf = Shelf()
    quota = Quota(100, shelf.count, Clock())
    for _ in range(100):
        assert quota.take("a")
        shelf.held += 1
    assert shelf.counted == 1
    assert not quota.take("a")
    assert shelf.counted == 2


def test_quota_notices_what_has_gone() -> None:  # W-9
    quota = Quota(2, Shelf().count, Clock())
    for _ in range(2):
        quota.take("a")
    assert quota.take("a")  # both were acknowledged in the meantime


def test_full_quota_is_not_counted_for_everybody_who_knocks() -> None:  # W-9
    shelf, clock = Shelf(), Clock()
    shelf.held = 5
    quota = Quota(5, shelf.count, clock)
    assert not any(quota.take("a") for _ in range(1000))
    assert shelf.counted == 1
    shelf.held, clock.now = 0, clock.now + 2
    assert quota.take("a")


def test_quota_weighs_amounts() -> None:  # W-9
    shelf = Shelf()
    shelf.held = 6
    quota = Quota(10, shelf.count, Clock())
    assert not quota.take("a", 5)
    assert quota.take("a", 4)
    assert not quota.take("a", 1)


def test_quota_remembers_a_bounded_number_of_keys() -> None:  # W-9
    quota = Quota(1, Shelf().count, Clock())
    for number in range(KEPT + 10):
        quota.take(str(number))
    assert len(quota._used) == KEPT
