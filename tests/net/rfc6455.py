"""RFC 6455 as a list of cases: what a client sends, and which answers the RFC allows."""

from dataclasses import dataclass

from tests.net.clients import masked_frame as frame
from tests.net.echo_server import LIMIT

FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
MORE, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

BYE = frame(FIN | CLOSE, b"\x03\xe8")
CLOSED = "close 1000"
BROKEN, BAD_TEXT, REFUSED, TOO_BIG = (f"close {code}" for code in (1002, 1007, 1003, 1009))

Answer = tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """`sent` follows the opening handshake; `right` are the answers that the RFC allows."""

    name: str
    section: str
    sent: bytes
    right: tuple[Answer, ...]
    #: One byte in each TCP segment.
    trickles: bool = False


def echoed(name: str, section: str, sent: bytes, *answer: str, trickles: bool = False) -> Case:
    """The connection stays: the client closes it."""
    return Case(name, section, sent + BYE, ((*answer, CLOSED),), trickles)


def refused(name: str, section: str, sent: bytes, *answers: str) -> Case:
    """The server closes; what comes behind is not heard."""
    behind = frame(FIN | TEXT, b"never heard")
    return Case(name, section, sent + behind, tuple((one,) for one in answers or (BROKEN,)))


def text(content: str | bytes, first: int = FIN | TEXT) -> bytes:
    return frame(first, content.encode() if isinstance(content, str) else content)


PIECES = text("Hel", TEXT) + text("l", MORE) + text("o", FIN | MORE)
EURO = "\N{EURO SIGN}".encode()
ONE_MEGABYTE = b"x" * 1_000_000

