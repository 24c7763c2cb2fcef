"""What a reader sees behind an event: the real material, taken apart, and what its actor has."""

import base64
import json
import os
from typing import Any

from tests.client.node import needs_node, run

pytestmark = needs_node

SALT, KEY, TEXT, TAG = os.urandom(16), b"\x04" + os.urandom(64), os.urandom(300), os.urandom(16)
BODY = SALT + (4096).to_bytes(4, "big") + bytes([65]) + KEY + TEXT + TAG


def encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def jwt() -> str:
    head, claims = (
        {"typ": "JWT", "alg": "ES256"},
        {"aud": "https://push.example", "exp": 1800000000},
    )
    return ".".join(encode(json.dumps(each).encode()) for each in (head, claims)) + ".signatur…"


HEADERS = {"ttl": "60", "content-encoding": "aes128gcm", "authorization": f"vapid t={jwt()},k=B"}


def event(kind: str, actor: str = "app-server", **detail: Any) -> dict[str, Any]:
    return {"kind": kind, "actor": actor, "detail": detail}


def sections(*events: dict[str, Any]) -> list[dict[str, dict[str, Any]]]:
    """By event: its sections, by their titles."""
    made = run("codelab/material/sections.js", "given.map(sectionsOf)", events)
    return [{section["title"]: section for section in each} for each in made]


# W-11
def test_encrypted_body_is_taken_apart() -> None:
    (shown,) = sections(event("send.started", body=encode(BODY), headers=HEADERS))
    parts = shown["Body, encrypted"]["parts"]
    assert [(part["name"], bytes(part["octets"])) for part in parts] == [
        ("salt", SALT),
        ("record size", b"\x00\x00\x10\x00"),
        ("key id length", b"\x41"),
        ("key id", KEY),
        ("ciphertext", TEXT),
        ("tag", TAG),
    ]
    assert "4096 bytes" in parts[1]["means"]


# W-11
def test_bodies_that_are_too_short_have_fewer_parts() -> None:
    lengths = (0, 1, 16, 20, 21, 50, 86, 100, 102, 103)
    for given, shown in zip(
        lengths,
        sections(*(event("message.refused", ciphertext=encode(BODY[:n])) for n in lengths)),
        strict=True,
    ):
        parts = shown.get("Body, encrypted", {"parts": []})["parts"]
        assert sum(len(part["octets"]) for part in parts) == given


# W-11
def test_token_is_opened_and_headers_have_their_names() -> None:
    (shown,) = sections(event("message.accepted", "push-service", headers=HEADERS))
    token = dict(shown["Token (JWT), opened"]["rows"])
    assert (token["alg"], token["aud"], token["signature"]) == (
        "ES256",
        "https://push.example",
        "signatur…",
    )
    assert token["exp"] == "1800000000: 2027-01-15 08:00:00 UTC"
    assert ["TTL", "60"] in shown["Headers"]["rows"]
    assert ["Content-Encoding", "aes128gcm"] in shown["Headers"]["rows"]


# W-11
def test_plaintext_is_there_for_those_who_can_read_it_alone() -> None:
    text = json.dumps({"notification": {"title": "Tea"}})
    sent, received, *held = sections(
        event("send.started", body=encode(BODY), headers=HEADERS, plaintext=text),
        event("push.received", "service-worker", notification={"title": "Tea"}),
        event("message.accepted", "push-service", ciphertext=encode(BODY)),
        event("message.held", "push-service", why="offline"),
        event("message.delivered", "push-service", over="WebSocket"),
    )
    assert "Tea" in sent["Plaintext"]["text"]
    assert "Tea" in received["Plaintext: event.data"]["text"]
    assert "never sees" in received["Encrypted body"]["sealed"]
    for shown in held:
        assert "cannot read it" in shown["Plaintext"]["sealed"]
    (made,) = sections(event("vapid.key-made", public_key=encode(KEY)))
    assert "never shown" in made["Private key"]["sealed"]
    assert bytes(made["Public key"]["parts"][1]["octets"]) == KEY[1:33]


# W-11
def test_what_is_strange_is_shown_as_it_came() -> None:
    shown = sections(
        event("unheard.of", name="value", more=[1]),
        event("send.started", cut=True),
        event("subscribe.done", endpoint=7, keys={"p256dh": "ü"}),
        event("message.accepted", "push-service", headers={"authorization": "vapid t=a.b.c,k=d"}),
        {"kind": "push.received", "actor": "service-worker", "detail": None},
    )
    assert shown[0]["Material"]["rows"] == [["name", "value"], ["more", "[1]"]]
    assert shown[1]["Material"]["rows"] == [["cut", "true"]]
    assert ["endpoint", "7"] in shown[2]["Material"]["rows"]
    assert "Material" in shown[3]


# W-11
def test_material_of_any_shape_is_text() -> None:
    no_text = {"toString": 1, "valueOf": 1}
    shown = sections(
        event("constructor", name="value"),
        event("send.started", plaintext=no_text, attempt=no_text),
        event("permission.asked", before=no_text),
    )
    assert shown[0]["Material"]["rows"] == [["name", "value"]]
    for part in (part for each in shown for part in each.values()):
        assert isinstance(part.get("text", ""), str)
        assert all(isinstance(value, str) for _, value in part.get("rows", []))
