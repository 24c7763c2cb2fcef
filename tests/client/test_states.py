"""The drawing of the subscription's states, walked: no state is a dead end."""

import re
from typing import Any

import pytest

from tests.client.node import JS, needs_node, run

pytestmark = needs_node

CARD = JS.parents[1] / "templates" / "_push_card.html"
DRIVER = (JS / "push" / "subscription.js").read_text()
#: What the reader does in such a state is done outside of the page; the card says what.
ELSEWHERE = {"insecure", "unsupported", "denied"}
#: They go on without the reader.
BY_ITSELF = {"checking", "subscribing", "gone", "other-key"}


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = run("push/states.js", "{ findings: FINDINGS, steps: STEPS }")
    return found


def parts() -> dict[str, str]:
    """What the card shows in each state, as HTML."""
    shown: dict[str, str] = {}
    for states, html in re.findall(
        r'<div data-for="([^"]+)".*?>(.*?)\n    </div>', CARD.read_text(), re.DOTALL
    ):
        for state in states.split():
            shown[state] = shown.get(state, "") + html
    return shown


# W-2 W-3 W-5
def test_every_way_leads_to_a_state_of_the_drawing(tables: dict[str, dict[str, Any]]) -> None:
    states = set(tables["steps"])
    assert {to for ways in tables["steps"].values() for to in ways.values()} <= states
    assert set(tables["findings"].values()) <= states
    drawing = (JS / "push" / "states.js").read_text().split("*/")[0]
    assert [state for state in states if state not in drawing] == []


# W-2 W-3 W-5
def test_every_state_is_reached_and_has_its_words(tables: dict[str, dict[str, Any]]) -> None:
    reached = {"checking"} | set(tables["findings"].values())
    while more := {to for state in reached for to in tables["steps"][state].values()} - reached:
        reached |= more
    assert reached == set(tables["steps"])
    assert set(parts()) == reached


# W-2 W-3 W-5
def test_no_state_is_a_dead_end(tables: dict[str, dict[str, Any]]) -> None:
    """By its own steps and findings each state gets to `subscribed`; and its reader is told how."""
    for state, html in parts().items():
        acts = "data-action=" in html or state == "subscribed"
        assert acts or state in ELSEWHERE | BY_ITSELF, f"{state} has no button and no way"
    for state in BY_ITSELF - {"checking"}:
        assert "endpoint" in tables["steps"][state]
        assert "unreachable" in tables["steps"][state]
        assert "slow" in tables["steps"][state]
    clicked = {state for state, html in parts().items() if 'data-action="enable"' in html}
    assert {state for state in clicked if "ask" not in tables["steps"][state]} == set()


# W-3
def test_every_event_is_used_and_every_used_one_is_drawn(tables: dict[str, dict[str, Any]]) -> None:
    drawn = {event for ways in tables["steps"].values() for event in ways} | set(tables["findings"])
    sources = DRIVER + "".join(
        (JS / "push" / name).read_text() for name in ("environment.js", "refusals.js")
    )
    assert [event for event in drawn if f'"{event}"' not in sources] == []
    assert set(re.findall(r'#go\(run, "([\w-]+)"', DRIVER)) <= drawn


# W-2 W-3
def test_unknown_way_is_an_error() -> None:
    with pytest.raises(AssertionError, match="No way leads from “insecure” by “yes”"):
        run("push/states.js", "next('insecure', 'yes')")
    assert run("push/states.js", "next('subscribed', 'died')") == "gone"


#: The browsers' words, what the permission is then, the event, and some words of our hint.
REFUSALS = [
    ("AbortError: Registration failed - permission denied", "granted", "private", ""),
    ("NotAllowedError: Registration failed - permission denied", "denied", "no", ""),
    ("NotAllowedError: Permission to create … is denied.", "default", "closed", ""),
    ("NotAllowedError: Registration failed - …", "granted", "broken", "refuses push"),
    ("AbortError: Error retrieving push subscription.", "granted", "unreachable", "not reach"),
    ("AbortError: Registration failed - push service error", "granted", "unreachable", "not reach"),
    ("InvalidStateError: …", "granted", "foreign-key", "another key"),
    ("InvalidAccessError: …", "granted", "broken", "P-256"),
    ("InvalidCharacterError: …", "granted", "broken", "base64url"),
    ("AbortError: … - missing applicationServerKey", "granted", "broken", "public key"),
    ("AbortError: … - no active Service Worker", "granted", "broken", "has not started"),
    ("TypeError: … A bad HTTP response code (404) …", "granted", "broken", "could not be loaded"),
    ("SecurityError: … has an unsupported MIME type", "granted", "broken", "could not be loaded"),
    ("QuotaExceededError: …", "granted", "broken", "Make room"),
]


# W-2 W-3 W-4
@pytest.mark.parametrize(("words", "permission", "event", "hint"), REFUSALS)
def test_refusals_of_the_browsers_are_understood(
    words: str, permission: str, event: str, hint: str
) -> None:
    name, message = words.split(": ", 1)
    given = {"name": name, "message": message}
    found = run("push/refusals.js", f"[eventOf(given, '{permission}'), hintOf(given)]", given)
    assert found[0] == event
    assert hint in found[1]
