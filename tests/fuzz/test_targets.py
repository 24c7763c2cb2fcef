"""Hostile bytes for every parser, from the kept seeds and from hypothesis."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.hostile import hostile
from tests.fuzz.seeds_of import SEEDS, seeds_of
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_kept_seeds_are_survived(name: str) -> None:  # P-12
    for seed in seeds_of(name):
        TARGETS[name](seed)


def test_no_seed_is_without_a_target() -> None:
    assert {path.name for path in SEEDS.iterdir()} <= set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_hostile_bytes_are_survived(name: str, data: st.DataObject) -> None:  # P-12
    TARGETS[name](data.draw(hostile(name)))
