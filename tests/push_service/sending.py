"""An application server in a few lines: a VAPID key, and messages posted with it."""

from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from pywebpush import WebPusher

from push_service.testing.push_service_process import PushServiceProcess
from push_service.wire import base64url


@dataclass
class Sender:
    """Signs and posts."""

    push_service: PushServiceProcess
    vapid: Any = field(default_factory=Vapid02)

    def __post_init__(self) -> None:
        self.vapid.generate_keys()

    @property
    def key(self) -> str:
        """What the browser subscribes with."""
        public_key: ec.EllipticCurvePublicKey = self.vapid.public_key
        return base64url.encode(
            public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        )

    def post(self, endpoint: str, body: bytes = b"", **headers: str) -> int:
        """Post a body as it is; the status."""
        return self._post(endpoint, body, headers)

    def send(self, subscription: dict[str, Any], payload: str | None, **headers: str) -> int:
        """Encrypt a payload for what a page got from subscribe(), and post it; the status."""
        if payload is None:
            return self._post(subscription["endpoint"], b"", headers)
        encrypted = WebPusher(subscription).encode(payload.encode(), content_encoding="aes128gcm")
        return self._post(subscription["endpoint"], encrypted["body"], headers)

    def send_draft(self, subscription: dict[str, Any], payload: str) -> int:
        """The same in the older encoding, aesgcm, which keeps salt and key in headers."""
        encrypted = WebPusher(subscription).encode(payload.encode(), content_encoding="aesgcm")
        headers = {
            "Content-Encoding": "aesgcm",
            "Encryption": f"salt={encrypted['salt'].decode()}",
            "Crypto-Key": f"dh={encrypted['crypto_key'].decode()}",
        }
        return self._post(subscription["endpoint"], encrypted["body"], headers)

    def _post(self, endpoint: str, body: bytes, headers: dict[str, str]) -> int:
        parts = urlsplit(endpoint)
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "sub": "mailto:test@example.com"}
        everything = {"TTL": "60", "Content-Encoding": "aes128gcm", **self.vapid.sign(claims)}
        connection = HTTPConnection(urlsplit(self.push_service.http).netloc, timeout=10)
        try:
            connection.request("POST", parts.path, body, everything | headers)
            response: HTTPResponse = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()
