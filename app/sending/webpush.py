"""One Web Push message: encrypted (RFC 8291), signed (RFC 8292), posted (RFC 8030). pywebpush does
the encryption and the sending over our transport, py-vapid the signature. Called by the sender."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidKey, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from pywebpush import WebPusher, WebPushException

from app import clock
from app.config import Settings
from app.sending import endpoints, outcome
from app.sending.connection import Answer
from app.sending.outcome import Outcome
from app.sending.transport import NoAnswer, Transport
from app.sending.vapid import VapidKeys
from app.subscriptions import origin_of

#: Browsers' public keys that are kept parsed: about 1 kB each.
PARSED_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, to whom, and how long and how urgently the push service shall hold it."""

    endpoint: str
    p256dh: str
    auth: str
    vapid_key_id: str
    payload: bytes
    #: Seconds (RFC 8030 section 5.2).
    ttl: int
    urgency: str
    topic: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """What is about to go over the wire, for whoever wants to see the real bytes."""

    url: str
    headers: dict[str, str]
    body: bytes


#: Our key is not here, theirs are no keys, or a header cannot be written.
UNSENDABLE = (LookupError, ValueError, WebPushException, InvalidKey, UnsupportedAlgorithm)

OnRequest = Callable[[Request], None]


class WebPush:
    """Sends messages. For use by many threads or greenlets at a time."""

    def __init__(self, settings: Settings, keys: VapidKeys) -> None:
        self._settings = settings
        self._keys = keys
        self._transport = Transport(
            settings.push_timeout, settings.sender_greenlets, settings.push_ca
        )

    def send(self, message: Message, on_request: OnRequest | None = None) -> Outcome:
        """Never raises for what a subscription or a push service may do. `on_request` is called
        before the first byte leaves."""
        refused = endpoints.why_refused(message.endpoint, self._settings)
        if refused:
            return outcome.cannot_send(refused)
        try:
            answer = self._post(message, on_request)
        except NoAnswer as error:
            return outcome.no_answer(str(error))
        except UNSENDABLE as error:
            return outcome.cannot_send(str(error))
        return outcome.sort_answer(answer.status_code, answer.headers, answer.text, clock.now())

    def _post(self, message: Message, on_request: OnRequest | None) -> Answer:
        target = endpoints.target_of(message.endpoint, self._settings)
        courier = _Courier(self._transport, target, on_request)
        _Pusher(target.url, message, courier).send(
            message.payload, self._headers(message), ttl=message.ttl
        )
        return courier.answer

    def _headers(self, message: Message) -> dict[str, str]:
        """`aud` is the origin that the browser published, wherever the request is routed to."""
        origin = origin_of(message.endpoint)
        headers = {
            "Authorization": self._keys.authorization(message.vapid_key_id, origin),
            "Urgency": message.urgency,
            "User-Agent": "pushlab",
            "Accept-Encoding": "identity",
        }
        return headers | ({"Topic": message.topic} if message.topic else {})

    def close(self) -> None:
        self._transport.close()


class _Pusher(WebPusher):  # type: ignore[misc]  # pywebpush carries no types
    """pywebpush's, but for the browser's public key: parsed once, and not for every message."""

    def __init__(self, url: str, message: Message, courier: "_Courier") -> None:
        super().__init__({"endpoint": url}, requests_session=courier)
        self.receiver_key = _public_key(message.p256dh)
        self.auth_key = _decode(message.auth)


@lru_cache(maxsize=PARSED_KEYS)
def _public_key(p256dh: str) -> ec.EllipticCurvePublicKey:
    """An uncompressed P-256 point (RFC 8291 section 3.1); raises ValueError."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decode(p256dh))


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class _Courier:
    """What pywebpush takes for a requests session; it calls nothing but `post`."""

    answer: Answer

    def __init__(
        self, transport: Transport, target: endpoints.Target, on_request: OnRequest | None
    ) -> None:
        self._transport = transport
        self._target = target
        self._on_request = on_request

    def post(self, url: str, *, data: bytes, headers: dict[str, str], timeout: object) -> Answer:
        """`timeout` is pywebpush's default of 10,000 seconds; the transport has its own."""
        if self._on_request is not None:
            self._on_request(Request(url, dict(headers), data))
        self.answer = self._transport.post(self._target, dict(headers), data)
        return self.answer
