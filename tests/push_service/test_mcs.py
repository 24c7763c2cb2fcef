"""MCS framing: however TCP cuts the stream, the same messages come out, or a clean refusal."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_service.wire import mcs

text = st.text(max_size=40)
number = st.integers(0, 2**31 - 1)
messages = st.one_of(
    st.builds(mcs.HeartbeatPing, stream_id=number, last_stream_id_received=number),
    st.builds(mcs.HeartbeatAck, last_stream_id_received=number),
    st.builds(
        mcs.LoginRequest,
        user=text,
        auth_token=text,
        received_persistent_id=st.lists(text, max_size=5),
    ),
    st.builds(mcs.LoginResponse, id=text, server_timestamp=number),
    st.builds(mcs.Close),
    st.builds(mcs.IqStanza, type=number, id=text, last_stream_id_received=number),
    st.builds(mcs.DataMessageStanza, sender=text, raw_data=st.binary(max_size=300)),
)
VERSION = bytes([mcs.VERSION])


def read_all(data: bytes) -> list[mcs.Message]:
    return list(mcs.Reader().receive(data))


def encode_all(sent: list[mcs.Message]) -> bytes:
    return VERSION + b"".join(map(mcs.encode, sent))


# W-9
@given(st.lists(messages, max_size=5))
def test_frames_come_out_as_they_went_in(sent: list[mcs.Message]) -> None:
    assert read_all(encode_all(sent)) == sent


# W-9
@given(st.lists(messages, max_size=5))
def test_frames_survive_byte_by_byte(sent: list[mcs.Message]) -> None:
    reader = mcs.Reader()
    received: list[mcs.Message] = []
    for byte in encode_all(sent):
        received += reader.receive(bytes([byte]))
    assert received == sent


# W-9
@given(st.lists(messages, min_size=1, max_size=5), st.data())
def test_truncated_stream_yields_whole_frames_only(
    sent: list[mcs.Message], data: st.DataObject
) -> None:
    stream = encode_all(sent)
    cut = data.draw(st.integers(0, len(stream) - 1))
    received = read_all(stream[:cut])
    assert received == sent[: len(received)]
    assert len(received) < len(sent)


# W-9
@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(mcs.ProtocolError):
        read_all(VERSION + data)


# W-9
def test_stream_matches_the_protocol_byte_for_byte() -> None:
    stream = encode_all([mcs.HeartbeatPing(stream_id=1, last_stream_id_received=300), mcs.Close()])
    assert stream == b"\x29\x00\x05\x08\x01\x10\xac\x02\x04\x00"


# W-9
def test_length_takes_a_second_byte_at_128() -> None:
    stanza = mcs.DataMessageStanza(raw_data=bytes(200))
    frame = mcs.encode(stanza)
    assert frame[:3] == b"\x08\xcc\x01"  # 200 + 4 bytes of field tag and length = 204
    assert read_all(VERSION + frame) == [stanza]


# W-9
@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"\x26", "version 38"),
        (b"GET / HTTP/1.1\r\n", "version 71"),
        (VERSION + b"\x05\x00", "unknown tag 5"),
        (VERSION + b"\xff\x00", "unknown tag 255"),
        (VERSION + b"\x02\xff\xff\xff\xff\x7f", "longer"),
        (VERSION + b"\x02\xff\xff\x7f", "longer"),
        (VERSION + b"\x02\x80\x80\x80\x80\x80", "without an end"),
        (VERSION + b"\x02\x02\x1a\x05", "a broken LoginRequest"),
        (VERSION + b"\x02\x03\x1a\x01\xff", "a broken LoginRequest"),  # not UTF-8
    ],
)
def test_breach_is_refused(stream: bytes, reason: str) -> None:
    with pytest.raises(mcs.ProtocolError, match=reason):
        read_all(stream)


# W-9
def test_hostile_length_is_refused_before_its_body_comes() -> None:
    reader = mcs.Reader(max_body=1000)
    list(reader.receive(VERSION + b"\x02"))
    with pytest.raises(mcs.ProtocolError, match="longer than 1000"):
        list(reader.receive(b"\xe9\x07"))  # 1001


# W-9
def test_longest_allowed_body_is_read() -> None:
    stanza = mcs.DataMessageStanza(raw_data=bytes(100))
    size = len(stanza.SerializeToString())
    assert list(mcs.Reader(max_body=size).receive(encode_all([stanza]))) == [stanza]


# W-9
def test_messages_before_a_breach_are_delivered() -> None:
    received = mcs.Reader().receive(encode_all([mcs.Close()]) + b"\x09")
    assert next(received) == mcs.Close()
    with pytest.raises(mcs.ProtocolError):
        next(received)


def build(body: bytes, **headers: str) -> mcs.DataMessageStanza:
    return mcs.data_message(
        sender="key",
        category="org.chromium.linux",
        subtype="wp:https://example.com/#1-V2",
        persistent_id="m1",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=body,
        last_stream_id_received=1,
    )


def app_data(stanza: mcs.DataMessageStanza) -> dict[str, str]:
    return {entry.key: entry.value for entry in stanza.app_data}


# W-10
def test_data_message_carries_what_the_browser_routes_and_decrypts_by() -> None:
    stanza = build(b"ciphertext", content_encoding="aes128gcm")
    assert (stanza.sender, stanza.category) == ("key", "org.chromium.linux")
    assert app_data(stanza) == {
        "subtype": "wp:https://example.com/#1-V2",
        "content-encoding": "aes128gcm",
    }
    assert stanza.raw_data == b"ciphertext"
    assert stanza.persistent_id == "m1"
    assert stanza.immediate_ack


# W-10
def test_data_message_without_body_says_nothing_of_encryption() -> None:
    stanza = build(b"", content_encoding="aes128gcm")
    assert app_data(stanza) == {"subtype": "wp:https://example.com/#1-V2"}
    assert not stanza.HasField("raw_data")
