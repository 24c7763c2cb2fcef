"""What hostile bytes may do to each parser: nothing but its own, documented refusal. A target takes
bytes and raises only when there is a defect. hypothesis, atheris and the kept seeds all call these.
"""

import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import from_json

from app.bus.envelope import Envelope, MalformedEnvelope
from app.config import load
from app.errors import InvalidInput
from app.net.framing import MessageReader, Violation, encode_close_frame
from app.pns import wire
from app.sending import payload
from app.sending.endpoints import VENDOR_DOMAINS, VENDOR_HOSTS, target_of, why_refused
from app.sending.outcome import REASON_LENGTH, RETRY_AFTER_MAX, sort_answer
from app.subscriptions import origin_of
from app.web.api import body
from push_service.mcs_session import AwaitingLogin
from push_service.wire import autopush, base64url, check_in, headers, mcs, registration
from push_service.wire import errors as push_errors
from push_service.wire.check_in import UINT64
from push_service.wire.dialects import DIALECTS
from push_service.wire.run_token import verify
from push_service.wire.vapid import Verifier, public_key
from tests.fuzz.shapes import BODIES

Target = Callable[[bytes], None]

NOW = 1_800_000_000.0
ONE_RECORD = 3993  # bytes that RFC 8291 leaves of the 4096 of RFC 8030
LIMIT = 300  # characters of a WebSocket message, small enough for a fuzzer to exceed
SETTINGS = load(
    {},
    instance_dir=Path("/nonexistent"),
    push_service="local",
    push_service_url="http://127.0.0.1:9001",
)
OWN = "127.0.0.1"


def splits(data: bytes) -> Iterator[list[bytes]]:
    """The same stream as TCP may deliver it: whole, byte by byte, and cut somewhere."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    first = zlib.crc32(data) % (len(data) + 1)
    second = first + zlib.adler32(data) % (len(data) - first + 1)
    yield [data[:first], data[first:second], data[second:]]


def same_for_all_splits(data: bytes, run: Callable[[Iterable[bytes]], Any]) -> Any:
    results = [run(pieces) for pieces in splits(data)]
    assert results[0] == results[1] == results[2]
    return results[0]


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def lines_of(data: bytes) -> list[str]:
    return data.decode("latin-1").split("\n")


def fields_of(lines: Iterable[str]) -> dict[str, list[str]]:
    """`name: value` lines as the HTTP face gives headers."""
    found: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        found.setdefault(name.strip().lower(), []).append(value.strip())
    return found


# -- push_service.wire


def push_headers(data: bytes) -> None:
    for strict in (False, True):
        _read_draft(data, strict=strict)


def _read_draft(data: bytes, *, strict: bool) -> None:
    head, _, content = data.partition(b"\n\n")
    try:
        draft = headers.read_draft(fields_of(lines_of(head)), content, strict=strict)
    except push_errors.Refusal as refusal:
        assert 400 <= refusal.error.status < 500
        assert_rendered(refusal)
        return
    assert 0 <= draft.ttl <= headers.MAX_TTL
    assert draft.urgency in headers.URGENCIES
    assert draft.topic is None or re.fullmatch(r"[\w-]{1,32}", draft.topic, re.ASCII)
    assert len(draft.body) <= headers.MAX_BODY
    assert (draft.encoding in ("aes128gcm", "aesgcm")) == bool(draft.body)
    for kept in (draft.encryption, draft.crypto_key):
        assert kept is None or len(kept) <= headers.MAX_PARAMETERS


def assert_rendered(refusal: push_errors.Refusal) -> None:
    """Every vendor's dialect has words for it."""
    for dialect in DIALECTS.values():
        rendered = dialect.render(refusal)
        assert 400 <= rendered.status < 500
        assert len(rendered.body) < 10_000


def vapid_authorization(data: bytes) -> None:
    for strict in (False, True):
        _verify(data, strict=strict)


