"""The storm over real clusters: nothing is lost, and every crash point is met. How long, from which
seed, over how many users: PUSHLAB_CHAOS_SECONDS, PUSHLAB_CHAOS_SEED, PUSHLAB_CHAOS_USERS."""

import os
from pathlib import Path

import pytest

from tests.faults.clusters import KINDS, POSTGRESQL_HTTP, Kind, Verdict, rage
from tests.faults.storm import Weather

SECONDS = float(os.environ.get("PUSHLAB_CHAOS_SECONDS", "40"))
SEED = os.environ.get("PUSHLAB_CHAOS_SEED")
SEEDS = [int(SEED)] if SEED else list(range(1, 11))
USERS = int(os.environ.get("PUSHLAB_CHAOS_USERS", "80"))


#: `make test` has one storm, of the kind that most clusters are; `make test-all` has all.
STORMS = [
    pytest.param(
        kind,
        seed,
        marks=() if (kind, seed) == (POSTGRESQL_HTTP, SEEDS[0]) else pytest.mark.slow,
        id=f"{kind}-{seed}",
    )
    for kind in KINDS
    for seed in SEEDS
]


@pytest.mark.xdist_group("chaos")
@pytest.mark.parametrize(("kind", "seed"), STORMS)
def test_storm_loses_nothing(kind: Kind, seed: int, tmp_path: Path) -> None:
    # P-3, P-9, P-11, P-12
    judge(rage(kind, tmp_path, Weather(SECONDS, seed, USERS)))


def judge(verdict: Verdict) -> None:
    print(verdict.story)  # noqa: T201 (the table of the crash points)
    assert verdict.broken == [], verdict.story
    assert verdict.missed == [], verdict.story
