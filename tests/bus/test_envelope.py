"""The envelope survives its bytes, and nothing else becomes one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bus.envelope import KINDS, Envelope, MalformedEnvelope

envelopes = st.builds(
    Envelope,
    kind=st.sampled_from(KINDS),
    what=st.text(max_size=10),
    user_ids=st.lists(st.integers(), max_size=5).map(tuple),
    ids=st.lists(st.text(max_size=36), max_size=5).map(tuple),
)


@given(envelopes)
def test_envelope_survives_its_bytes(envelope: Envelope) -> None:  # P-7
    assert Envelope.from_bytes(envelope.to_bytes()) == envelope


def test_envelope_ignores_fields_of_a_newer_process() -> None:  # P-12
    assert Envelope.from_bytes(b'{"kind":"ring","user_ids":[1],"new":{}}') == Envelope(
        "ring", user_ids=(1,)
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"kind":"shout"}',
        b'{"kind":["ring"]}',
        b'{"kind":"ring","user_ids":1}',
        b'{"kind":"ring","user_ids":["1"]}',
        b'{"kind":"ring","user_ids":[true]}',
        b'{"kind":"ring","ids":[1]}',
        b'{"kind":"hint","what":1}',
        b"[" * 100_000,
    ],
)
def test_envelope_refuses_other_bytes(data: bytes) -> None:  # P-12
    with pytest.raises(MalformedEnvelope):
        Envelope.from_bytes(data)


def test_merge_keeps_everybody_once() -> None:
    first = Envelope("ring", user_ids=(1, 2), ids=("a",))
    later = Envelope("ring", user_ids=(2, 3), ids=("a", "b"))
    assert first.merge(later) == Envelope("ring", user_ids=(1, 2, 3), ids=("a", "b"))


@given(envelopes.filter(lambda one: one.user_ids or one.ids), st.integers(700, 1000))
def test_parts_are_small_and_lose_nobody(envelope: Envelope, limit: int) -> None:  # P-7
    parts = list(envelope.parts(limit))
    for part in parts:
        assert len(part.to_bytes()) <= limit
    if parts:
        assert {one for part in parts for one in part.user_ids} == set(envelope.user_ids)
        assert {one for part in parts for one in part.ids} == set(envelope.ids)
