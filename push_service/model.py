"""The nouns of the push service: values only, no I/O.

Everybody in `push_service` may import this; it imports nothing of ours.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

# "lab": no browser, but a page of the lab that fetches its messages by hand (see lab_devices).
Kind = Literal["autopush", "mcs", "lab"]

# Chromium publishes its endpoints under one of these, depending on its build.
GOOGLE_HOSTS = ("jmt17.google.com", "fcm.googleapis.com", "fcm.google.com")


@dataclass(frozen=True, slots=True)
class UserAgent:
    """One browser profile. `id` is its public name; the other identifiers are its credentials."""

    id: str
    kind: Kind
    uaid: str | None = field(default=None, repr=False)
    android_id: int | None = field(default=None, repr=False)
    security_token: int | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One push resource (RFC 8030 §4): who may send to which browser.

    `channel` is Firefox's channelID or Chromium's X-subtype, `app` is Chromium's MCS category.
    `sender` is the VAPID key as the browser wrote it, `key` the same key decoded (65 bytes);
    both are None for Firefox's subscriptions without a key.
    """

    token: str
    user_agent_id: str
    kind: Kind
    channel: str
    app: str | None = None
    sender: str | None = None
    key: bytes | None = None
    created_at: float = 0.0
    ended_at: float | None = None

    @property
    def ended(self) -> bool:
        return self.ended_at is not None


@dataclass(frozen=True, slots=True)
class Draft:
    """A push message as an application server posted it: validated, not yet accepted."""

    ttl: int
    urgency: str = "normal"
    topic: str | None = None
    encoding: str | None = None
    encryption: str | None = None
    crypto_key: str | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Message:
    """A push message that was accepted for a subscription.

    `id` goes to the browser (Firefox's version, Chromium's persistent_id) and into Location.
    `position` is the order of acceptance, over all messages of the service.
    """

    id: str
    position: int
    subscription: Subscription
    draft: Draft
    accepted_at: float
    expires_at: float


class FullError(Exception):
    """A quota is used up. `everywhere`: the service's own, not one of this device."""

    def __init__(self, sentence: str, *, everywhere: bool = False) -> None:
        self.everywhere = everywhere
        super().__init__(sentence)


class StoreUnavailableError(Exception):
    """The database is away; whether it did what was asked of it is unknown. Try again later."""


class Listener(Protocol):
    """What the hub calls on a connected browser's socket. No call may block or raise."""

    def wake(self) -> None:
        """There may be something to pull."""

    def replaced(self) -> None:
        """A newer connection of the same user agent took over: close this one."""

    def close(self, code: int, reason: str) -> None:
        """End the connection, with this WebSocket close code where there is a WebSocket."""
