"""Firefox's push messages: JSON text frames of the sub-protocol `push-notification`.

`read` turns a text into one of the classes below, the other functions build what goes to the
browser. Used by autopush_session alone.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from push_service.model import Message
from push_service.wire import base64url

SUBPROTOCOL = "push-notification"

ACK_CODES = (100, 101, 102)
NACK_CODES = (303, 301, 302)
UNREGISTER_CODES = (200, 201, 202)

# What our own ids look like; nothing else reaches the store.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hello:
    """`uaid` is None for a browser without subscriptions."""

    uaid: str | None


@dataclass(frozen=True, slots=True)
class Register:
    """`key` is None when the page gave no applicationServerKey."""

    channel: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Unregister:
    """`code`: 200 by the page, 201 quota used up, 202 permission taken back."""

    channel: str
    code: int


@dataclass(frozen=True, slots=True)
class Ack:
    """Message ids with what became of them: 100 delivered, 101 not decrypted, 102 not delivered."""

    updates: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Nack:
    """The worker failed: 301 exception, 302 waitUntil rejected, 303 internal."""

    version: str
    code: int


@dataclass(frozen=True, slots=True)
class Ping:
    """`{}`, or the same with a messageType."""


Incoming = Hello | Register | Unregister | Ack | Nack | Ping


def read(text: str) -> Incoming | None:
    """None for everything that a push service ignores: broadcasts, unknown types, garbage."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    if not fields:
        return Ping()
    kind = fields.get("messageType")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    return reader(fields) if reader else None


def _read_hello(fields: dict[str, Any]) -> Hello:
    uaid = fields.get("uaid")
    return Hello(uaid if _is_id(uaid) else None)


def _read_register(fields: dict[str, Any]) -> Register | None:
    channel, key = fields.get("channelID"), fields.get("key")
    if not _is_uuid(channel):
        return None
    # A key of a wrong type is a malformed key, and the browser is to hear so.
    return Register(channel, key if isinstance(key, str) else None if key is None else "?")


def _read_unregister(fields: dict[str, Any]) -> Unregister | None:
    channel = fields.get("channelID")
    return Unregister(channel, _code(fields, UNREGISTER_CODES)) if _is_uuid(channel) else None


def _read_ack(fields: dict[str, Any]) -> Ack | None:
    updates = fields.get("updates")
    if not isinstance(updates, list):
        return None
    known = [one for one in updates if isinstance(one, dict) and _is_id(one.get("version"))]
    return Ack(tuple((one["version"], _code(one, ACK_CODES)) for one in known))


def _read_nack(fields: dict[str, Any]) -> Nack | None:
    version = fields.get("version")
    return Nack(version, _code(fields, NACK_CODES)) if _is_id(version) else None


def _read_ping(_fields: dict[str, Any]) -> Ping:
    return Ping()


_READERS = {
    "hello": _read_hello,
    "register": _read_register,
    "unregister": _read_unregister,
    "ack": _read_ack,
    "nack": _read_nack,
    "ping": _read_ping,
}


def _is_uuid(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _code(fields: dict[str, Any], codes: Sequence[int]) -> int:
    """One of the codes; the first for everything that a Firefox does not say."""
    code = fields.get("code")
    return code if isinstance(code, int) and code in codes else codes[0]


def hello(uaid: str) -> str:
    """Without `use_webpush` Firefox would ignore all data."""
    return _build("hello", uaid=uaid, status=200, use_webpush=True, broadcasts={})


def registered(channel: str, endpoint: str) -> str:
    return _build("register", channelID=channel, status=200, pushEndpoint=endpoint)


def register_refused(channel: str, status: int, why: str) -> str:
    return _build("register", channelID=channel, status=status, error=why)


def unregistered(channel: str) -> str:
    return _build("unregister", channelID=channel, status=200)


def pong() -> str:
    return "{}"


def notification(message: Message) -> str:
    """A push message. Data and headers are both there, or both missing."""
    draft = message.draft
    payload: dict[str, Any] = {}
    if draft.body:
        headers = {
            "encoding": draft.encoding,
            "encryption": draft.encryption,
            "crypto_key": draft.crypto_key,
        }
        payload = {
            "data": base64url.encode(draft.body),
            "headers": {name: value for name, value in headers.items() if value is not None},
        }
    return _build(
        "notification",
        channelID=message.subscription.channel,
        version=message.id,
        ttl=draft.ttl,
        **payload,
    )


def _build(kind: str, **fields: Any) -> str:
    return json.dumps({"messageType": kind, **fields}, separators=(",", ":"))
