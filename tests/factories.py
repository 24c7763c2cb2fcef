"""Rows that tests of `app` begin with."""

import base64
import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.orm import Session

from app import accounts, devices
from app.models import Registration, VapidKey
from app.subscriptions import NewSubscription


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def public_key() -> str:
    """A fresh P-256 public key as browsers write it."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return base64url(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def make_device(session: Session, name: str = "Ada") -> Registration:
    """A device of the user with that name, who is made when there is none."""
    user = accounts.find_by_name(session, name)
    user = user or accounts.sign_up(session, name, None, lab=True)
    opened = accounts.open_session(session, user.id)
    return devices.ensure_device(session, opened.session_id, "Firefox/153 (X11; Linux)")


def make_vapid_key(session: Session, key_id: str = "key", state: str = "current") -> VapidKey:
    key = VapidKey(id=key_id, public_key=public_key(), state=state, created_at=0)
    session.add(key)
    session.flush()
    return key


def new_subscription(endpoint: str = "https://push.example/a") -> NewSubscription:
    return NewSubscription(endpoint, public_key(), base64url(secrets.token_bytes(16)))
