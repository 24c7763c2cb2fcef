"""What our encoders write, our parsers read back; what is signed is judged, whatever it says."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol

from app.bus.envelope import KINDS, Envelope
from app.net.framing import MessageReader, Text
from app.pns import wire
from app.sending.outcome import RETRY_AFTER_MAX, parse_retry_after
from push_service.wire import base64url, mcs
from push_service.wire.errors import Refusal
from push_service.wire.run_token import _tag, verify
from push_service.wire.vapid import Verifier
from tests.fuzz.make_seeds import KEY
from tests.fuzz.targets import NOW, same_for_all_splits

AUDIENCE = "https://a.example"

texts = st.text(max_size=50)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(
        st.builds(mcs.DataMessageStanza, persistent_id=texts, category=texts, raw_data=st.binary())
    )
)
def test_mcs_messages_survive_any_split(stanzas: list[mcs.DataMessageStanza]) -> None:  # W-10
    stream = bytes([mcs.VERSION]) + b"".join(mcs.encode(one) for one in stanzas)

    def read(pieces: Any) -> list[mcs.Message]:
        reader = mcs.Reader()
        return [message for piece in pieces for message in reader.receive(piece)]

    assert same_for_all_splits(stream, read) == stanzas


@given(st.lists(st.tuples(st.text(max_size=400), st.integers(1, 60)), max_size=4))
def test_texts_survive_fragments_and_splits(sent: list[tuple[str, int]]) -> None:  # P-8
    client = FrameProtocol(client=True, extensions=[])
    stream = b""
    for text, size in sent:
        parts = [text[at : at + size] for at in range(0, len(text), size)] or [""]
        for number, part in enumerate(parts):
            stream += client.send_data(part, fin=number == len(parts) - 1)

    def read(pieces: Any) -> list[Any]:
        reader = MessageReader(400)
        return [message for piece in pieces for message in reader.feed(piece)]

    assert same_for_all_splits(stream, read) == [Text(text) for text, _ in sent]


envelopes = st.builds(
    Envelope,
    st.sampled_from(KINDS),
    texts,
    st.lists(st.integers(0, 2**63 - 1), max_size=5).map(tuple),
    st.lists(texts, max_size=5).map(tuple),
)


@given(envelopes)
def test_envelope_is_read_back(envelope: Envelope) -> None:  # P-8
    assert Envelope.from_bytes(envelope.to_bytes()) == envelope


@given(texts, st.integers(0, 2**40), st.dictionaries(texts, texts, max_size=3))
def test_frames_to_the_client_are_json(name: str, seq: int, data: dict[str, str]) -> None:  # P-8
    frame = json.loads(wire.notification(name, seq, data, "2027-01-01T00:00:00Z"))
    assert (frame["notification_id"], frame["seq"], frame["data"]) == (name, seq, data)


claims = st.fixed_dictionaries(
    {},
    optional={
        "aud": anything | st.just(AUDIENCE) | st.just([AUDIENCE]),
        "exp": anything | st.just(int(NOW) + 60),
        "sub": anything | st.just("mailto:a@example.com"),
    },
)


@given(claims | anything)
def test_signed_claims_are_taken_or_refused(said: Any) -> None:  # W-9
    """Only a sender with the right key can get this far, and it is not trusted for that."""
    authorization = f"vapid t={KEY.jwt(said)},k={base64url.encode(KEY.public)}"
    try:
        taken = Verifier().verify(
            authorization, None, key=KEY.public, audiences=[AUDIENCE], now=NOW
        )
    except Refusal as refusal:
        status = refusal.error.status
        assert status in (401, 403)
        return
    assert AUDIENCE in [one.rstrip("/") for one in taken.aud]
    assert taken.exp > NOW
    json.dumps(taken.as_json())


@given(st.binary())
def test_base64url_is_read_back(octets: bytes) -> None:  # W-4
    assert base64url.decode(base64url.encode(octets)) == octets


@given(st.lists(texts, max_size=3), st.floats(NOW - 10, NOW + 10))
def test_run_token_is_read_back_until_it_expires(endpoints: list[str], exp: float) -> None:
    payload = base64url.encode(
        json.dumps({"run": "r", "endpoints": endpoints, "exp": exp}).encode()
    )
    grant = verify(f"{payload}.{_tag(payload, 'secret')}", "secret", NOW)
    assert (grant is None) == (exp <= NOW)
    assert grant is None or grant.endpoints == frozenset(endpoints)


@given(st.integers(0, 10**9 - 1))
def test_retry_after_in_seconds_is_read(seconds: int) -> None:  # W-8
    assert parse_retry_after(str(seconds), NOW) == min(float(seconds), RETRY_AFTER_MAX)
