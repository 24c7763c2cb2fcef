"""Devices on a network that drops again and again, as bench/drops measures them beside peers."""

import pytest

from bench.drops import servers
from bench.drops.run import run


# P-9 P-11
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_drops_lose_nothing_and_show_nothing_twice(seed: int) -> None:
    with servers.pushlab() as server:
        outcome = run(server, devices=8, seconds=8, rate=20, seed=seed)
    assert outcome.drops > 8, outcome
    assert outcome.came_again > 0, f"no acknowledgement was lost: {outcome}"
    assert outcome.delivered == outcome.due, outcome
    assert outcome.shown_twice == 0, outcome
    assert outcome.out_of_order == 0, outcome
