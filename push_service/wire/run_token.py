"""The lab face's tokens: who may read which part of the journal. Pure; time comes in.

A run token is `base64url(json).base64url(HMAC-SHA256(secret, first part))`, made by whoever holds
the lab secret, with {"run": id, "endpoints": [endpoint token, ...], "exp": seconds since 1970}, and
with "since", in seconds too, when the run shall not see what happened before it began.
"""

import hmac
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from push_service.wire import base64url

EVERYTHING = "lab"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows. `endpoints` None: everything, for the lab secret itself. Of the journal
    only what happened `since`."""

    run: str
    endpoints: frozenset[str] | None
    since: float = 0.0


def verify(token: str, secret: str, now: float) -> Grant | None:
    """None for a token that is wrong or has expired."""
    if hmac.compare_digest(token.encode(), secret.encode()):
        return Grant(EVERYTHING, None)
    payload, _, tag = token.partition(".")
    if not hmac.compare_digest(tag.encode(), _tag(payload, secret).encode()):
        return None
    return _grant(json.loads(base64url.decode(payload)), now)


def _grant(claims: dict[str, Any], now: float) -> Grant | None:
    """Signed by us, so of the right shape."""
    if claims["exp"] <= now:
        return None
    since = float(claims.get("since", 0))
    return Grant(f"run:{claims['run']}", frozenset(claims["endpoints"]), since)


def _tag(payload: str, secret: str) -> str:
    return base64url.encode(hmac.digest(secret.encode(), payload.encode(), sha256))
