"""Base64url as the Web Push protocols write it (RFC 7515 §2): padding optional, nothing else is."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*={0,2}", re.ASCII)


def decode(text: str) -> bytes:
    """Raises ValueError for anything that is not base64url."""
    if not _ALPHABET.fullmatch(text):
        raise ValueError("not base64url (characters A-Z, a-z, 0-9, '-', '_')")
    digits = text.rstrip("=")
    try:
        return urlsafe_b64decode(digits + "=" * (-len(digits) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url (cut off)") from error


def encode(octets: bytes) -> str:
    """Without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
