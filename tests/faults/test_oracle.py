"""The oracle of the storm: content with a good world, and red when a rule is broken, be it in a
world made by hand or in the product itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults.clusters import POSTGRESQL_HTTP, rage
from tests.faults.mutants import MUTANTS, Mutant
from tests.faults.oracle import Left, Promised, Record, Seen, judge
from tests.faults.storm import Weather

URI = "http://127.0.0.1:5000/#one"
PROMISED = [Promised("n1", 1, frozenset({"c1"}), by_ring=True)]
LEFT = Left({"c1": Record(URI)}, {}, {1: [1]}, {1: 1}, frozenset({URI}))


def device(**changed: Any) -> Mapping[str, Seen]:
    """One user with one device, which got the one notification there was."""
    good = Seen("c1", 1, [(1, "n1")], node="one", rung=frozenset({"n1"}), pushed={"n1"})
    return {"c1": replace(good, **changed)}


def left(**changed: Any) -> Left:
    return replace(LEFT, **changed)


def test_oracle_is_content_with_a_good_world() -> None:  # P-12
    assert list(judge(PROMISED, device(), LEFT)) == []


def test_oracle_is_content_with_a_loss_that_was_told() -> None:  # P-14
    seen = device(shown=[], rung=frozenset(), pushed=set(), told_expired=1)
    expired = left(numbers={1: []}, expired={(1, 1): "n1"})
    assert list(judge(PROMISED, seen, expired)) == []


@pytest.mark.parametrize(
    ("seen", "world", "words"),
    [
        (device(shown=[]), LEFT, ["never came to c1", "1 created, but 0 acknowledged"]),
        (device(pushed=set()), LEFT, ["never came to c1 by Web Push"]),
        (device(rung=frozenset()), LEFT, ["came to c1 by no ring"]),
        (device(shown=[(1, "n1"), (1, "n1")]), LEFT, ["showed something twice"]),
        (device(shown=[(2, "n2"), (1, "n1")]), LEFT, ["out of order"]),
        (device(repeated=[1]), LEFT, ["again on one connection"]),
        (device(let_go_by=["one"]), LEFT, ["lost its record although one lives"]),
        (device(gone=True), LEFT, ["is a ghost"]),
        (device(), left(records={}), ["has lost its record"]),
        (device(), left(living=frozenset()), ["which is dead"]),
        (device(node="two"), LEFT, ["talks to two; its record says one"]),
        (device(), left(pending={"c1": [1]}), ["1 are still pending for c1"]),
        (device(), left(numbers={1: []}), ["have gaps"]),
        (
            device(shown=[], rung=frozenset(), pushed=set()),
            left(numbers={1: []}, expired={(1, 1): "n1"}),
            ["lost 1 to expiry, and was told of 0"],
        ),
    ],
)
def test_oracle_finds_each_broken_promise(
    seen: Mapping[str, Seen], world: Left, words: Sequence[str]
) -> None:  # P-12
    sentences = list(judge(PROMISED, seen, world))
    assert len(sentences) == len(words), sentences
    assert all(word in sentence for word, sentence in zip(words, sentences, strict=True))


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_mutant_can_be_made(mutant: Mutant) -> None:  # P-12
    """The storm over it is long: what it changes has to be there all the while."""
    compile(mutant.text(), mutant.file, "exec")


@pytest.mark.slow
@pytest.mark.xdist_group("chaos")
@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_storm_is_red_without_the_rule(mutant: Mutant, tmp_path: Path) -> None:
    # P-3, P-7, P-9, P-11
    checkout = mutant.make(tmp_path / "checkout")
    weather = Weather(5, seed=1, users=12, every_point=False, patience=10)
    verdict = rage(POSTGRESQL_HTTP, tmp_path, weather, checkout)
    assert any(mutant.says in sentence for sentence in verdict.broken), verdict
