"""An application server reduced to its bytes: posts to endpoints over a kept-alive connection.

Used by fleet. Bodies are not encrypted: a push service does not look into them.
"""

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BODY_SIZE = 200


class ApplicationServer:
    """A VAPID key, and requests that are signed with it."""

    def __init__(self) -> None:
        self._private_key = ec.generate_private_key(ec.SECP256R1())
        public_key = self._private_key.public_key()
        self.key = _encode(public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        self._authorizations: dict[str, str] = {}

    def build_request(self, endpoint: str, count: int, ttl: int = 86400) -> bytes:
        """A POST whose body begins with the count, in twelve digits."""
        parts = urlsplit(endpoint)
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nTTL: {ttl}\r\n"
            f"Content-Encoding: aes128gcm\r\nContent-Length: {BODY_SIZE}\r\n"
            f"Authorization: {self._authorization(f'{parts.scheme}://{parts.netloc}')}\r\n\r\n"
        )
        return head.encode() + b"%012d" % count + bytes(BODY_SIZE - 12)

    def _authorization(self, origin: str) -> str:
        if origin not in self._authorizations:
            self._authorizations[origin] = self._sign(origin)
        return self._authorizations[origin]

    def _sign(self, origin: str) -> str:
        claims = {"aud": origin, "exp": int(time.time()) + 43200, "sub": "mailto:b@example.com"}
        header = {"typ": "JWT", "alg": "ES256"}
        text = ".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
        r, s = decode_dss_signature(self._private_key.sign(text.encode(), ec.ECDSA(SHA256())))
        return f"vapid t={text}.{_encode(r.to_bytes(32) + s.to_bytes(32))},k={self.key}"


@dataclass(frozen=True)
class Answer:
    """`message_id` is the last part of the Location."""

    status: int
    message_id: str


class SenderSocket(asyncio.Protocol):
    """A kept-alive connection with one request under way."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiting: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("the push service is gone"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end or self._waiting is None:
            return
        headers = head.decode("latin-1").lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in headers[1:])
        if len(rest) >= int(fields.get("content-length", 0)):
            self._buffer = b""
            message_id = head.rpartition(b"/message/")[2].partition(b"\r\n")[0].decode()
            self._waiting.set_result(Answer(int(headers[0].split()[1]), message_id))

    async def post(self, request: bytes) -> Answer:
        """Raises ConnectionError: then nobody knows whether it was accepted."""
        if self._transport.is_closing():
            raise ConnectionError("the push service is gone")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        self._transport.abort()


async def connect(host: str, port: int) -> SenderSocket:
    """Raises OSError."""
    _, socket = await asyncio.get_running_loop().create_connection(SenderSocket, host, port)
    return socket


def _encode(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
