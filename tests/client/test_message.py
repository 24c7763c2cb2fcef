"""What the service worker makes of a push message: the row it stands for, or nothing."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.sending.payload import Content, build
from tests.client.node import needs_node, run

pytestmark = needs_node

HOME = "https://app.example/"
WISHES = {
    "title": "Hi",
    "body": "there",
    "navigate": "/devices",
    "tag": "t",
    "silent": True,
    "renotify": True,
    "icon": "/icon.png",
    "image": "/image.png",
    "badge": "/badge.png",
    "actions": [{"title": "Yes", "navigate": "/yes"}],
}


def read(*texts: str | None) -> list[Any]:
    """What the worker reads in each of them."""
    found: list[Any] = run(
        "worker/message.js", f"given.map((each) => readMessage(each, '{HOME}'))", texts
    )
    return found


def sent(**data: Any) -> str:
    """The text of a push message of ours."""
    return build(Content("n-1", "c-1", None, 7, 1_700_000_000.25, data), HOME).decode()


def changed(part: str, **changes: Any) -> str:
    message = json.loads(sent(**WISHES))
    message[part] |= changes
    return json.dumps(message)


# W-10
def test_what_the_app_sends_is_what_the_worker_reads() -> None:
    (message,) = read(sent(**WISHES))
    paths = {
        name: f"{HOME}{WISHES[name]}".replace("e//", "e/") for name in ("icon", "image", "badge")
    }
    assert message["owner"] == "c-1"
    assert message["row"] == {
        "notification_id": "n-1",
        "seq": 7,
        "created_at": "2023-11-14T22:13:20.250Z",
        "cut": False,
        "data": {
            **WISHES,
            **paths,
            "navigate": f"{HOME}devices",
            "actions": [{"title": "Yes", "navigate": f"{HOME}yes"}],
        },
    }


# W-10
def test_what_is_not_ours_is_nothing() -> None:
    declarative = {"web_push": 8030, "notification": {"title": "A stranger's", "navigate": HOME}}
    texts = [None, "", "no JSON", "null", "5", '"text"', "[]", "{}", json.dumps(declarative)]
    texts += [changed("pushlab", connection_id=None), changed("pushlab", notification_id=5)]
    texts += [changed("notification", title=title) for title in (None, "", 7, {"a": 1})]
    texts += [json.dumps({"notification": [], "pushlab": []})]
    assert read(*texts) == [None] * len(texts)


# W-10
def test_wrong_types_are_left_out_and_the_rest_is_shown() -> None:
    wrong: list[Any] = [None, 5, {}, [], True, "x" * 100_000]
    fields = ("body", "navigate", "tag", "icon", "image", "badge", "actions", "silent", "renotify")
    texts = [changed("notification", **{name: value}) for name in fields for value in wrong]
    texts += [
        changed("pushlab", **{name: value}) for name in ("seq", "created_at") for value in wrong
    ]
    texts += [changed("notification", actions=[None, 5, {}, {"title": "No page"}])]
    for message in read(*texts):
        row = message["row"]
        assert row["data"]["title"] == "Hi"
        assert isinstance(row["data"]["body"], str)
        assert isinstance(row["seq"], int)
        assert row["data"]["navigate"].startswith(HOME)


# W-10
def test_no_page_or_picture_of_another_site_is_kept() -> None:
    evil = ["https://evil.example/", "//evil.example", "javascript:alert(1)", "data:image/png,x"]
    for url in evil:
        change = {"navigate": url, "icon": url, "image": url, "badge": url}
        actions = [{"title": "Go", "navigate": url}]
        (message,) = read(changed("notification", actions=actions, **change))
        data = message["row"]["data"]
        assert data["navigate"] == HOME
        assert not {"icon", "image", "badge", "actions"} & data.keys()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
names = st.sampled_from([*WISHES, "web_push", "notification", "pushlab"])
messages = st.fixed_dictionaries(
    {
        "notification": json_values | st.dictionaries(names, json_values),
        "pushlab": json_values
        | st.dictionaries(st.sampled_from(["seq", "notification_id"]), json_values),
    }
)


# W-10
@settings(max_examples=20, deadline=None)
@given(st.lists(messages | json_values, min_size=5, max_size=15))
def test_any_json_is_a_row_or_nothing(values: list[Any]) -> None:
    for message in read(*map(json.dumps, values)):
        assert message is None or message["row"]["data"]["title"]
