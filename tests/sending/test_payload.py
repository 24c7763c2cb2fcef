"""The declarative payload and its limit."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sending.payload import LIMIT, Content, build

PUBLIC_URL = "https://app.example"


def content(**data: Any) -> Content:
    return Content("n-1", "c-1", "r-1", 7, 1_700_000_000.25, data)


def parse(payload: bytes) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(payload.decode("utf-8", "strict"))
    return message


# W-8, W-10
def test_payload_is_declarative() -> None:
    data = {"title": "Hi", "body": "there", "navigate": "/inbox?x=1", "tag": "t", "icon": "/i.png"}
    assert parse(build(content(**data), PUBLIC_URL)) == {
        "web_push": 8030,
        "notification": {
            "title": "Hi",
            "navigate": "https://app.example/inbox?x=1",
            "body": "there",
            "tag": "t",
            "icon": "https://app.example/i.png",
        },
        "pushlab": {
            "notification_id": "n-1",
            "connection_id": "c-1",
            "run_id": "r-1",
            "seq": 7,
            "created_at": "2023-11-14T22:13:20.250Z",
        },
    }


# W-8 W-10
def test_payload_carries_every_option() -> None:
    pictures = {name: f"/{name}.png" for name in ("icon", "image", "badge")}
    actions = [{"title": "Yes", "navigate": "/yes"}, {"title": "No", "navigate": "/no"}]
    wishes = {**pictures, "actions": actions, "silent": True, "renotify": True, "tag": "t"}
    shown = parse(build(content(title="Hi", **wishes), PUBLIC_URL))["notification"]
    assert {name: shown[name] for name in wishes} == {
        **{name: f"{PUBLIC_URL}{path}" for name, path in pictures.items()},
        "actions": [
            {"action": "0", "title": "Yes", "navigate": "https://app.example/yes"},
            {"action": "1", "title": "No", "navigate": "https://app.example/no"},
        ],
        "silent": True,
        "renotify": True,
        "tag": "t",
    }


# W-8
def test_pictures_and_actions_go_before_the_title_does() -> None:
    pictures = dict.fromkeys(("icon", "image", "badge"), "/" + "ä" * 499)
    actions = [{"title": "x", "navigate": "/" + "ä" * 499}] * 2
    wide = content(title="€" * 200, body="x" * 3000, actions=actions, **pictures)
    shown = parse(build(wide, PUBLIC_URL))["notification"]
    assert shown["body"] == ""
    assert "badge" not in shown
    assert "image" not in shown
    assert shown["icon"]
    assert len(shown["actions"]) == 2
    assert shown["title"] == "€" * 200


# W-10
def test_payload_without_wishes_opens_the_start_page() -> None:
    shown = parse(build(content(title="Hi"), PUBLIC_URL))["notification"]
    assert shown == {"title": "Hi", "navigate": "https://app.example/", "body": "", "tag": "n-1"}


def body_for(size: int, char: str) -> str:
    """As many of `char` as make the payload exactly `size` bytes long, filled up with dots."""
    room = size - len(build(content(title="Hi"), PUBLIC_URL))
    count, rest = divmod(room, len(char.encode()))
    return char * count + "." * rest


# W-8 (RFC 8291 section 4)
@pytest.mark.parametrize("char", ["x", "ä", "€", "🔔"])
def test_payload_of_the_limit_is_whole(char: str) -> None:
    body = body_for(LIMIT, char)
    payload = build(content(title="Hi", body=body), PUBLIC_URL)
    assert len(payload) == LIMIT
    assert parse(payload)["notification"]["body"] == body
    assert "cut" not in parse(payload)["pushlab"]


# W-8
@pytest.mark.parametrize("char", ["x", "ä", "€", "🔔"])
def test_payload_over_the_limit_is_cut(char: str) -> None:
    body = body_for(LIMIT + 1, char)
    payload = build(content(title="Hi", body=body), PUBLIC_URL)
    assert LIMIT - len(char.encode()) < len(payload) <= LIMIT
    assert parse(payload)["pushlab"]["cut"] is True
    kept = parse(payload)["notification"]["body"]
    assert kept.endswith("…")
    assert body.startswith(kept[:-1])
    assert parse(payload)["notification"]["title"] == "Hi"


text = st.text(alphabet=st.characters(), max_size=40)
long_text = st.builds(lambda unit, times: unit * times, text, st.integers(0, 400))
path = st.builds("/{}".format, long_text)
data = st.fixed_dictionaries(
    {"title": long_text},
    optional={
        "body": long_text,
        "tag": long_text,
        "icon": path,
        "image": path,
        "badge": path,
        "navigate": path,
        "silent": st.booleans(),
        "renotify": st.booleans(),
        "actions": st.lists(st.fixed_dictionaries({"title": text, "navigate": path}), max_size=2),
    },
)


# W-8
@given(data)
def test_any_payload_fits_and_is_valid(data: dict[str, Any]) -> None:
    payload = build(content(**data), PUBLIC_URL)
    assert len(payload) <= LIMIT
    message = parse(payload)
    assert message["pushlab"]["notification_id"] == "n-1"
    assert message["notification"]["navigate"].startswith(PUBLIC_URL + "/")
