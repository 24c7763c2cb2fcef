"""How long a storm lasts and from which seed: PUSHLAB_CHAOS_SECONDS, PUSHLAB_CHAOS_SEED."""

import os
import random

import pytest


@pytest.fixture
def chaos_seconds() -> float:
    return float(os.environ.get("PUSHLAB_CHAOS_SECONDS", "40"))


@pytest.fixture
def chaos_seed() -> int:
    return int(os.environ.get("PUSHLAB_CHAOS_SEED") or random.randrange(10_000))
