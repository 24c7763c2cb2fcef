"""Who wants to be told, and how they are: Web Push with pywebpush, and nothing special."""

import os
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from pywebpush import WebPushException, webpush

GONE = (404, 410)


class Guests:
    """Subscriptions by endpoint, in memory; the key pair in a file, for it must not change."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, dict[str, Any]] = {}
        # from_file makes the file when there is none.
        self._vapid = Vapid02.from_file(Path(os.environ.get("SOUP_KEY", "private_key.pem")))

    def __len__(self) -> int:
        return len(self._subscriptions)

    @property
    def public_key(self) -> str:
        """As `applicationServerKey` wants it: base64url of 65 bytes."""
        public_key = self._vapid.public_key
        point = public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return urlsafe_b64encode(point).rstrip(b"=").decode()

    def add(self, subscription: dict[str, Any]) -> None:
        self._subscriptions[subscription["endpoint"]] = subscription

    def tell(self, text: str) -> int:
        """Send it to everybody; how many push services took it. Who is gone is forgotten."""
        # A copy: whoever is gone leaves while we go through.
        return sum(self._send(each, text) for each in list(self._subscriptions.values()))

    def _send(self, subscription: dict[str, Any], text: str) -> bool:
        try:
            webpush(
                subscription,
                data=text,
                vapid_private_key=self._vapid,
                vapid_claims={"sub": "mailto:kitchen@example.com"},
                ttl=3600,
                timeout=10,
            )
        except WebPushException as error:
            if error.response is None or error.response.status_code not in GONE:
                raise
            del self._subscriptions[subscription["endpoint"]]
            return False
        return True
