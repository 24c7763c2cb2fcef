"""The gate before the handshake: a burst passes, the rest comes at a steady rate or goes away."""

from functools import partial

import pytest

from app.errors import TryAgain
from app.pns.gate import Gate

#: Portions that nobody notices.
EachAlone = partial(Gate, portion=1e-6)


class Clock:
    time = 100.0

    def __call__(self) -> float:
        return self.time


def waits(gate: Gate, count: int) -> list[float]:
    return [round(gate.take_turn(), 3) for _ in range(count)]


def test_burst_passes_and_the_rest_waits_its_turn() -> None:  # P-12
    gate = EachAlone(rate=10, burst=3, patience=1, now=Clock())
    assert waits(gate, 6) == [0, 0, 0, 0, 0.1, 0.2]


def test_who_would_wait_too_long_is_sent_away() -> None:  # P-12
    clock = Clock()
    gate = EachAlone(rate=10, burst=0, patience=0.25, now=clock)
    assert waits(gate, 3) == [0, 0.1, 0.2]
    with pytest.raises(TryAgain):
        gate.take_turn()
    clock.time += 0.1
    assert waits(gate, 1) == [0.2]


def test_silence_saves_up_no_more_than_a_burst() -> None:  # P-12
    clock = Clock()
    gate = EachAlone(rate=10, burst=2, patience=1, now=clock)
    waits(gate, 3)
    clock.time += 3600
    assert waits(gate, 5) == [0, 0, 0, 0.1, 0.2]


def test_whose_turns_are_close_go_together_and_no_faster() -> None:  # P-12
    gate = Gate(rate=10, burst=0, patience=9, portion=0.5, now=Clock())
    assert waits(gate, 12) == [0, *[0.5] * 5, *[1.0] * 5, 1.5]
