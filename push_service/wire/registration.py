"""Chromium's registration: a form in, `token=` or `Error=` out. Used by the check-in face.

One form subscribes or, with `delete=true`, unsubscribes. `X-subtype` names the subscription within
the device, `sender` is the VAPID public key, `app` comes back as the category of every message.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from push_service.wire.check_in import UINT64, Identity

MAX_FORM = 16 * 1024
MAX_FIELDS = 64
MAX_FIELD = 2048

# Chromium itself registers here, without a subtype, when it first checks in. Nothing is ever sent.
OWN_APP = "com.google.android.gms"

_AID_LOGIN = re.compile(r"AidLogin (\d{1,20}):(\d{1,20})", re.ASCII)


class MalformedRegistrationError(Exception):
    """The form lacks what a registration needs; the text says what."""


@dataclass(frozen=True)
class Registration:
    """A request to make or to end a subscription."""

    app: str
    subtype: str
    sender: str
    delete: bool

    @property
    def is_web_push(self) -> bool:
        """False for the browser's own registrations, which are answered and forgotten."""
        return self.app != OWN_APP and self.subtype != ""


def parse_form(body: bytes | None) -> Registration:
    """The registration in an application/x-www-form-urlencoded body; None: too long to be read.

    Raises MalformedRegistrationError.
    """
    fields = _parse_fields(body)
    for name, value in fields.items():
        if len(value) > MAX_FIELD:
            raise MalformedRegistrationError(f"{name[:40]!r} is longer than {MAX_FIELD} characters")
        if not value.isprintable():  # PostgreSQL has no text for NUL
            raise MalformedRegistrationError(f"{name[:40]!r} has characters that cannot be seen")
    for name in ("app", "sender"):
        if not fields.get(name):
            raise MalformedRegistrationError(f"{name!r} is missing")
    return Registration(
        app=fields["app"],
        subtype=fields.get("X-subtype", ""),
        sender=fields["sender"],
        delete=fields.get("delete") == "true",
    )


def _parse_fields(body: bytes | None) -> dict[str, str]:
    if body is None or len(body) > MAX_FORM:
        raise MalformedRegistrationError(f"the form is longer than {MAX_FORM} bytes")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError as error:
        raise MalformedRegistrationError("the form cannot be read") from error
    return dict(pairs)


def parse_authorization(header: str | None) -> Identity | None:
    """The identity in `AidLogin <android id>:<security token>` (decimal), or None."""
    match = _AID_LOGIN.fullmatch(header or "")
    if match is None:
        return None
    android_id, security_token = (int(number) for number in match.groups())
    if not 0 < android_id <= UINT64 or not 0 < security_token <= UINT64:
        return None
    return Identity(android_id, security_token)


def build_token(token: str) -> bytes:
    """The answer to a subscribe, and to an unsubscribe: that, too, must contain `token=`."""
    return f"token={token}".encode("ascii")


def build_error(code: str) -> bytes:
    """The answer that makes subscribe() reject at once, whatever the HTTP status.

    Any other failure leaves subscribe() pending for minutes.
    """
    return f"Error={code}".encode("ascii")
