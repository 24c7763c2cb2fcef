"""What the sender tells the journal: the real bytes of each attempt, opened up so that a learner
can read them. Nothing private is among them: the key that signs and the key that decrypts never are
in a request, and of the signature only the beginning is kept, so that nobody can send with a token
from the journal. Called by the sender."""

import base64
import json
import re
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from app import clock
from app.journal import Event, Journal, opens
from app.sending.outbox import Claimed
from app.sending.outcome import Outcome
from app.sending.results import Finished
from app.sending.vapid import encode
from app.sending.webpush import Request

#: Step W-8: encrypt, sign, send.
STEP = 8
ACTOR = "app-server"

#: Of a JWT `header.claims.signature` (RFC 7515 section 3.1): all but most of the signature.
_SIGNATURE = re.compile(r"([\w-]+\.[\w-]+\.[\w-]{8})[\w-]+")


#: Of an answer's headers, those that say something of the message, and of each so much.
ANSWER_HEADERS = ("location", "ttl", "retry-after", "www-authenticate", "content-type", "link")
HEADER_SIZE = 300
#: Tokens that are kept opened: a push service gets the same one with many messages.
TOKENS = 200


def started(journal: Journal, item: Claimed, request: Request, payload: bytes) -> None:
    """`payload` is what the request's body holds encrypted: the App Server wrote it. The rest of
    the detail is worked out when somebody reads it."""
    where, attempt = item.origin, item.attempts
    summary = f"The message is encrypted, signed and posted to {where} (attempt {attempt})."
    raw = (attempt, payload, request.url, _shown(request.headers), request.body)
    _write(journal, "send.started", item, summary, None, raw=raw)


def answered(journal: Journal, item: Claimed, outcome: Outcome) -> None:
    if not journal.enabled:
        return
    shown = f"Status {outcome.status}: {outcome.reason}" if outcome.status else outcome.reason
    detail = {
        "attempt": item.attempts,
        "status": outcome.status,
        "headers": _told(outcome.headers),
        "outcome": outcome.state,
        "location": outcome.message_url,
        "retry_after": outcome.retry_after,
    }
    _write(journal, "send.answered", item, shown, detail, message_url=outcome.message_url)


def finished(journal: Journal, item: Claimed, result: Finished) -> None:
    """Only what does not follow from the answer itself."""
    detail = {"attempts": item.attempts, "next_attempt_at": result.next_attempt_at}
    if result.state == "queued":
        _write(journal, "send.retry", item, "The message will be sent again.", detail)
    elif result.state == "expired":
        summary = "No more attempts: the time to live of the message is over."
        _write(journal, "send.expired", item, summary, detail)
    elif result.state == "gone":
        summary = "The subscription is removed: its endpoint will never work again."
        _write(journal, "subscription.removed", item, summary, {})


def paused(journal: Journal, item: Claimed, seconds: float) -> None:
    """The breaker opened at this message."""
    summary = (
        f"{item.origin} fails: nothing is sent there for {seconds:g} seconds, then one message"
        " tries. Other push services are not concerned."
    )
    _write(journal, "send.paused", item, summary, {"origin": item.origin, "seconds": seconds})


@opens("send.started")
def _open(
    attempt: int, payload: bytes, url: str, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    known = {"attempt": attempt, "plaintext": payload.decode("utf-8", "replace")}
    return describe(url, headers, body) | known


def describe(url: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The request as JSON: headers, the signed token decoded, the encryption header taken apart
    (RFC 8188 section 2.1), the ciphertext."""
    salt, record_size, id_length = struct.unpack("!16sIB", body[:21])
    return {
        "method": "POST",
        "url": url,
        "headers": _shown(headers),
        "vapid": _open_token(headers.get("authorization", "")),
        "encryption": {
            "salt": encode(salt),
            "record_size": record_size,
            "key_id": encode(body[21 : 21 + id_length]),
        },
        "body": encode(body),
        "body_length": len(body),
    }


def _shown(headers: Mapping[str, str]) -> dict[str, str]:
    """As sent, but for the token's signature: the learner sees where it is."""
    return {
        name: _unusable(value) if name == "authorization" else value
        for name, value in headers.items()
    }


def _told(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name][:HEADER_SIZE] for name in ANSWER_HEADERS if name in headers}


@lru_cache(maxsize=TOKENS)
def _unusable(authorization: str) -> str:
    return _SIGNATURE.sub(r"\1…", authorization)


@lru_cache(maxsize=TOKENS)
def _open_token(authorization: str) -> dict[str, Any]:
    """`vapid t=<JWT>,k=<public key>` (RFC 8292 section 3)."""
    fields = dict(
        part.strip().split("=", 1) for part in authorization.removeprefix("vapid ").split(",")
    )
    header, claims, _signature = fields["t"].split(".")
    return {"header": _json(header), "claims": _json(claims), "public_key": fields["k"]}


def _json(segment: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def _write(
    journal: Journal,
    kind: str,
    item: Claimed,
    summary: str,
    detail: dict[str, Any] | None,
    message_url: str | None = None,
    raw: tuple[Any, ...] | None = None,
) -> None:
    if not journal.enabled:
        return
    content = item.content
    journal.add(
        Event(
            kind,
            clock.now(),
            item.user_id,
            ACTOR,
            STEP,
            summary,
            content.notification_id,
            content.connection_id,
            item.endpoint,
            message_url,
            detail,
            raw,
        )
    )
