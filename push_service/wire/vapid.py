"""Voluntary application server identification (RFC 8292): who signed, and whether it holds.

`Verifier` is used by the push API, `public_key` by whoever makes subscriptions. Time comes in as a
parameter.
"""

import json
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from push_service.cache import Cache
from push_service.wire import base64url, errors
from push_service.wire.errors import Refusal
from push_service.wire.headers import parameters

MAX_AHEAD = 86400  # RFC 8292 §2: exp is at most 24 hours away
CLOCK_SLACK = 60  # py-vapid signs for exactly 24 hours, by the sender's clock
MAX_KEY_TEXT = 128

# An address without a display name, or a URL (RFC 8292 §2.1).
_SUBJECT = re.compile(
    r"mailto:[^\s@<>]+@(?P<domain>[\w.-]+)|https://(?P<host>[\w.-]+)(:\d+)?(/\S*)?"
)

_POINT_SIZE = 65
_SIGNATURE_SIZE = 64


@dataclass(frozen=True, slots=True)
class Claims:
    """What the sender's JWT says. `aud` holds one origin, or the several that a list named."""

    aud: tuple[str, ...]
    exp: int
    sub: str | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Signed:
    """A JWT whose signature was verified with `key`. Its claims are not judged yet."""

    key: bytes
    claims: Claims


def public_key(text: str) -> bytes:
    """An application server key as the browser sends it: the 65 bytes of an uncompressed point.

    Raises ValueError with a sentence.
    """
    if len(text) > MAX_KEY_TEXT:
        raise ValueError(f"The application server key has {len(text)} characters; 87 are right.")
    try:
        octets = base64url.decode(text)
    except ValueError as error:
        raise ValueError(f"The application server key is {error}.") from error
    _load(octets)
    return octets


class Verifier:
    """Checks the Authorization of push requests.

    A sender uses one JWT for hours, and its signature costs more than all the rest of a request:
    what was verified once is remembered by its exact text.
    """

    def __init__(self, size: int = 1024) -> None:
        self._verified: Cache[tuple[str, str], Signed] = Cache(size)

    def verify(
        self,
        authorization: str | None,
        crypto_key: str | None,
        *,
        key: bytes,
        audiences: Collection[str],
        now: float,
        strict: bool = False,
    ) -> Claims:
        """The claims of a request that the owner of `key` signed for one of the audiences.

        `crypto_key` is the header where drafts put the key. `strict`: as Apple judges, with a `sub`
        that leads to somebody, and not a second over the 24 hours. Raises Refusal.
        """
        signed = self._signed(authorization, crypto_key)
        if signed.key != key:
            raise Refusal(errors.OTHER_KEY)
        _check_time(signed.claims, now, 0 if strict else CLOCK_SLACK)
        if strict:
            _check_subject(signed.claims)
        _check_audience(signed.claims, audiences)
        return signed.claims

    def _signed(self, authorization: str | None, crypto_key: str | None) -> Signed:
        if authorization is None:
            raise Refusal(errors.AUTHORIZATION_MISSING)
        text = authorization, crypto_key or ""
        known = self._verified.get(text)
        if known is None:
            known = _verify_signature(*_parse_authorization(*text))
            self._verified.put(text, known)
        return known