CASES = [
    # -- messages
    echoed("text", "5.6", text("Hello"), "text Hello"),
    echoed("empty text", "5.6", text(""), "text "),
    echoed("length in 7 bits, at most", "5.2", text("x" * 125), "text " + "x" * 125),
    echoed("length in 16 bits, at least", "5.2", text("x" * 126), "text " + "x" * 126),
    echoed("length in 64 bits", "5.2", text("😀" * LIMIT), "text " + "😀" * LIMIT),
    echoed("characters of 1 to 4 bytes", "5.6", text("aé€😀"), "text aé€😀"),
    echoed("last character of Unicode", "5.6", text("\U0010ffff"), "text \U0010ffff"),
    echoed("NUL in a text", "5.6", text("a\0b"), "text a\0b"),
    echoed("two texts at once", "5.4", text("a") + text("b"), "text a", "text b"),
    echoed("byte by byte", "5.2", text("Hello") + PIECES, *["text Hello"] * 2, trickles=True),
    Case("binary", "7.4.1", text(b"\xff", FIN | BINARY) + BYE, (("binary ff", CLOSED), (REFUSED,))),
    # -- fragments
    echoed("three fragments", "5.4", PIECES, "text Hello"),
    echoed(
        "empty fragments",
        "5.4",
        text("", TEXT) + text("", MORE) + text("a", MORE) + text("", FIN | MORE),
        "text a",
    ),
    echoed(
        "fragments of a character",
        "5.4",
        text(EURO[:1], TEXT) + text(EURO[1:2], MORE) + text(EURO[2:], FIN | MORE),
        "text €",
    ),
    echoed(
        "a thousand fragments",
        "5.4",
        text("", TEXT) + text("x", MORE) * 1000 + text("", FIN | MORE),
        "text " + "x" * 1000,
    ),
    echoed(
        "Ping between fragments",
        "5.4",
        text("a", TEXT) + frame(FIN | PING, b"1") + text("b", FIN | MORE),
        "pong 1",
        "text ab",
    ),
    echoed(
        "Pong between fragments",
        "5.4",
        text("a", TEXT) + frame(FIN | PONG, b"1") + text("b", FIN | MORE),
        "text ab",
    ),
    Case("Close between fragments", "5.4", text("a", TEXT) + BYE, ((CLOSED,),)),
    refused("continuation of nothing", "5.4", text("a", FIN | MORE)),
    refused("first fragment of nothing", "5.4", text("a", MORE)),
    refused("message within a message", "5.4", text("a", TEXT) + text("b")),
    # -- control frames
    echoed("Ping", "5.5.2", frame(FIN | PING, b"Hello"), "pong Hello"),
    echoed("Ping without a payload", "5.5.2", frame(FIN | PING, b""), "pong "),
    echoed("Ping of 125 bytes", "5.5.2", frame(FIN | PING, b"x" * 125), "pong " + "x" * 125),
    echoed("Pong that nobody asked for", "5.5.3", frame(FIN | PONG, b"1")),
    refused("Ping of 126 bytes", "5.5", frame(FIN | PING, b"x" * 126)),
    refused("Ping in fragments", "5.5", frame(PING, b"a")),
    refused("Pong in fragments", "5.5", frame(PONG, b"a")),
    refused("Close in fragments", "5.5", frame(CLOSE, b"\x03\xe8")),
    # -- close handshake
    Case("Close", "5.5.1", BYE, ((CLOSED,),)),
    Case("Close without a code", "7.1.5", frame(FIN | CLOSE, b""), (("close",), (CLOSED,))),
    Case("Close with a reason", "5.5.1", frame(FIN | CLOSE, b"\x03\xe8bye"), ((CLOSED,),)),
    Case(
        "Close with the longest reason",
        "5.5",
        frame(FIN | CLOSE, b"\x03\xe8" + b"x" * 123),
        ((CLOSED,),),
    ),
    Case("Close 3000", "7.4.2", frame(FIN | CLOSE, b"\x0b\xb8"), (("close 3000",),)),
    Case("Close 4999", "7.4.2", frame(FIN | CLOSE, b"\x13\x87"), (("close 4999",),)),
    Case("text behind a Close", "5.5.1", BYE + text("late"), ((CLOSED,),)),
    Case("Ping behind a Close", "5.5.1", BYE + frame(FIN | PING, b"late"), ((CLOSED,),)),
    Case("Close twice", "5.5.1", BYE + BYE, ((CLOSED,),)),
    refused("Close of one byte", "5.5.1", frame(FIN | CLOSE, b"\x03")),
    refused("Close 999", "7.4.2", frame(FIN | CLOSE, b"\x03\xe7")),
    refused("Close 1005", "7.4.1", frame(FIN | CLOSE, b"\x03\xed")),
    refused("Close 1006", "7.4.1", frame(FIN | CLOSE, b"\x03\xee")),
    refused("Close 1015", "7.4.1", frame(FIN | CLOSE, b"\x03\xf7")),
    refused(
        "Close with a reason not UTF-8", "5.5.1", frame(FIN | CLOSE, b"\x03\xe8\xff"), BAD_TEXT
    ),
    # -- framing
    refused("RSV1 without an extension", "5.2", text("a", FIN | RSV1 | TEXT)),
    refused("RSV2", "5.2", text("a", FIN | RSV2 | TEXT)),
    refused("RSV3", "5.2", text("a", FIN | RSV3 | TEXT)),
    refused("RSV1 on a Ping", "5.2", frame(FIN | RSV1 | PING, b"")),
    refused("opcode 3", "5.2", frame(FIN | 3, b"a")),
    refused("opcode 7", "5.2", frame(FIN | 7, b"a")),
    refused("opcode 11", "5.2", frame(FIN | 11, b"")),
    refused("opcode 15", "5.2", frame(FIN | 15, b"")),
    refused("not masked", "5.1", b"\x81\x05Hello"),
    refused("Close that is not masked", "5.1", b"\x88\x02\x03\xe8"),
    refused("16 bits for a short length", "5.2", frame(FIN | TEXT, b"a", length=b"\x7e\x00\x01")),
    refused(
        "64 bits for a short length",
        "5.2",
        frame(FIN | TEXT, b"a", length=b"\x7f" + b"\0" * 7 + b"\1"),
    ),
    refused("length above 2^63", "5.2", frame(FIN | TEXT, b"", length=b"\x7f" + b"\xff" * 8)),
    refused("HTTP instead of frames", "5.2", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    # -- UTF-8
    refused("byte that is no UTF-8", "8.1", text(b"a\xffb"), BAD_TEXT),
    refused("cut within a character", "8.1", text(EURO[:2]), BAD_TEXT),
    refused("overlong character", "8.1", text(b"\xc0\xaf"), BAD_TEXT),
    refused("surrogate", "8.1", text(b"\xed\xa0\x80"), BAD_TEXT),
    refused("character beyond Unicode", "8.1", text(b"\xf4\x90\x80\x80"), BAD_TEXT),
    refused(
        "not UTF-8 in the second fragment",
        "8.1",
        text("a", TEXT) + text(b"\xff", MORE),
        BAD_TEXT,
    ),
    refused(
        "cut within a character, in fragments",
        "8.1",
        text("a", TEXT) + text(EURO[:2], FIN | MORE),
        BAD_TEXT,
    ),
    # -- size
    echoed("as many characters as are read", "10.4", text("x" * LIMIT), "text " + "x" * LIMIT),
    refused("one character more", "10.4", text("x" * (LIMIT + 1)), TOO_BIG),
    refused(
        "one character more, in fragments",
        "10.4",
        text("x" * LIMIT, TEXT) + text("x", MORE),
        TOO_BIG,
    ),
    refused("a megabyte", "10.4", text(ONE_MEGABYTE), TOO_BIG),
    refused("breach before a megabyte", "7.1.7", text("a", FIN | MORE) + text(ONE_MEGABYTE)),
    # -- ends without a Close
    Case("hang-up", "7.1.4", b"", ((),)),
    Case("hang-up within a frame", "7.1.4", text("Hello")[:-1], ((),)),
    Case("hang-up within a message", "7.1.4", text("Hello", TEXT), ((),)),
]


@dataclass(frozen=True)
class Opening:
    """An opening handshake: a right one, some lines changed, and the statuses allowed for it."""

    name: str
    section: str
    right: tuple[int, ...]
    changed: dict[str, str]
    start: str = "GET PATH HTTP/1.1"


OPENINGS = [
    Opening("the RFC's own", "1.3", (101,), {}),
    Opening(
        "words in other case", "4.2.1", (101,), {"Upgrade": "WebSocket", "Connection": "upgrade"}
    ),
    Opening("as Firefox sends it", "4.2.1", (101,), {"Connection": "keep-alive, Upgrade"}),
    Opening("an extension is offered", "9.1", (101,), {"Sec-WebSocket-Extensions": "x-none"}),
    Opening("several sub-protocols", "4.2.2", (101,), {"Sec-WebSocket-Protocol": "mqtt, echo"}),
    Opening("version 12", "4.4", (400, 426), {"Sec-WebSocket-Version": "12"}),
    Opening("no version", "4.2.1", (400, 426), {"Sec-WebSocket-Version": ""}),
    Opening("no key", "4.2.1", (400,), {"Sec-WebSocket-Key": ""}),
    Opening("key of 15 bytes", "4.2.1", (400,), {"Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2Rl"}),
    Opening("key that is no base64", "4.2.1", (400,), {"Sec-WebSocket-Key": "!" * 24}),
    Opening("no Upgrade", "4.2.1", (400, 426), {"Upgrade": ""}),
    Opening("no Connection", "4.2.1", (400, 426), {"Connection": ""}),
    Opening("POST", "4.2.1", (400, 405, 426), {}, "POST PATH HTTP/1.1"),
    Opening("HTTP/1.0", "4.2.1", (400, 426, 505), {}, "GET PATH HTTP/1.0"),
]