def _verify(data: bytes, *, strict: bool) -> None:
    authorization, _, crypto_key = data.decode("latin-1").partition("\n")
    try:
        Verifier().verify(
            authorization,
            crypto_key or None,
            key=b"",
            audiences=["https://a.example"],
            now=NOW,
            strict=strict,
        )
    except push_errors.Refusal as refusal:
        assert refusal.error.status in (401, 403)
        assert_rendered(refusal)
    else:
        raise AssertionError("nobody's key signed this")


def application_server_key(data: bytes) -> None:
    text = text_of(data)
    try:
        key = public_key(text)
    except ValueError:
        return
    assert len(key) == 65
    assert base64url.decode(base64url.encode(key)) == key


def autopush_text(data: bytes) -> None:
    message = autopush.read(text_of(data))
    match message:
        case autopush.Hello(uaid):
            assert uaid is None or len(uaid) <= 64
        case autopush.Register(channel, key):
            assert len(channel) == 36
            assert key is None or isinstance(key, str)
        case autopush.Unregister(channel, code):
            assert len(channel) == 36
            assert code in autopush.UNREGISTER_CODES
        case autopush.Ack(updates):
            assert all(len(one) <= 64 and code in autopush.ACK_CODES for one, code in updates)
        case autopush.Nack(version, code):
            assert len(version) <= 64
            assert code in autopush.NACK_CODES
        case _:
            assert message is None or message == autopush.Ping()


def mcs_stream(data: bytes) -> None:
    same_for_all_splits(data, _converse_in_mcs)


def _converse_in_mcs(pieces: Iterable[bytes]) -> list[Any]:
    """Everything that the push service makes of a Chromium's bytes; a breach ends it."""
    reader, heard = mcs.Reader(max_body=LIMIT), list[Any]()
    awaiting, session = AwaitingLogin(), None
    try:
        for piece in pieces:
            for message in reader.receive(piece):
                assert mcs.MESSAGES[mcs.TAGS[type(message)]] is type(message)
                if session is None:
                    heard.append(awaiting.on_message(message))
                    session, _ = awaiting.accept(NOW)
                    continue
                turn = session.on_message(message)
                heard.append((turn, [mcs.encode(reply) for reply in turn.replies]))
                if turn.closed:
                    return heard
            assert len(reader._buffer) <= LIMIT + 1 + mcs.MAX_LENGTH_BYTES
    except mcs.ProtocolError as error:
        heard.append(str(error))
    return heard


def check_in_request(data: bytes) -> None:
    try:
        identity = check_in.parse_request(data)
    except check_in.MalformedCheckInError:
        return
    assert 0 <= identity.android_id <= UINT64
    assert 0 <= identity.security_token <= UINT64
    check_in.build_response(identity, NOW)


def registration_form(data: bytes) -> None:
    authorization, _, form = data.partition(b"\n")
    identity = registration.parse_authorization(authorization.decode("latin-1"))
    assert identity is None or 0 < identity.android_id <= UINT64
    try:
        wanted = registration.parse_form(form)
    except registration.MalformedRegistrationError:
        return
    for kept in (wanted.app, wanted.sender, wanted.subtype):
        assert len(kept) <= registration.MAX_FIELD
        assert_storable(kept)


def assert_storable(text: str) -> None:
    """UTF-8 without NUL, which PostgreSQL has no text for."""
    assert "\0" not in text
    text.encode()


def run_token(data: bytes) -> None:
    assert verify(data.decode("latin-1"), "the lab's secret", NOW) is None


# -- app


def pns_frame(data: bytes) -> None:
    try:
        ack = wire.parse(text_of(data))
    except wire.Breach as breach:
        assert encode_close_frame(wire.BREACH, str(breach))
        return
    assert len(ack.notification_ids) <= wire.MAX_IDS
    assert all(wire.ID.fullmatch(one) for one in ack.notification_ids)
    assert 0 <= ack.expired < 1 << 31


