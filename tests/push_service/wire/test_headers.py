"""RFC 8030 §5: the headers of a push message request."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_service.wire.errors import Refusal
from push_service.wire.headers import MAX_BODY, MAX_TTL, read_draft

HEADERS = {"ttl": ["60"], "content-encoding": ["aes128gcm"]}
DRAFT_HEADERS = {
    "ttl": ["60"],
    "content-encoding": ["aesgcm"],
    "encryption": ["salt=abc"],
    "crypto-key": ["dh=def;p256ecdsa=ghi"],
}


def refusal(headers: dict[str, list[str]], body: bytes = b"x") -> tuple[int, int]:
    with pytest.raises(Refusal) as caught:
        read_draft(headers, body)
    return caught.value.error.status, caught.value.error.errno


def test_draft_holds_what_the_headers_say() -> None:  # W-8
    draft = read_draft(HEADERS | {"urgency": ["high"], "topic": ["news"]}, b"body")
    assert (draft.ttl, draft.urgency, draft.topic) == (60, "high", "news")
    assert (draft.encoding, draft.body) == ("aes128gcm", b"body")


def test_draft_has_normal_urgency_and_no_topic_by_default() -> None:  # W-8
    draft = read_draft(HEADERS, b"body")
    assert (draft.urgency, draft.topic) == ("normal", None)


@pytest.mark.parametrize(
    ("text", "ttl"),
    [
        ("0", 0),
        ("00", 0),
        ("007", 7),
        (" 5 ", 5),
        (str(MAX_TTL + 1), MAX_TTL),
        ("9" * 9000, MAX_TTL),
    ],
)
def test_ttl_is_read_and_capped(text: str, ttl: int) -> None:  # W-9
    assert read_draft(HEADERS | {"ttl": [text]}, b"").ttl == ttl


def test_missing_ttl_is_refused() -> None:  # W-9
    assert refusal({"content-encoding": ["aes128gcm"]}) == (400, 111)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.5", "1e3", "0x10", "ten", "1 2", "٣", "1,2"])
def test_bad_ttl_is_refused(text: str) -> None:  # W-9
    assert refusal(HEADERS | {"ttl": [text]}) == (400, 112)


@pytest.mark.parametrize("topic", ["", "a" * 33, "with space", "ä", "a/b", "a=", "a,b"])
def test_bad_topic_is_refused(topic: str) -> None:  # W-9
    assert refusal(HEADERS | {"topic": [topic]}) == (400, 113)


@pytest.mark.parametrize("topic", ["a", "a" * 32, "A-Z_0"])
def test_good_topic_is_taken(topic: str) -> None:  # W-9
    assert read_draft(HEADERS | {"topic": [topic]}, b"").topic == topic


@pytest.mark.parametrize("urgency", ["", "urgent", "HIGH", "low, high"])
def test_bad_urgency_is_refused(urgency: str) -> None:  # W-9
    assert refusal(HEADERS | {"urgency": [urgency]}) == (400, 115)


@pytest.mark.parametrize(
    ("name", "errno"), [("ttl", 112), ("urgency", 115), ("topic", 113), ("content-encoding", 110)]
)
def test_header_that_comes_twice_is_refused(name: str, errno: int) -> None:  # W-9
    assert refusal(HEADERS | {name: ["low", "low"]}) == (400, errno)


def test_body_of_4096_bytes_is_taken_and_one_more_refused() -> None:  # W-8
    assert len(read_draft(HEADERS, bytes(MAX_BODY)).body) == 4096
    assert refusal(HEADERS, bytes(MAX_BODY + 1)) == (413, 104)


@pytest.mark.parametrize("encoding", [[], [""], ["gzip"], ["AES128GCM"], ["aesgcm128"]])
def test_unencrypted_body_is_refused(encoding: list[str]) -> None:  # W-9
    assert refusal(HEADERS | {"content-encoding": encoding}) == (400, 110)


def test_message_without_body_needs_no_encryption_headers() -> None:  # W-9
    draft = read_draft({"ttl": ["0"], "content-encoding": ["gzip"]}, b"")
    assert (draft.encoding, draft.body) == (None, b"")


@pytest.mark.parametrize("extra", [{"encryption": ["salt=a"]}, {"crypto-key": ["dh=a"]}])
def test_aes128gcm_with_headers_of_the_draft_is_refused(extra: dict[str, list[str]]) -> None:  # W-9
    assert refusal(HEADERS | extra) == (400, 110)


def test_aes128gcm_with_the_draft_key_of_the_sender_is_taken() -> None:  # W-9
    assert read_draft(HEADERS | {"crypto-key": ["p256ecdsa=a"]}, b"x").crypto_key is None


def test_draft_encryption_is_taken_with_its_headers() -> None:  # W-9
    draft = read_draft(DRAFT_HEADERS, b"x")
    assert (draft.encoding, draft.encryption) == ("aesgcm", "salt=abc")
    assert draft.crypto_key == "dh=def;p256ecdsa=ghi"


@pytest.mark.parametrize("missing", ["encryption", "crypto-key"])
def test_draft_encryption_without_its_headers_is_refused(missing: str) -> None:  # W-9
    assert refusal({name: DRAFT_HEADERS[name] for name in DRAFT_HEADERS if name != missing}) == (
        400,
        101,
    )


@pytest.mark.parametrize("text", ["salt=" + "a" * 1024, "salt=\x07", "salt=ä"])
def test_hostile_encryption_headers_are_refused(text: str) -> None:  # W-9
    assert refusal(DRAFT_HEADERS | {"encryption": [text]}) == (400, 110)


NAMES = ["ttl", "urgency", "topic", "content-encoding", "encryption", "crypto-key"]


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.text())), st.binary())
def test_headers_are_read_or_refused(headers: dict[str, list[str]], body: bytes) -> None:  # W-9
    with suppress(Refusal):
        draft = read_draft(headers, body)
        assert 0 <= draft.ttl <= MAX_TTL
