"""Writes the seeds that fuzzing starts from: small, right messages, made by the real encoders.

    python -m tests.fuzz.make_seeds

A seed that is there stays as it is: what a fuzzer has found is kept beside them by hand.
"""

import json
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from wsproto.frame_protocol import CloseReason, FrameProtocol

from app.bus.envelope import Envelope
from app.sending import outcome
from push_service.wire import base64url, mcs
from push_service.wire.check_in_pb2 import CheckInRequest
from tests.fuzz.seeds_of import SEEDS
from tests.push_service.vapid_keys import SenderKey

KEY = SenderKey(derive_private_key(8030, SECP256R1()))
P256DH = base64url.encode(KEY.public)
CHANNEL = "5e1d5c1a-0a52-4c4b-9a1e-5b8f2d3c4e5f"
ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/gAAAAA"
CHROMIUM = "https://jmt17.google.com/fcm/send/lab_abc:APA91b"

Seed = tuple[str, str, bytes]


def as_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def push_headers() -> Iterator[Seed]:
    for name, lines, body in (
        ("aes128gcm", ["TTL: 60", "Content-Encoding: aes128gcm", "Topic: a_b"], b"x" * 90),
        (
            "aesgcm",
            ["TTL: 0", "Content-Encoding: aesgcm", "Encryption: salt=a", "Crypto-Key: dh=b"],
            b"x",
        ),
        ("no-body", ["TTL: 2419200", "Urgency: very-low"], b""),
    ):
        yield "push_headers", name, "\n".join(lines).encode() + b"\n\n" + body


def vapid() -> Iterator[Seed]:
    claims = {"aud": "https://a.example", "exp": 1_800_000_600, "sub": "mailto:a@example.com"}
    yield "vapid_authorization", "rfc8292", KEY.authorization(**claims).encode()
    draft = f"WebPush {KEY.jwt(claims | {'aud': ['https://a.example']})}\np256ecdsa={P256DH}"
    yield "vapid_authorization", "draft", draft.encode()
    yield "application_server_key", "point", P256DH.encode()


def autopush() -> Iterator[Seed]:
    for name, fields in {
        "hello": {"messageType": "hello", "uaid": "0" * 32, "use_webpush": True, "broadcasts": {}},
        "register": {"messageType": "register", "channelID": CHANNEL, "key": P256DH},
        "unregister": {"messageType": "unregister", "channelID": CHANNEL, "code": 200},
        "ack": {
            "messageType": "ack",
            "updates": [{"channelID": CHANNEL, "version": "a", "code": 100}],
        },
        "nack": {"messageType": "nack", "version": "a", "code": 301},
        "ping": {},
    }.items():
        yield "autopush_text", name, as_json(fields)


def mcs_streams() -> Iterator[Seed]:
    login = mcs.LoginRequest(
        id="chrome-63.0.3234.0",
        domain="mcs.android.com",
        user="1234567",
        resource="1234567",
        auth_token="7654321",
        device_id="android-12d687",
        received_persistent_id=["a", "b"],
    )
    start = bytes([mcs.VERSION]) + mcs.encode(login)
    yield "mcs_stream", "login", start
    rest = (mcs.HeartbeatPing(last_stream_id_received=1), mcs.IqStanza(id=""), mcs.Close())
    yield "mcs_stream", "session", start + b"".join(mcs.encode(one) for one in rest)
    large = bytes([3]) + mcs.encode_varint(20_000) + b"x" * 2000
    yield "mcs_stream", "too-large", start[:1] + large
    yield "mcs_stream", "before-login", bytes([mcs.VERSION]) + mcs.encode(mcs.HeartbeatPing())


def check_in() -> Iterator[Seed]:
    yield "check_in_request", "new", CheckInRequest(version=3).SerializeToString()
    known = CheckInRequest(id=-5, security_token=2**63, version=3)
    yield "check_in_request", "known", known.SerializeToString()
    form = f"app=a%23b&X-subtype={CHANNEL}&sender={P256DH}&device=7"
    yield "registration_form", "subscribe", f"AidLogin 7:8\n{form}".encode()
    yield "registration_form", "delete", f"AidLogin 7:8\n{form}&delete=true".encode()
    yield "run_token", "foreign", b"eyJydW4iOiJhIn0.c2lnbmF0dXJl"


