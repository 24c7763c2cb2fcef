"""Frames against RFC 6455: whole, byte by byte, cut off, malformed."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import CloseConnection, TextMessage
from wsproto.frame_protocol import FrameProtocol

from app.net.framing import (
    Close,
    Incoming,
    MessageReader,
    Ping,
    Pong,
    Text,
    Violation,
    encode_close_frame,
    encode_ping_frame,
    encode_pong_frame,
    encode_text_frame,
)
from tests.net.clients import masked_frame

LIMIT = 70_000
FIN_TEXT, FIN_MORE, TEXT, MORE = 0x81, 0x80, 0x01, 0x00
CLOSE, PING, PONG = 0x88, 0x89, 0x8A


def read(data: bytes, *, step: int = 1 << 20) -> list[Incoming]:
    reader = MessageReader(LIMIT)
    return [
        incoming
        for start in range(0, len(data), step)
        for incoming in reader.feed(data[start : start + step])
    ]


@given(st.text() | st.integers(120, 70_000).map(lambda size: "x" * size))
def test_text_frame_is_read_by_a_client(text: str) -> None:  # P-8
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(encode_text_frame(text))
    messages = [event for event in client.events() if isinstance(event, TextMessage)]
    assert "".join(message.data for message in messages) == text


@pytest.mark.parametrize(
    ("code", "reason", "seen"),
    [(1008, "no", "no"), (1005, "", ""), (4001, "é" * 100, "é" * 61)],
)
def test_close_frame_is_read_by_a_client(code: int, reason: str, seen: str) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(encode_close_frame(code, reason))
    assert list(client.events()) == [CloseConnection(code, seen)]


def test_control_frames_have_the_rfc_bytes() -> None:
    assert encode_ping_frame() == b"\x89\x00"
    assert encode_pong_frame(b"Hello") == b"\x8a\x05Hello"  # section 5.7


CONVERSATION = (
    masked_frame(TEXT, "né".encode()[:2])  # cut in the middle of a character
    + masked_frame(PING, b"are you there")
    + masked_frame(MORE, "né".encode()[2:])
    + masked_frame(PONG, b"")
    + masked_frame(FIN_MORE, b"!")
    + masked_frame(FIN_TEXT, b"")
    + masked_frame(FIN_TEXT, b"x" * 300)
    + masked_frame(CLOSE, b"\x03\xe8bye")
)
READ = [Ping(b"are you there"), Pong(), Text("né!"), Text(""), Text("x" * 300), Close(1000, "bye")]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1 << 20])
def test_reader_understands_fragments_and_control_frames_between(step: int) -> None:  # P-8
    assert read(CONVERSATION, step=step) == READ


@given(st.integers(0, len(CONVERSATION)))
def test_reader_waits_for_the_rest(cut: int) -> None:
    seen = read(CONVERSATION[:cut])
    assert seen == READ[: len(seen)]


VIOLATIONS = {
    "not masked": (b"\x81\x02hi", 1002),
    "reserved bit": (masked_frame(0xC1, b"hi"), 1002),
    "unknown opcode": (masked_frame(0x83, b"hi"), 1002),
    "unknown control opcode": (masked_frame(0x8B, b""), 1002),
    "fragmented ping": (masked_frame(0x09, b""), 1002),
    "long ping": (masked_frame(PING, b"x" * 126), 1002),
    "continuation of nothing": (masked_frame(FIN_MORE, b"x"), 1002),
    "message in a message": (masked_frame(TEXT, b"a") + masked_frame(FIN_TEXT, b"b"), 1002),
    "length longer than needed": (masked_frame(FIN_TEXT, b"x", length=b"\x7e\x00\x01"), 1002),
    "length beyond 2^63": (masked_frame(FIN_TEXT, b"", length=b"\x7f" + b"\xff" * 8), 1002),
    "close with one byte": (masked_frame(CLOSE, b"\x03"), 1002),
    "close with a forbidden code": (masked_frame(CLOSE, b"\x03\xed"), 1002),
    "close with a code below 1000": (masked_frame(CLOSE, b"\x00\x01"), 1002),
    "close reason not UTF-8": (masked_frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "text not UTF-8": (masked_frame(FIN_TEXT, b"\xff"), 1007),
    "text cut within a character": (masked_frame(FIN_TEXT, "é".encode()[:1]), 1007),
    "surrogate": (masked_frame(FIN_TEXT, b"\xed\xa0\x80"), 1007),
    "binary": (masked_frame(0x82, b"hi"), 1003),
    "too big": (masked_frame(FIN_TEXT, b"x" * (LIMIT + 1)), 1009),
    "too big in pieces": (
        masked_frame(TEXT, b"x" * LIMIT) + masked_frame(FIN_MORE, b"x"),
        1009,
    ),
}


@pytest.mark.parametrize(("data", "code"), VIOLATIONS.values(), ids=VIOLATIONS.keys())
def test_reader_refuses(data: bytes, code: int) -> None:  # P-8
    with pytest.raises(Violation) as refusal:
        read(data)
    assert refusal.value.code == code


def test_reader_refuses_a_huge_frame_before_it_has_arrived() -> None:
    reader = MessageReader(10)
    list(reader.feed(masked_frame(FIN_TEXT, b"", length=b"\x7f" + (1 << 40).to_bytes(8, "big"))))
    with pytest.raises(Violation) as refusal:
        list(reader.feed(b"x" * 100))
    assert refusal.value.code == 1009


@given(st.binary(max_size=200), st.integers(1, 50))
def test_reader_survives_anything(data: bytes, step: int) -> None:  # P-8
    with contextlib.suppress(Violation):
        read(data, step=step)


FRAMES = st.lists(
    st.builds(
        masked_frame,
        st.sampled_from([FIN_TEXT] * 5 + [PONG, PING, CLOSE, TEXT, FIN_MORE, 0x82, 0xC1]),
        st.text().map(str.encode) | st.binary() | st.integers(120, 140).map(bytes),
    )
)


@example(masked_frame(FIN_TEXT, b"Hello"), 8)
@example(masked_frame(FIN_TEXT, bytes(131)), 1 << 20)
@example(masked_frame(PONG, bytes(126)), 1 << 20)
@given(FRAMES.map(b"".join), st.integers(1, 30) | st.integers(100, 150) | st.just(1 << 20))
def test_plain_frames_are_read_as_wsproto_reads_them(data: bytes, step: int) -> None:  # P-8
    ours, theirs = MessageReader(130), MessageReader(130)
    theirs._protocol = FrameProtocol(client=False, extensions=[])
    assert hear(ours, data, step) == hear(theirs, data, step)


def hear(reader: MessageReader, data: bytes, step: int) -> list[Incoming | tuple[int, str]]:
    """All that comes of these bytes, the end included."""
    heard: list[Incoming | tuple[int, str]] = []
    try:
        for start in range(0, len(data), step):
            heard += reader.feed(data[start : start + step])
    except Violation as violation:
        heard.append((violation.code, violation.reason))
    return heard


def test_what_is_plain_needs_no_parser() -> None:
    """It costs five times as much, and some kilobytes a connection."""
    reader = MessageReader(LIMIT)
    for size in (0, 125, 126, 65_535):
        for kind, payload in ((FIN_TEXT, b"x" * size), (PONG, b"x" * min(size, 125))):
            assert len(list(reader.feed(masked_frame(kind, payload) * 2))) == 2
    assert reader._protocol is None
