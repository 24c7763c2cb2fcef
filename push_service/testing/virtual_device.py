"""A browser without a browser: subscribes, receives, decrypts and acknowledges, in milliseconds.

It speaks to the push service as Firefox does (autopush over WebSocket) and decrypts RFC 8291. It
needs neither Playwright nor gevent; a connected device has one thread that reads.

    with VirtualDevice(push_service.http) as device:
        subscription = device.subscribe(vapid_public_key)
        post_to_my_application(subscription.as_json())
        assert device.receive().data == b"hello"
"""

import json
import queue
import secrets
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from push_service.testing.autopush_link import JSON, AutopushLink

TIMEOUT = 10.0

# What a browser may say of a message that it was sent.
DELIVERED = 100
NOT_DECRYPTED = 101
NOT_DELIVERED = 102


class VirtualDeviceError(AssertionError):
    """The push service did not do what the device expects; the text says what happened."""


@dataclass(frozen=True)
class VirtualSubscription:
    """What `pushManager.subscribe()` gives a page: an endpoint, and the keys to encrypt for."""

    endpoint: str
    channel: str
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    auth: bytes = field(repr=False)

    @property
    def p256dh(self) -> bytes:
        """The public key: an uncompressed point, 65 bytes."""
        public_key = self.private_key.public_key()
        return public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def token(self) -> str:
        """The last part of the endpoint, by which the push service's journal names it."""
        return self.endpoint.rpartition("/")[2]

    def as_json(self) -> JSON:
        """Exactly what `PushSubscription.toJSON()` returns."""
        return {
            "endpoint": self.endpoint,
            "expirationTime": None,
            "keys": {"p256dh": _encode(self.p256dh), "auth": _encode(self.auth)},
        }


@dataclass(frozen=True)
class Received:
    """A push message. `data` is the decrypted payload; None for a push without one."""

    subscription: VirtualSubscription
    version: str
    data: bytes | None

    def json(self) -> Any:
        return json.loads(self.data or b"null")


class VirtualDevice:
    """One device at the push service `url` (`http://host:port`).

    It keeps its `uaid` and its subscriptions over `disconnect()` and `connect()`, like a browser
    that is closed and started again on the same profile.
    """

    def __init__(self, url: str) -> None:
        self.uaid: str | None = None
        self.subscriptions: dict[str, VirtualSubscription] = {}
        self._url = url
        self._link: AutopushLink | None = None

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.disconnect()

    def connect(self) -> None:
        """Open the connection and say hello; returns when the push service has answered.

        A push service that gives another `uaid` than the device had has forgotten it: like a
        browser, the device then has no subscriptions any more.
        """
        self.disconnect()
        self._link = AutopushLink(self._url, TIMEOUT)
        hello = {"messageType": "hello", "use_webpush": True, "broadcasts": {}}
        if self.uaid and self.subscriptions:
            hello["uaid"] = self.uaid
        uaid = self._link.ask(hello)["uaid"]
        if uaid != self.uaid:
            self.subscriptions.clear()
        self.uaid = uaid

    def disconnect(self) -> None:
        """Hang up. Harmless twice."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def subscribe(self, vapid_public_key: str | None = None) -> VirtualSubscription:
        """A new subscription, for the application server with this key (base64url).

        Raises VirtualDeviceError when the push service refuses.
        """
        channel = str(uuid.uuid4())
        request = {"messageType": "register", "channelID": channel}
        if vapid_public_key is not None:
            request["key"] = vapid_public_key
        answer = self._linked.ask(request)
        if answer.get("status") != 200:
            raise VirtualDeviceError(f"the push service refuses the subscription: {answer}")
        private_key = ec.generate_private_key(ec.SECP256R1())
        auth = secrets.token_bytes(16)
        subscription = VirtualSubscription(answer["pushEndpoint"], channel, private_key, auth)
        self.subscriptions[channel] = subscription
        return subscription

    def unsubscribe(self, subscription: VirtualSubscription) -> None:
        """End a subscription, as `PushSubscription.unsubscribe()` does."""
        request = {"messageType": "unregister", "channelID": subscription.channel, "code": 200}
        self._linked.ask(request)
        self.subscriptions.pop(subscription.channel, None)

    def receive(self, *, timeout: float = TIMEOUT, acknowledge: bool = True) -> Received:
        """The next push message, decrypted. `timeout` in seconds.

        What is not acknowledged comes again after the next `connect()`. Of a message that cannot be
        decrypted the push service is told, and VirtualDeviceError raised.
        """
        notification = self._next_notification(timeout)
        channel, version = notification["channelID"], notification["version"]
        subscription = self.subscriptions.get(channel)
        if subscription is None:
            self._acknowledge(channel, version, NOT_DELIVERED)
            raise VirtualDeviceError(f"a push message for {channel}, which is not subscribed")
        try:
            received = Received(subscription, version, _decrypt(subscription, notification))
        except Exception as error:
            self._acknowledge(channel, version, NOT_DECRYPTED)
            raise VirtualDeviceError("a push message cannot be decrypted") from error
        if acknowledge:
            self.acknowledge(received)
        return received

    def acknowledge(self, received: Received, code: int = DELIVERED) -> None:
        """Tell the push service what became of the message, on which it forgets it."""
        self._acknowledge(received.subscription.channel, received.version, code)

    def _acknowledge(self, channel: str, version: str, code: int) -> None:
        update = {"channelID": channel, "version": version, "code": code}
        self._linked.send({"messageType": "ack", "updates": [update]})

    def _next_notification(self, timeout: float) -> JSON:
        try:
            notification = self._linked.notifications.get(timeout=timeout)
        except queue.Empty:
            raise VirtualDeviceError(f"no push message within {timeout:g} s") from None
        if notification is None:
            raise VirtualDeviceError("the push service ended the connection")
        return notification

    @property
    def _linked(self) -> AutopushLink:
        if self._link is None:
            raise VirtualDeviceError("the device is not connected")
        return self._link


def _decrypt(subscription: VirtualSubscription, notification: JSON) -> bytes | None:
    if "data" not in notification:
        return None
    headers: dict[str, str] = notification["headers"]
    plaintext: bytes = http_ece.decrypt(
        _decode(notification["data"]),
        private_key=subscription.private_key,
        auth_secret=subscription.auth,
        version=headers["encoding"],
        # The draft "aesgcm" keeps these out of the body.
        salt=_parameter(headers.get("encryption", ""), "salt"),
        dh=_parameter(headers.get("crypto_key", ""), "dh"),
    )
    return plaintext


def _parameter(header: str, name: str) -> bytes | None:
    """One value of `salt=..;rs=..` or `dh=..;p256ecdsa=..`, decoded."""
    pairs = (pair.strip().partition("=") for pair in header.replace(",", ";").split(";"))
    return next((_decode(value.strip('"')) for key, _, value in pairs if key == name), None)


def _encode(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
