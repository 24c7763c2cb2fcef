"""The master diagram without a browser: in which order, in which rows, and what a player shows."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.client.node import needs_node, run

pytestmark = needs_node

ENDPOINT = "https://push.example/push/lab_1"
LOCATION = "https://push.example/m/message-1"
#: A run as the actors report it: kind, actor, and what ties it to others; a second between two.
STORY: list[tuple[str, str, dict[str, Any]]] = [
    ("app-server", "vapid.key-served", {"detail": {"public_key": "B"}}),
    ("client", "permission.asked", {}),
    ("client", "subscribe.called", {"detail": {"applicationServerKey": "B"}}),
    ("push-service", "subscription.created", {"token": "lab_1"}),
    ("client", "subscribe.done", {"detail": {"endpoint": ENDPOINT}}),
    ("client", "subscription.posted", {"detail": {"endpoint": ENDPOINT}}),
    ("app-server", "subscription.stored", {"endpoint": ENDPOINT}),
    ("app-server", "notification.created", {"notification_id": "n"}),
    (
        "app-server",
        "send.started",
        {"notification_id": "n", "endpoint": ENDPOINT, "detail": {"body": "bytes"}},
    ),
    ("push-service", "message.accepted", {"message_id": "message-1", "token": "lab_1"}),
    (
        "app-server",
        "send.answered",
        {"notification_id": "n", "message_url": LOCATION, "detail": {"status": 201}},
    ),
    ("push-service", "message.delivered", {"message_id": "message-1", "token": "lab_1"}),
    ("service-worker", "push.received", {"notification_id": "n"}),
    ("service-worker", "notification.shown", {"notification_id": "n"}),
]
STEPS = {
    "permission.asked": 2,
    "subscribe.called": 3,
    "subscription.posted": 5,
    "send.started": 8,
    "push.received": 10,
    "notification.shown": 10,
}
EXPECTED = ["permission", "subscribe", "post", "send", "push", "show"]


def story(**wrong_by: float) -> list[dict[str, Any]]:
    """The story as a page gets it: by source, each actor's clock wrong by so many seconds."""
    events = []
    for second, (actor, kind, more) in enumerate(STORY):
        event = {
            "id": second,
            "key": f"{actor}-{second}",
            "actor": actor,
            "kind": kind,
            "step": STEPS.get(kind),
            "at": 1000.0 + second + wrong_by.get(clock_of(actor), 0),
            "connection_id": None if actor == "push-service" else "device",
            "detail": {"ciphertext": "bytes"} if kind == "message.accepted" else {},
        }
        events.append(event | more)
    return sorted(events, key=lambda event: event["actor"])


def clock_of(actor: str) -> str:
    return {"app-server": "app", "push-service": "push"}.get(actor, "browser")


def orders(*runs: list[dict[str, Any]]) -> list[list[str]]:
    """The kinds of each of these runs, as they are drawn."""
    script = "given.map((events) => inOrder(events).map(({ event }) => event.kind))"
    found: list[list[str]] = run("codelab/diagram/order.js", script, runs)
    return found


