"""The share and the breaker of each push service, by the clock."""

from typing import Any

import pytest

from app import clock
from app.sending import origins as module
from app.sending.origins import FAILURES, PAUSE_FIRST, PAUSE_MAX, Origins
from app.sending.outcome import Outcome, cannot_send, failed_here, no_answer, sort_answer

SICK = "https://sick.example"
WELL = "https://well.example"
SILENT = no_answer("timed out")


class Time:
    now = 1_000_000.0


@pytest.fixture
def time(monkeypatch: Any) -> Time:
    time = Time()
    monkeypatch.setattr(clock, "now", lambda: time.now)
    return time


@pytest.fixture
def origins(time: Time) -> Origins:
    return Origins(workers=16)


def answer(status: int, retry_after: str = "") -> Outcome:
    headers = {"retry-after": retry_after} if retry_after else {}
    return sort_answer(status, headers, "", clock.now())


def send(origins: Origins, outcome: Outcome, times: int = 1) -> float | None:
    """The pause that the last of them brought."""
    pause = None
    for _ in range(times):
        origins.start(SICK)
        pause = origins.finish(SICK, outcome)
    return pause


# W-8 (failures 19)
def test_one_gets_its_share_of_the_workers(origins: Origins) -> None:
    rooms = []
    for _ in range(5):
        rooms.append(origins.room(SICK))
        origins.start(SICK)
    assert rooms == [4, 3, 2, 1, 0]
    assert origins.room(WELL) == 4
    origins.finish(SICK, answer(201))
    assert origins.room(SICK) == 0
    assert Origins(workers=1).room(SICK) == 1


# W-8 (failures 25)
@pytest.mark.parametrize("outcome", [SILENT, answer(500), answer(429)])
def test_failures_in_a_row_open_the_breaker(origins: Origins, outcome: Outcome) -> None:
    assert send(origins, outcome, FAILURES - 1) is None
    send(origins, answer(201))
    assert send(origins, outcome, FAILURES - 1) is None
    assert send(origins, outcome) == PAUSE_FIRST
    assert (origins.room(SICK), origins.room(WELL)) == (0, 4)


# W-8
def test_after_the_pause_one_message_tries(origins: Origins, time: Time) -> None:
    send(origins, SILENT, FAILURES)
    assert origins.next_end_of_pause() == time.now + PAUSE_FIRST
    time.now += PAUSE_FIRST
    assert (origins.room(SICK), origins.next_end_of_pause()) == (1, None)
    origins.start(SICK)
    assert origins.room(SICK) == 0
    origins.finish(SICK, answer(410))  # an answer, though not a nice one
    assert origins.room(SICK) == 4


# W-8
def test_each_pause_is_twice_as_long_up_to_a_bound(origins: Origins, time: Time) -> None:
    pauses = [send(origins, SILENT, FAILURES)]
    for _ in range(10):
        time.now += pauses[-1] or 0
        pauses.append(send(origins, SILENT))
    assert pauses[:3] == [PAUSE_FIRST, PAUSE_FIRST * 2, PAUSE_FIRST * 4]
    assert pauses[-1] == PAUSE_MAX


# W-8
def test_what_was_under_way_before_the_pause_does_not_make_it_longer(
    origins: Origins, time: Time
) -> None:
    origins.start(SICK)
    send(origins, SILENT, FAILURES)
    assert origins.finish(SICK, SILENT) is None
    time.now += PAUSE_FIRST
    assert origins.room(SICK) == 1


# W-8 (RFC 9110 section 15.6.4)
@pytest.mark.parametrize(
    ("retry_after", "pause"), [("60", 60.0), ("1", PAUSE_FIRST), ("999999", module.RETRY_AFTER_MAX)]
)
def test_503_with_retry_after_is_about_the_whole_service(
    origins: Origins, retry_after: str, pause: float
) -> None:
    assert send(origins, answer(503, retry_after)) == pause


# W-8 (RFC 8030 section 8.4)
def test_429_may_be_about_one_subscription(origins: Origins) -> None:
    assert send(origins, answer(429, "60")) is None
    assert origins.room(SICK) == 4
    assert send(origins, answer(429, "60"), FAILURES - 1) == 60.0


# W-8
@pytest.mark.parametrize("outcome", [failed_here("x"), cannot_send("x")])
def test_our_own_failures_are_not_blamed_on_it(origins: Origins, outcome: Outcome) -> None:
    assert send(origins, outcome, FAILURES * 2) is None
    send(origins, SILENT, FAILURES - 1)
    send(origins, outcome)
    assert send(origins, SILENT) == PAUSE_FIRST  # nor do they speak in its favour


# W-8
def test_healthy_ones_are_not_remembered(origins: Origins) -> None:
    for _ in range(3):
        send(origins, answer(201))
    assert origins._health == {}