def pns() -> Iterator[Seed]:
    yield "pns_frame", "ack", as_json({"type": "ack", "notification_ids": [CHANNEL]})
    yield "pns_frame", "expired", as_json({"type": "ack", "expired": 3})
    client = FrameProtocol(client=True, extensions=[])
    whole = client.send_data("grüße", fin=True)
    parts = client.send_data("gr", fin=False) + client.ping(b"?") + client.send_data("ü", fin=True)
    yield "websocket_frames", "text", bytes(whole)
    yield "websocket_frames", "fragments", bytes(parts)
    yield (
        "websocket_frames",
        "long",
        bytes(FrameProtocol(client=True, extensions=[]).send_data("x" * 301)),
    )
    yield "websocket_frames", "close", bytes(client.close(CloseReason.NORMAL_CLOSURE, "done"))
    envelope = Envelope("ring", user_ids=(1, 2), ids=(CHANNEL,))
    yield "bus_envelope", "ring", envelope.to_bytes()
    yield "bus_envelope", "hint", Envelope("hint", what="read", user_ids=(1,)).to_bytes()


def sending() -> Iterator[Seed]:
    for name, endpoint in {
        "mozilla": ENDPOINT,
        "chromium": CHROMIUM,
        "own": "http://127.0.0.1:9001/push/lab_abc",
        "private": "https://10.0.0.1/push/a",
        "user": "https://fcm.googleapis.com@evil.example/a",
    }.items():
        yield "push_endpoint", name, endpoint.encode()
    yield "push_answer", "delivered", b"201\nLocation: https://a.example/message/1\n\n"
    yield "push_answer", "seconds", b"429\nRetry-After: 120\n\nToo many."
    date = b"Fri, 15 Jan 2027 08:10:00 GMT"
    yield "push_answer", "date", b"503\nRetry-After: " + date + b"\n\n"
    assert outcome.parse_retry_after(date.decode(), 1_800_000_000.0) is not None


def bodies() -> Iterator[Seed]:
    subscription = {
        "endpoint": CHROMIUM,
        "expirationTime": None,
        "keys": {"p256dh": P256DH, "auth": "A" * 22},
    }
    notification = {
        "title": "Hello",
        "body": "there",
        "navigate": "/a?b#c",
        "tag": "t",
        "icon": "/i.png",
    }
    full = notification | {"to": "Ada", "ttl": 60, "urgency": "low", "topic": "x", "policy": "both"}
    event = {
        "actor": "client",
        "kind": "push.received",
        "step": 10,
        "at": 1.5,
        "detail": {"a": [1]},
    }
    for target, name, value in (
        ("api_SubscribeBody", "chromium", subscription),
        ("api_SubscribeBody", "with-key", subscription | {"applicationServerKey": P256DH}),
        ("api_UnsubscribeBody", "endpoint", {"endpoint": ENDPOINT}),
        ("api_NotificationBody", "full", full),
        ("api_NotificationBody", "least", {"title": "x"}),
        ("api_BatchBody", "two", {"notifications": [full, {"title": "x"}]}),
        ("api_ReadBody", "one", {"notification_ids": [CHANNEL]}),
        ("api_RenameBody", "name", {"name": "My phone"}),
        ("api_ReportBody", "one", {"events": [event]}),
        ("api_FaultBody", "fail", {"kind": "fail", "times": 3}),
        ("api_MuteBody", "hour", {"seconds": 3600}),
        ("api_MuteBody", "until", {"seconds": None}),
        ("push_payload", "full", full),
        ("push_payload", "cut-to-the-byte", full | {"body": "x" * 5000}),
        ("push_payload", "cut", full | {"body": "ü" * 5000}),
    ):
        yield target, name, as_json(value)


ALL = (push_headers, vapid, autopush, mcs_streams, check_in, pns, sending, bodies)


def main() -> None:
    for target, name, data in (seed for make in ALL for seed in make()):
        path = SEEDS / target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(data)


if __name__ == "__main__":
    main()
