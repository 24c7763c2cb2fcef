"""Application server keys and JWTs, right or wrong in one chosen way."""

import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from push_service.wire.base64url import encode


@dataclass(frozen=True)
class SenderKey:
    """An application server's key pair."""

    private: EllipticCurvePrivateKey = field(
        default_factory=lambda: generate_private_key(SECP256R1())
    )

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def jwt(self, claims: object, header: object = None) -> str:
        parts = [header or {"typ": "JWT", "alg": "ES256"}, claims]
        text = ".".join(encode(json.dumps(part).encode()) for part in parts)
        return f"{text}.{encode(self._sign(text.encode()))}"

    def authorization(self, **claims: Any) -> str:
        return f"vapid t={self.jwt(claims)},k={encode(self.public)}"

    def _sign(self, text: bytes) -> bytes:
        r, s = decode_dss_signature(self.private.sign(text, ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)
