"""Whether a step happened, where no journal is kept: from what browser and App Server hold."""

from typing import Any

import pytest

from tests.client.node import needs_node, run

pytestmark = needs_node

Facts = dict[str, Any]
ENDPOINT = "https://fcm.googleapis.com/fcm/send/xyz"
PUSH = {"state": "delivered", "attempts": 1, "last_status": 201, "last_error": None}
OWN = {"connection_id": "c", "state": "shown", "push": PUSH}
WHOLE: Facts = {
    "at": 5,
    "key": "BKey",
    "permission": "granted",
    "subscription": {"endpoint": ENDPOINT, "key": "BKey"},
    "known": {"endpoint": ENDPOINT, "last_status": 201},
    "connectionId": "c",
    "newest": {"at": 4, "title": "Hi", "devices": [OWN]},
}
NOTHING = dict.fromkeys(WHOLE) | {"at": 0, "permission": "default"}
STEPS = set(range(1, 11))


def judge(facts: Facts) -> dict[int, Any]:
    numbers = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
    found = run(
        "codelab/steps/facts.js", f"{numbers}.map((step) => [step, judge(step, given)])", facts
    )
    return dict(found)


def done(**changes: Any) -> set[int]:
    verdicts = judge({**WHOLE, **changes})
    return {step for step, verdict in verdicts.items() if verdict["done"]}


def newest(**changes: Any) -> Facts:
    return {**WHOLE["newest"], "devices": [{**OWN, **changes}]}


# X-5 W-14
def test_all_ten_can_be_seen_and_what_the_vendor_does_is_second_hand() -> None:
    verdicts = judge(WHOLE)
    assert all(verdict["done"] and verdict["evidence"] for verdict in verdicts.values())
    told = {step for step, verdict in verdicts.items() if "Second-hand" in verdict["because"]}
    assert told == {4, 9}


# X-5 W-14
def test_nothing_is_seen_in_nothing() -> None:
    verdicts = judge(NOTHING)
    assert not any(verdict["done"] for verdict in verdicts.values())
    assert all(verdict["because"].endswith(".") for verdict in verdicts.values())


# X-5 W-14
@pytest.mark.parametrize(
    ("changes", "open_steps"),
    [
        ({"permission": "denied"}, {2}),
        ({"subscription": None}, {3, 4, 5}),
        ({"subscription": {"endpoint": ENDPOINT, "key": "BOther"}}, {3}),
        ({"known": None}, {5, 6}),
        ({"known": {"endpoint": "https://elsewhere.example/"}}, {5}),
        ({"newest": None}, {7, 8, 9, 10}),
        ({"newest": newest(push=None)}, {8, 9}),
        ({"newest": newest(push={**PUSH, "state": "queued", "last_status": 503})}, {8, 9}),
        ({"newest": newest(state="handed-over")}, {10}),
        ({"newest": newest(connection_id="another")}, {8, 9, 10}),
    ],
)
def test_step_is_open_without_its_fact(changes: Facts, open_steps: set[int]) -> None:
    assert STEPS - done(**changes) == open_steps
