"""The examples of RFC 8291 (section 5, appendix A) and RFC 8292 (section 2.4), through all three
that have to agree: our sender, our push service, and the device that decrypts."""

import base64
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import http_ece
import pytest
import pywebpush
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from app.config import Settings
from app.sending import report
from app.sending.vapid import VapidKeys
from app.sending.webpush import Message, WebPush
from push_service.testing.push_service_process import PushServiceProcess
from push_service.testing.virtual_device import VirtualDevice
from push_service.wire.vapid import Verifier
from tests.records import Browser
from tests.sending.server import PushServer

# RFC 8291 section 5 and appendix A
PLAINTEXT = b"When I grow up, I want to be a watermelon"
RECEIVER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
RECEIVER_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SENDER_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
    "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)

# RFC 8292 section 2.4
TOKEN = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0"
    "NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCG"
    "SK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA"
)
RFC_KEY = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
CLAIMS: dict[str, Any] = {
    "aud": "https://push.example.net",
    "exp": 1453523768,
    "sub": "mailto:push@example.com",
}
AUTHORIZATION = f"vapid t={TOKEN}, k={RFC_KEY}"


def unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unpack(text), "big"), ec.SECP256R1())


@pytest.fixture
def message(server: PushServer, keys: VapidKeys) -> Message:
    """RFC 8291 section 5: the example's receiver and plaintext."""
    return Message(
        endpoint=f"{server.origin}/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        p256dh=RECEIVER,
        auth=AUTH,
        vapid_key_id=keys.current.id,
        payload=PLAINTEXT,
        ttl=10,
        urgency="normal",
        topic=None,
    )


# W-8 (RFC 8291 section 5, appendix A)
def test_sender_encrypts_as_the_rfc_does(
    local: Settings, keys: VapidKeys, message: Message, server: PushServer, monkeypatch: Any
) -> None:
    fixed = private_key(SENDER_PRIVATE)
    monkeypatch.setattr(pywebpush.ec, "generate_private_key", lambda *args: fixed)
    monkeypatch.setattr(http_ece.os, "urandom", lambda size: unpack(SALT)[:size])
    webpush = WebPush(local, keys)
    assert webpush.send(message).state == "delivered"
    webpush.close()
    [got] = server.got
    assert got.body == unpack(BODY)
    wanted = {"ttl": "10", "content-length": "144", "content-encoding": "aes128gcm"}
    assert got.headers.items() >= wanted.items()


# W-8 (RFC 8291 section 5, appendix A): what other tests decrypt with is right too
def test_browser_of_the_tests_reads_the_rfc() -> None:
    assert Browser(private_key(RECEIVER_PRIVATE), unpack(AUTH)).decrypt(unpack(BODY)) == PLAINTEXT


# W-9, W-10 (RFC 8291 section 5, appendix A)
def test_push_service_and_device_hand_the_rfc_through(
    push_service: PushServiceProcess, virtual_device: VirtualDevice
) -> None:
    subscription = virtual_device.subscribe()
    example = replace(subscription, private_key=private_key(RECEIVER_PRIVATE), auth=unpack(AUTH))
    virtual_device.subscriptions[subscription.channel] = example
    connection = HTTPConnection(urlsplit(push_service.http).netloc, timeout=10)
    headers = {"TTL": "10", "Content-Encoding": "aes128gcm"}
    connection.request("POST", urlsplit(subscription.endpoint).path, unpack(BODY), headers)
    assert connection.getresponse().status == 201
    connection.close()
    assert virtual_device.receive().data == PLAINTEXT


# W-9 (RFC 8292 section 2.4)
def test_push_service_verifies_the_rfc() -> None:
    claims = Verifier().verify(
        AUTHORIZATION,
        None,
        key=unpack(RFC_KEY),
        audiences=[str(CLAIMS["aud"])],
        now=1453523768 - 3600,
    )
    assert claims.sub == CLAIMS["sub"]


# W-8, W-11 (RFC 8292 section 2.4): the library that signs for us, and what the journal shows of it
def test_sender_reads_the_rfc() -> None:
    assert Vapid02.verify(AUTHORIZATION.replace(", ", ","))  # it reads no space there
    shown = report.describe("", {"authorization": AUTHORIZATION}, unpack(BODY))
    assert shown["vapid"]["header"] == {"typ": "JWT", "alg": "ES256"}
    assert (shown["vapid"]["claims"], shown["vapid"]["public_key"]) == (CLAIMS, RFC_KEY)
    assert (shown["encryption"]["salt"], shown["encryption"]["record_size"]) == (SALT, 4096)


# W-8, W-9 (RFC 8292 sections 2 and 3)
def test_push_service_verifies_what_the_sender_signs(keys: VapidKeys) -> None:
    header = keys.authorization(keys.current.id, "https://push.example.net")
    signed = report.describe("", {"authorization": header}, unpack(BODY))["vapid"]["claims"]
    verified = Verifier().verify(
        header,
        None,
        key=unpack(keys.current.public_key),
        audiences=["https://push.example.net"],
        now=signed["exp"] - 3600,
    )
    assert verified.sub == signed["sub"]
