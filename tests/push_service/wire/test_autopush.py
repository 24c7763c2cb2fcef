"""Firefox's JSON messages: read, ignored, built."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_service.model import Draft, Message, Subscription
from push_service.wire import autopush
from push_service.wire.autopush import Ack, Hello, Nack, Ping, Register, Unregister

CHANNEL = "01234567-89ab-cdef-0123-456789abcdef"


def read(**fields: Any) -> autopush.Incoming | None:
    return autopush.read(json.dumps(fields))


def test_hello_brings_the_uaid() -> None:  # W-4
    assert read(messageType="hello", uaid="abc", use_webpush=True, broadcasts={}) == Hello("abc")
    assert read(messageType="hello", use_webpush=True) == Hello(None)


@pytest.mark.parametrize("uaid", ["", "a" * 65, 7, None, ["a"], "a\0b", "\ud800"])
def test_hello_with_a_strange_uaid_is_one_without(uaid: object) -> None:  # W-4
    assert read(messageType="hello", uaid=uaid) == Hello(None)


def test_register_brings_channel_and_key() -> None:  # W-4
    assert read(messageType="register", channelID=CHANNEL, key="abc") == Register(CHANNEL, "abc")
    assert read(messageType="register", channelID=CHANNEL) == Register(CHANNEL, None)


def test_register_with_a_key_of_a_wrong_type_is_not_one_without_key() -> None:  # W-4
    register = read(messageType="register", channelID=CHANNEL, key=7)
    assert isinstance(register, Register)
    assert register.key is not None


@pytest.mark.parametrize("channel", [None, 7, "", "abc", CHANNEL + "0", CHANNEL[:-1] + "g"])
@pytest.mark.parametrize("kind", ["register", "unregister"])
def test_strange_channels_are_ignored(kind: str, channel: object) -> None:  # W-4
    assert read(messageType=kind, channelID=channel) is None


def test_unregister_brings_the_reason() -> None:  # W-9
    assert read(messageType="unregister", channelID=CHANNEL, code=202) == Unregister(CHANNEL, 202)
    assert read(messageType="unregister", channelID=CHANNEL) == Unregister(CHANNEL, 200)


def test_ack_brings_ids_and_codes() -> None:  # W-9
    updates = [
        {"channelID": CHANNEL, "version": "a", "code": 101},
        {"channelID": CHANNEL, "version": "b"},
    ]
    assert read(messageType="ack", updates=updates) == Ack((("a", 101), ("b", 100)))


@pytest.mark.parametrize(
    "update", [7, {}, {"version": 7}, {"version": "\ud800"}, {"version": "a b"}, None]
)
def test_ack_passes_over_strange_updates(update: object) -> None:  # W-9
    assert read(messageType="ack", updates=[update, {"version": "a"}]) == Ack((("a", 100),))


def test_nack_brings_the_code() -> None:  # W-10
    assert read(messageType="nack", version="a", code=301) == Nack("a", 301)


@pytest.mark.parametrize("text", ["{}", '{"messageType":"ping"}'])
def test_ping_has_two_forms(text: str) -> None:  # W-9
    assert autopush.read(text) == Ping()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "7",
        "null",
        '{"messageType":7}',
        '{"messageType":"broadcast_subscribe","broadcasts":{}}',
        '{"messageType":"no such"}',
        '{"messageType":"ack"}',
        '{"messageType":"ack","updates":7}',
        '{"messageType":["hello"]}',
        "[" * 100_000,
        '{"a":' + "9" * 5000 + "}",
    ],
)
def test_everything_else_is_ignored(text: str) -> None:  # W-9
    assert autopush.read(text) is None


def test_truncated_messages_are_ignored() -> None:  # W-9
    text = json.dumps({"messageType": "register", "channelID": CHANNEL, "key": "abc"})
    assert all(autopush.read(text[:end]) is None for end in range(len(text)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(), some, max_size=3),
    max_leaves=5,
)
KINDS = st.sampled_from(["hello", "register", "unregister", "ack", "nack", "ping"])
FIELDS = st.sampled_from(["uaid", "channelID", "key", "code", "updates", "version"])
UPDATES = st.lists(st.dictionaries(FIELDS, JSON, max_size=3), max_size=3)


@given(KINDS, st.dictionaries(FIELDS, JSON | UPDATES))
def test_any_fields_are_survived(kind: str, fields: dict[str, Any]) -> None:  # W-9
    read(**fields, messageType=kind)


def message(draft: Draft) -> Message:
    subscription = Subscription("lab_token", "ua", "autopush", CHANNEL)
    return Message("id", 1, subscription, draft, 0, 60)


def test_notification_carries_the_payload() -> None:  # W-10
    draft = Draft(60, encoding="aes128gcm", body=b"\xfb\xff")
    built = json.loads(autopush.notification(message(draft)))
    assert (built["channelID"], built["version"]) == (CHANNEL, "id")
    assert (built["data"], built["headers"]) == ("-_8", {"encoding": "aes128gcm"})


def test_notification_of_the_draft_carries_its_headers() -> None:  # W-10
    draft = Draft(60, encoding="aesgcm", encryption="salt=a", crypto_key="dh=b", body=b"x")
    built = json.loads(autopush.notification(message(draft)))
    assert built["headers"] == {"encoding": "aesgcm", "encryption": "salt=a", "crypto_key": "dh=b"}


def test_notification_without_payload_has_neither_data_nor_headers() -> None:  # W-10
    built = json.loads(autopush.notification(message(Draft(60))))
    assert not {"data", "headers"} & set(built)


def test_hello_says_that_data_will_come() -> None:  # W-4
    assert json.loads(autopush.hello("abc"))["use_webpush"] is True
