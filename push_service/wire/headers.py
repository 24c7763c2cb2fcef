"""The headers of a push message request (RFC 8030 §5, RFC 8291 §4): a checked `Draft`, or a
`Refusal`. Used by the push API.
"""

import re
from collections.abc import Mapping, Sequence

from push_service.model import Draft
from push_service.wire import errors
from push_service.wire.errors import Refusal

# Header names in lower case, each with all its values.
Headers = Mapping[str, Sequence[str]]

# RFC 8030 §7.2: a service must not refuse 4096 bytes. Chromium cannot decrypt much more.
MAX_BODY = 4096
LARGEST_BODY = 16 * 1024  # that a setting may allow
MAX_TTL = 30 * 86400
MAX_PARAMETERS = 1024
URGENCIES = ("very-low", "low", "normal", "high")

_TTL = re.compile(r"[0-9]+", re.ASCII)
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_PARAMETERS = re.compile(r"[\x20-\x7e]+", re.ASCII)


def read_draft(
    headers: Headers,
    body: bytes,
    max_body: int = MAX_BODY,
    max_ttl: int = MAX_TTL,
    *,
    strict: bool = False,
) -> Draft:
    """The message in a request. `strict`: as Apple reads topics and encodings. Raises Refusal."""
    ttl, urgency, topic = _ttl(headers, max_ttl), _urgency(headers), _topic(headers, strict)
    if len(body) > max_body:
        raise Refusal(
            errors.TOO_LARGE,
            f"The body has {len(body)} bytes, {max_body} are allowed: that is "
            f"{max_body - 103} bytes of plaintext under aes128gcm.",
        )
    if not body:
        # A message without a payload only wakes the browser; there is nothing to be encrypted.
        return Draft(ttl, urgency, topic)
    encoding, encryption, crypto_key = _encryption(headers)
    if strict and encoding != "aes128gcm":
        raise Refusal(errors.BAD_ENCRYPTION, "The Content-Encoding must be aes128gcm.")
    return Draft(ttl, urgency, topic, encoding, encryption, crypto_key, body)


def _ttl(headers: Headers, max_ttl: int) -> int:
    text = _single(headers, "ttl", errors.BAD_TTL)
    if text is None:
        raise Refusal(errors.TTL_MISSING)
    if not _TTL.fullmatch(text):
        raise Refusal(errors.BAD_TTL)
    # RFC 8030 §5.2: the service may hold it for less time, and says so. (Cut before int(), which
    # refuses numbers of thousands of digits.)
    digits = text.lstrip("0") or "0"
    return max_ttl if len(digits) > 9 else min(int(digits), max_ttl)


def _urgency(headers: Headers) -> str:
    text = _single(headers, "urgency", errors.BAD_URGENCY)
    if text is None:
        return "normal"
    if text not in URGENCIES:
        raise Refusal(errors.BAD_URGENCY)
    return text


def _topic(headers: Headers, strict: bool) -> str | None:
    text = _single(headers, "topic", errors.BAD_TOPIC)
    if text is not None and not _TOPIC.fullmatch(text):
        raise Refusal(errors.BAD_TOPIC)
    if strict and text is not None and len(text) % 4 == 1:
        # RFC 8030 §5.4 asks for the alphabet of base64url alone; Apple decodes it.
        raise Refusal(errors.BAD_TOPIC, "No base64url text has this topic's length.")
    return text


def _encryption(headers: Headers) -> tuple[str, str | None, str | None]:
    """Content-Encoding, Encryption, Crypto-Key."""
    encoding = _single(headers, "content-encoding", errors.BAD_ENCRYPTION)
    encryption = _parameters(headers, "encryption")
    crypto_key = _parameters(headers, "crypto-key")
    if encoding == "aes128gcm":
        _refuse_draft_headers(encryption, crypto_key)
        return encoding, None, None
    if encoding == "aesgcm":
        if not (_has(encryption, "salt") and _has(crypto_key, "dh")):
            raise Refusal(
                errors.KEYS_MISSING,
                "Content-Encoding aesgcm needs 'Encryption: salt=...' and 'Crypto-Key: dh=...'.",
            )
        return encoding, encryption, crypto_key
    raise Refusal(
        errors.BAD_ENCRYPTION,
        "A body must be encrypted: send 'Content-Encoding: aes128gcm' (RFC 8291).",
    )


def _refuse_draft_headers(encryption: str | None, crypto_key: str | None) -> None:
    """Somebody mixed two drafts up: the browser would not find the keys where it looks."""
    if _has(encryption, "salt") or _has(crypto_key, "dh"):
        raise Refusal(
            errors.BAD_ENCRYPTION,
            "With aes128gcm, salt and key stand in the body: leave 'Encryption: salt' and "
            "'Crypto-Key: dh' out.",
        )


def _parameters(headers: Headers, name: str) -> str | None:
    values = headers.get(name)
    if not values:
        return None
    text = ",".join(values)
    if len(text) > MAX_PARAMETERS or not _PARAMETERS.fullmatch(text):
        raise Refusal(errors.BAD_ENCRYPTION)
    return text


def _has(text: str | None, name: str) -> bool:
    return bool(text) and name in parameters(text or "")


def parameters(text: str) -> dict[str, str]:
    """`a=1;b=2, c="3"` as a dictionary, names in lower case, the first of each name."""
    found: dict[str, str] = {}
    for part in re.split("[;,]", text):
        name, _, value = part.strip().partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def _single(headers: Headers, name: str, error: errors.Error) -> str | None:
    values = headers.get(name, ())
    if len(values) > 1:
        raise Refusal(error, f"The {name.title()} header came {len(values)} times.")
    return values[0].strip() if values else None