def websocket_frames(data: bytes) -> None:
    same_for_all_splits(data, _read_frames)


def _read_frames(pieces: Iterable[bytes]) -> list[Any]:
    reader, heard = MessageReader(LIMIT), list[Any]()
    try:
        for piece in pieces:
            heard += reader.feed(piece)
            assert reader._taken <= LIMIT
            assert reader._started is None or reader._started.tell() <= LIMIT
    except Violation as violation:
        assert len(encode_close_frame(violation.code, violation.reason)) <= 127
        heard.append("violation")  # too long and not UTF-8: which comes first is up to TCP
    return heard


def bus_envelope(data: bytes) -> None:
    try:
        envelope = Envelope.from_bytes(data)
    except MalformedEnvelope:
        return
    assert Envelope.from_bytes(envelope.to_bytes()) == envelope


def push_endpoint(data: bytes) -> None:
    """What we accept, every other reader of URLs takes for the same place."""
    endpoint = text_of(data)
    if why_refused(endpoint, SETTINGS) is not None:
        return
    parts = urlsplit(target_of(endpoint, SETTINGS).url)
    assert parts.username is None
    assert parts.hostname is not None
    if parts.hostname != OWN:
        assert parts.scheme == "https"
        assert parts.port in (None, 443)
        assert parts.hostname in VENDOR_HOSTS or parts.hostname.endswith(VENDOR_DOMAINS)
        assert origin_of(endpoint) == f"https://{parts.hostname}"


def push_answer(data: bytes) -> None:
    first, *head = lines_of(data.partition(b"\n\n")[0])
    status = int(first) if re.fullmatch("[0-9]{3}", first) else 0
    values = {name: many[0] for name, many in fields_of(head).items()}
    outcome = sort_answer(status, values, text_of(data.partition(b"\n\n")[2]), NOW)
    assert outcome.retry_after is None or 0 <= outcome.retry_after <= RETRY_AFTER_MAX
    assert outcome.reason.isprintable()
    assert len(outcome.reason) <= REASON_LENGTH + 100


def api_body(data: bytes, shape: type[body.Body]) -> None:
    """One JSON body: the shape, or field errors that fit into an answer."""
    try:
        value = from_json(data, allow_inf_nan=False)
    except ValueError:
        return
    try:
        kept = body.check(shape, value)
    except InvalidInput as problem:
        assert 0 < len(problem.errors) <= 20
        assert all(one.reason for one in problem.errors)
        assert len(json.dumps([one.field for one in problem.errors])) < 20_000
        return
    json.dumps(kept.model_dump(), allow_nan=True).encode()


def push_payload(data: bytes) -> None:
    """Whatever the API lets through fits into one push message, and is JSON in UTF-8."""
    try:
        shape = BODIES["NotificationBody"]
        given: Any = body.check(shape, from_json(data, allow_inf_nan=False))
    except (ValueError, InvalidInput):
        return
    content = payload.Content("n", "c", None, 1, NOW, given.data("Ada"))
    built = payload.build(content, "https://push.example")
    assert len(built) <= ONE_RECORD
    message = json.loads(built.decode("utf-8"))
    assert message["pushlab"]["notification_id"] == "n"
    assert urlsplit(message["notification"]["navigate"]).netloc == "push.example"


_PARSERS: tuple[Target, ...] = (
    push_headers,
    vapid_authorization,
    application_server_key,
    autopush_text,
    mcs_stream,
    check_in_request,
    registration_form,
    run_token,
    pns_frame,
    websocket_frames,
    bus_envelope,
    push_endpoint,
    push_answer,
    push_payload,
)
_BODIES: dict[str, Target] = {
    f"api_{name}": partial(api_body, shape=shape) for name, shape in BODIES.items()
}
TARGETS = {parser.__name__: parser for parser in _PARSERS} | _BODIES
