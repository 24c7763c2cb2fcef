"""`pns.v1`: what a client may say, and what it is told."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pns import wire
from app.pns.wire import MAX_IDS, Ack, Breach

ID = "0198c0de-0000-7000-8000-000000000001"


def ack_of(*ids: object) -> str:
    return json.dumps({"type": "ack", "notification_ids": ids})


@pytest.mark.parametrize(
    ("text", "ack"),
    [
        (ack_of(ID), Ack((ID,))),
        (ack_of(ID, ID), Ack((ID, ID))),
        (ack_of(), Ack()),
        ('{"type":"ack","expired":3}', Ack(expired=3)),
        ('{"type":"ack","expired":0}', Ack()),
        (f'{{"type":"ack","notification_ids":["{ID}"],"expired":2}}', Ack((ID,), 2)),
        ('{"type":"ack","expired":1,"of_tomorrow":{}}', Ack(expired=1)),
    ],
)
def test_client_acknowledges(text: str, ack: Ack) -> None:  # P-11
    assert wire.parse(text) == ack


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "1",
        "null",
        "[]",
        "NaN",
        "{}",
        '{"type":"ack"}',
        '{"type":"subscribe"}',
        '{"type":["ack"],"expired":1}',
        '{"type":"ack","notification_ids":"x"}',
        '{"type":"ack","notification_ids":{}}',
        '{"type":"ack","notification_ids":null}',
        '{"type":"ack","expired":-1}',
        '{"type":"ack","expired":true}',
        '{"type":"ack","expired":1.0}',
        '{"type":"ack","expired":"1"}',
        '{"type":"ack","expired":1e400}',
        '{"type":"ack","expired":4294967296}',
        ack_of("not-a-uuid"),
        ack_of(ID.upper()),
        ack_of(ID + "\n"),
        ack_of(ID, 7),
        ack_of([ID]),
        ack_of(*[ID] * (MAX_IDS + 1)),
        "[" * 16_000,
        '{"type":' * 5_000,
        '{"type":"ack","expired":' + "9" * 16_000 + "}",
        '{"type":"ack","notification_ids":["\\ud800"]}',
    ],
)
def test_anything_else_is_a_breach(text: str) -> None:  # P-11
    with pytest.raises(Breach) as breach:
        wire.parse(text)
    assert len(str(breach.value)) < 100  # it is the close reason


JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda some: st.lists(some, max_size=3), max_leaves=10
).map(json.dumps)


@given(st.text() | JSON)
def test_parse_survives_anything(text: str) -> None:
    with pytest.raises(Breach):
        wire.parse(text)


def test_every_uuid_is_an_id() -> None:
    assert wire.parse(ack_of(str(uuid.uuid4()))).notification_ids


def test_server_frames_have_the_documented_shape() -> None:  # P-5, P-8
    assert json.loads(wire.hello("c", "n", resumed=True, pending=2)) == {
        "type": "hello",
        "connection_id": "c",
        "node": "n",
        "resumed": True,
        "pending": 2,
    }
    assert json.loads(wire.notification(ID, 4, {"title": "Grüße"}, "2026-01-01T00:00:00.000Z")) == {
        "type": "notification",
        "notification_id": ID,
        "seq": 4,
        "data": {"title": "Grüße"},
        "created_at": "2026-01-01T00:00:00.000Z",
    }
    assert json.loads(wire.replayed(3, 1)) == {"type": "replayed", "sent": 3, "expired": 1}
    assert json.loads(wire.hint("read")) == {"type": "hint", "what": "read"}
