"""Sends to an endpoint without the app: what the app would never send, a test can."""

from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from e2e.http import Answer, send
from e2e.lab import Lab

SUBJECT = "mailto:tests@pushlab.example"


def private_key_of(lab: Lab) -> Vapid02:
    """The key that the app signs with."""
    return Vapid02.from_file(str(Path(lab.folder) / "vapid" / "current.pem"))


def another_key() -> Vapid02:
    """A key that no subscription knows."""
    signer = Vapid02()
    signer.generate_keys()
    return signer


def post(
    lab: Lab, subscription: dict[str, Any], payload: bytes | None, signer: Vapid02, ttl: int = 60
) -> Answer:
    """Encrypt, sign and send to a subscription (its JSON), at the lab's push service. None: a
    message without content, which RFC 8030 allows."""
    endpoint = urlsplit(subscription["endpoint"])
    claims = {"aud": f"{endpoint.scheme}://{endpoint.netloc}", "sub": SUBJECT}
    headers = {"TTL": str(ttl), **signer.sign(claims)}
    if payload is None:
        return send("POST", lab.push_service.http + endpoint.path, b"", headers)
    headers["Content-Encoding"] = "aes128gcm"
    body = _encrypt(payload, subscription["keys"])
    return send("POST", lab.push_service.http + endpoint.path, body, headers)


def _encrypt(payload: bytes, keys: dict[str, str]) -> bytes:
    encrypted: bytes = http_ece.encrypt(
        payload,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=_decode(keys["p256dh"]),
        auth_secret=_decode(keys["auth"]),
        version="aes128gcm",
    )
    return encrypted


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
