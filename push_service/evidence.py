"""What a request showed us, for the journal: enough to learn from, nothing that would work again.
Pure; called by the push API."""

import re
from base64 import urlsafe_b64encode

from push_service.web import Request

#: Of a request's headers, those that Web Push is about, and of each so much.
HEADERS = (
    "ttl",
    "urgency",
    "topic",
    "content-encoding",
    "content-type",
    "content-length",
    "authorization",
    "crypto-key",
    "encryption",
    "user-agent",
)
HEADER_SIZE = 1000

#: Of a JWT `header.claims.signature` (RFC 7515 §3.1): all but most of the signature.
_SIGNATURE = re.compile(r"([\w-]+\.[\w-]+\.[\w-]{8})[\w-]+", re.ASCII)


def shown_headers(request: Request) -> dict[str, str]:
    """The headers as received, but for the token's signature."""
    found = {name: request.header(name) for name in HEADERS}
    return {name: _shown(name, value) for name, value in found.items() if value is not None}


def shown_body(request: Request, limit: int) -> str | None:
    """The body in base64url; None of one that is larger than what may be posted."""
    body = request.content
    if body is None or len(body) > limit:
        return None
    return urlsafe_b64encode(body).rstrip(b"=").decode()


def _shown(name: str, value: str) -> str:
    """Of an authorization that holds no JWT nobody knows what may be done with it: its scheme."""
    if name != "authorization":
        return value[:HEADER_SIZE]
    cut, tokens = _SIGNATURE.subn(r"\1…", value)
    scheme, _, _ = value.rpartition(" ")
    return cut[:HEADER_SIZE] if tokens else f"{scheme.partition(' ')[0]} …"