def rows(events: list[dict[str, Any]], steps: list[int] | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run(
        "codelab/diagram/rows.js",
        "rowsOf(given.events.map((event) => ({ event, moment: event.at, causes: [], again: [] })),"
        " given.steps)",
        {"events": events, "steps": steps},
    )
    return found


# W-11
def test_lab_device_acknowledges_from_the_page() -> None:
    """It has no service worker: its push service hears from the page itself."""
    told = {"actor": "push-service", "kind": "message.acknowledged"}
    events = [told | {"detail": {"code": code}} for code in ("lab", 100)]
    drawn = run("codelab/diagram/messages.js", "given.map(messageOf)", events)
    assert [one["from"] for one in drawn] == ["client", "service-worker"]
    assert {one["to"] for one in drawn} == {"push-service"}


# W-11
def test_order_is_by_cause_whatever_the_clocks_say() -> None:
    clocks = [
        {},
        {"browser": -3000.0},
        {"browser": 3000.0},
        {"push": -7.5, "browser": 40.0},
        {"push": 900.0},
        {"push": -0.004, "browser": 0.002},
    ]
    found = orders(*(story(**wrong) for wrong in clocks))
    assert found == [[kind for _, kind, _ in STORY]] * len(clocks)


# W-11
def test_events_of_one_moment_are_in_the_order_of_cause() -> None:
    """All clocks have stopped: what is left are the messages between the actors."""
    events = [event | {"at": 1000.0} for event in story()]
    assert orders(events) == [[kind for _, kind, _ in STORY]]


# W-11
def test_clock_that_is_right_is_left_alone() -> None:
    moments = run("codelab/diagram/order.js", "inOrder(given).map(({ moment }) => moment)", story())
    assert moments == [1000.0 + second for second in range(len(STORY))]


# W-11
def test_reports_that_contradict_each_other_are_all_drawn() -> None:
    events = story()
    by_kind = {event["kind"]: event for event in events}
    # The same browser reports the end before the beginning.
    by_kind["subscription.posted"]["at"] = 900.0
    by_kind["subscribe.called"]["at"] = 1100.0
    (kinds,) = orders(events)
    assert sorted(kinds) == sorted(kind for _, kind, _ in STORY)


# W-11 W-13
def test_message_for_another_device_is_no_cause() -> None:
    """One notification, two devices, and the clock of the one behind."""
    first = story(browser=-20)
    next(event for event in first if event["kind"] == "push.received")["at"] -= 0.95
    second = [
        event
        | {
            "key": f"second-{event['key']}",
            "at": event["at"] - 0.5,
            "id": event["id"] + 100,
            "connection_id": event["connection_id"] and "other device",
        }
        for event in first
        if event["kind"] in ("send.started", "message.accepted", "message.delivered")
    ]
    for event in second:
        event["message_id"] = "message-2" if event.get("message_id") else None
        event["detail"] = dict.fromkeys(event["detail"], "other bytes")
    (kinds,) = orders([*second, *first])
    assert kinds.count("message.delivered") == 2
    assert kinds[-4:] == [
        "message.delivered",
        "message.delivered",
        "push.received",
        "notification.shown",
    ]


# W-11
def test_expected_messages_stand_as_ghosts_and_are_filled() -> None:
    assert [(row["expected"], row["event"]) for row in rows([])] == [(e, None) for e in EXPECTED]
    events = sorted(story(), key=lambda event: event["at"])
    filled = {row["expected"]: row["event"]["kind"] for row in rows(events) if row["expected"]}
    assert filled == dict(zip(EXPECTED, STEPS, strict=True))
    begun = [event for event in events if event["kind"] != "subscription.posted"]
    names = [row["expected"] for row in rows(begun) if row["expected"]]
    assert names == EXPECTED  # the ghost of the missing one stands in its place
    assert [row["expected"] for row in rows(begun) if row["event"] is None] == ["post"]


# W-11
def test_what_is_told_again_and_again_is_drawn_once_and_counted() -> None:
    """Each page that opens asks for the key, and gets the same one; another key is news."""
    served = story()[0] | {"kind": "vapid.key-served", "actor": "app-server"}
    keys = ["B", "B", "C", "B"]
    told = [
        served | {"key": f"served-{at}", "at": 2000.0 + at, "detail": {"public_key": key}}
        for at, key in enumerate(keys)
    ]
    story_of = [{"event": event, "moment": event["at"], "causes": []} for event in told]
    shown = run("codelab/diagram/fold.js", "folded(given)", story_of)
    assert [(each["event"]["key"], each["again"]) for each in shown] == [
        ("served-0", [2001.0, 2003.0]),
        ("served-2", []),
    ]
    others = [{"event": event, "moment": event["at"], "causes": []} for event in story()]
    assert len(run("codelab/diagram/fold.js", "folded([...given, ...given])", others)) == (
        2 * len(STORY) - 1
    )


# W-11
def test_only_the_messages_of_a_step() -> None:
    events = sorted(story(), key=lambda event: event["at"])
    assert [row["event"]["kind"] for row in rows(events, [3, 8])] == [
        "subscribe.called",
        "send.started",
    ]
    assert [row["expected"] for row in rows([], [3, 8])] == ["subscribe", "send"]


# W-11
def test_scale_of_time_is_broken_where_it_would_be_endless() -> None:
    events = sorted(story(), key=lambda event: event["at"])[:3]
    events[1]["at"], events[2]["at"] = 1000.5, 5000.0
    drawn = rows(events)
    assert [(row["gap"], row["pause"]) for row in drawn[:3]] == [
        (0, None),
        (20, None),
        (160, 3999.5),
    ]


# W-11
def test_node_has_a_lifeline_when_it_takes_part() -> None:
    script = (
        "[given.slice(0, -1), given].map((events) => lanesOf(rowsOf("
        "events.map((event) => ({ event, moment: 0, causes: [] }))))"
        ")"
    )
    node = {"key": "node-1", "actor": "node", "kind": "node.delivered", "step": None}
    without, among = run("codelab/diagram/rows.js", script, [*story(), node])
    assert without == ["client", "app-server", "push-service", "service-worker"]
    assert among == ["client", "app-server", "node", "push-service", "service-worker"]


# W-11
def test_pictures_hold_the_messages_and_nothing_breaks_out() -> None:
    events = sorted(story(), key=lambda event: event["at"])
    evil = 'evil</text>;#<script>\n"&\x00\uffff\u202e%%{init: {}}%%'
    events.append(events[0] | {"key": "x", "kind": evil, "step": None})
    script = "[svgOf(given).text, mermaidOf(given)]"
    svg, mermaid = run("codelab/diagram/pictures.js", script, rows(events))
    labels = ["requestPermission()", "subscribe(vapidPublicKey)", "push event"]
    drawing = ElementTree.fromstring(svg)
    texts = ["".join(each.itertext()) for each in drawing.iter("{http://www.w3.org/2000/svg}text")]
    for label in labels:
        assert any(label in text for text in texts)
        assert label in mermaid
    assert any("evil</text>" in text for text in texts)
    lines = mermaid.splitlines()
    assert lines[0] == "sequenceDiagram"
    assert "  client->>push_service: 3. subscribe(vapidPublicKey) [public key]" in lines
    assert len(lines) == 1 + 4 + len(events)
    assert not re.search(r"[;<>%{}\u202e]", re.sub(r"#\d+;", "", lines[-1]))
    assert "\u202e" not in svg


PLAYER = """(() => {
  const player = new Player();
  const keys = ["a", "b"];
  const seen = [];
  for (const wish of given) {
    if (wish.length === 1) keys.push(wish);
    else player[wish](keys);
    seen.push(`${player.state} ${player.visible(keys).join("")}`);
  }
  return seen;
})()"""


#: No text, and nothing that can be made one.
NO_TEXT = {"toString": 1, "valueOf": 1}


# W-11
@pytest.mark.parametrize("strange", [7, None, [NO_TEXT], NO_TEXT])
def test_reports_of_any_shape_are_drawn(strange: Any) -> None:
    names = ("public_key", "applicationServerKey", "endpoint", "notification_ids", "body")
    detail = dict.fromkeys((*names, "ciphertext", "status", "permission"), strange)
    kinds = ("subscribe.done", "push.received", "send.answered", "permission.answered")
    hostile = [
        {"id": at, "key": f"x-{at}", "actor": "client", "kind": kind, "step": 1, "at": 1000.0}
        | {"connection_id": "device", "notification_id": None, "detail": detail}
        for at, kind in enumerate((*kinds, "constructor"), 100)
    ]
    drawn = rows([*story(), *hostile])
    (kinds_in_order,) = orders([*story(), *hostile])
    assert len(kinds_in_order) == len(STORY) + len(hostile)
    labels = {row["event"]["kind"]: row["label"] for row in drawn if row["key"].startswith("x-")}
    assert labels["constructor"] == "constructor"
    assert all(isinstance(label, str) for label in labels.values())


# W-11
def test_player_pauses_steps_and_replays() -> None:
    def play(*wishes: str) -> list[str]:
        seen: list[str] = run("codelab/diagram/player.js", PLAYER, wishes)
        return seen

    assert play("c", "pause", "d", "step", "goOn") == [
        "live abc",
        "paused abc",
        "paused abc",
        "paused abcd",
        "live abcd",
    ]
    assert play("back", "back", "step", "goOn") == ["paused a", "paused ", "paused a", "live ab"]
    assert play("replay", "tick", "pause", "goOn", "tick", "c") == [
        "replaying ",
        "replaying a",
        "paused a",
        "replaying a",
        "live ab",
        "live abc",
    ]