def _parse_authorization(authorization: str, crypto_key: str) -> tuple[str, str]:
    """The JWT and the key. Knows RFC 8292's form and the two of its drafts."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() == "vapid":
        found = parameters(rest)
        token, key = found.get("t", ""), found.get("k", "")
    elif scheme.lower() in ("webpush", "bearer"):
        token, key = rest.strip(), parameters(crypto_key).get("p256ecdsa", "")
    else:
        raise Refusal(
            errors.BAD_AUTHORIZATION,
            "The Authorization scheme must be 'vapid': 'vapid t=<JWT>,k=<public key>'.",
        )
    if not token or not key:
        lacking = "public key" if token else "JWT"
        raise Refusal(errors.BAD_AUTHORIZATION, f"The Authorization lacks the {lacking}.")
    return token, key


def _verify_signature(token: str, key_text: str) -> Signed:
    try:
        octets = public_key(key_text)
    except ValueError as error:
        raise Refusal(errors.BAD_PUBLIC_KEY, f"{error}") from error
    signed_text, _, signature_text = token.rpartition(".")
    header_text, dot, claims_text = signed_text.partition(".")
    if not dot or "." in claims_text:
        raise _refusal("The JWT must have three parts: header.claims.signature.")
    if _json_part(header_text, "header").get("alg") != "ES256":
        raise _refusal("The JWT's 'alg' must be ES256.")
    signature = _signature(signature_text)
    try:
        _load(octets).verify(signature, signed_text.encode(), ECDSA(SHA256()))
    except InvalidSignature as error:
        raise _refusal(
            "The JWT's signature does not match its public key: private and public key are no pair."
        ) from error
    return Signed(octets, _claims(_json_part(claims_text, "claims")))


def _signature(text: str) -> bytes:
    """A JWT holds r and s as plain numbers (RFC 7518 §3.4), the library wants them as DER."""
    raw = _part(text, "signature")
    if len(raw) != _SIGNATURE_SIZE:
        raise _refusal(f"The JWT's signature must have {_SIGNATURE_SIZE} bytes (r and s).")
    half = _SIGNATURE_SIZE // 2
    return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))


def _load(octets: bytes) -> EllipticCurvePublicKey:
    if len(octets) != _POINT_SIZE or octets[0] != 4:
        raise ValueError(
            f"The application server key must be an uncompressed P-256 point: {_POINT_SIZE} bytes "
            f"that begin with 4. This one has {len(octets)}."
        )
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), octets)
    except ValueError as error:
        raise ValueError("The application server key is not a point on the curve P-256.") from error


def _part(text: str, name: str) -> bytes:
    try:
        return base64url.decode(text)
    except ValueError as error:
        raise _refusal(f"The JWT's {name} is {error}.") from error


def _json_part(text: str, name: str) -> dict[str, Any]:
    try:
        value = json.loads(_part(text, name))
    except (ValueError, RecursionError) as error:
        raise _refusal(f"The JWT's {name} is not JSON.") from error
    if not isinstance(value, dict):
        raise _refusal(f"The JWT's {name} must be a JSON object.")
    return value


def _claims(values: dict[str, Any]) -> Claims:
    aud, exp, sub = values.get("aud"), values.get("exp"), values.get("sub")
    audiences = tuple(aud) if isinstance(aud, list) else (aud,)
    if not audiences or not all(isinstance(one, str) for one in audiences):
        raise _refusal("The JWT's 'aud' must be the endpoint's origin.")
    if isinstance(exp, bool) or not isinstance(exp, int):
        raise _refusal("The JWT's 'exp' must be a whole number of seconds since 1970.")
    if sub is not None and not isinstance(sub, str):
        raise _refusal("The JWT's 'sub' must be a mailto: or https: URL.")
    return Claims(audiences, exp, sub)


def _check_time(claims: Claims, now: float, slack: int) -> None:
    if claims.exp <= now:
        raise Refusal(errors.EXPIRED_JWT)
    if claims.exp > now + MAX_AHEAD + slack:
        raise Refusal(errors.LONG_JWT)


def _check_subject(claims: Claims) -> None:
    match = _SUBJECT.fullmatch(claims.sub or "")
    host = (match["domain"] or match["host"]).lower() if match else "localhost"
    if host == "localhost" or host.endswith(".localhost"):
        raise Refusal(errors.BAD_SUBJECT)


def _check_audience(claims: Claims, audiences: Collection[str]) -> None:
    if not any(aud.rstrip("/") in audiences for aud in claims.aud):
        raise Refusal(
            errors.BAD_AUDIENCE,
            f"The JWT is signed for {claims.aud[0][:100]!r}. Its 'aud' must be the origin of the "
            f"endpoint: {' or '.join(repr(one) for one in audiences)}.",
        )


def _refusal(why: str) -> Refusal:
    return Refusal(errors.BAD_JWT, why)
