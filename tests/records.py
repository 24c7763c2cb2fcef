"""Rows that tests start from, and the other side of a push subscription: a browser's keys."""

import itertools
import os
from dataclasses import dataclass, field
from typing import Any, TypeVar

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import accounts, devices, subscriptions
from app.db import Database
from app.models import User, VapidKey
from app.notifications.transaction import Created, NewNotification, create_all
from app.sending.vapid import encode
from app.subscriptions import NewSubscription

T = TypeVar("T")
_numbers = itertools.count(1)


@dataclass(slots=True)
class Browser:
    """What a browser keeps of its subscription."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def p256dh(self) -> str:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return encode(point)

    def decrypt(self, body: bytes) -> bytes:
        plain: bytes = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth)
        return plain


@dataclass(frozen=True, slots=True)
class Device:
    """A signed-in browser, perhaps with a push subscription."""

    user_id: int
    session_id: str
    connection_id: str
    subscription_id: int
    endpoint: str
    browser: Browser


def make_user(database: Database, name: str = "") -> int:
    """A user without devices."""

    def work(session: Session) -> User:
        return accounts.sign_up(session, name or f"user {next(_numbers)}", None, lab=True)

    return database.write(work).id


def make_device(database: Database, user_id: int, endpoint: str = "") -> Device:
    """A device of that user, subscribed; the endpoint is made up unless it is given."""
    endpoint = endpoint or f"https://fcm.googleapis.com/fcm/send/{next(_numbers)}"
    browser = Browser()
    new = NewSubscription(endpoint, browser.p256dh, encode(browser.auth))
    return store_device(database, user_id, new, browser)


def store_device(
    database: Database, user_id: int, new: NewSubscription, browser: Browser | None = None
) -> Device:
    """A device of that user, with that subscription."""

    def work(session: Session) -> Device:
        _ensure_key(session)
        opened = accounts.open_session(session, user_id)
        record = devices.ensure_device(session, opened.session_id, "Firefox/1 Linux")
        stored = subscriptions.store(session, record, new)
        ids = (opened.session_id, record.connection_id, stored.subscription_id)
        return Device(user_id, *ids, new.endpoint, browser or Browser())

    return database.write(work)


def store_subscription(database: Database, device: Device, new: NewSubscription) -> None:
    """The device subscribed anew."""

    def work(session: Session) -> None:
        record = devices.ensure_device(session, device.session_id, "Firefox/1 Linux")
        subscriptions.store(session, record, new)

    database.write(work)


def create(database: Database, *user_ids: int, **fields: Any) -> list[Created]:
    """A notification for each of these users, in that order, in one transaction."""
    data = fields.pop("data", {"title": "hello"})
    new = [NewNotification(user_id, data, **fields) for user_id in user_ids]
    return database.write(lambda session: create_all(session.connection(), new))


def rows(database: Database, model: type[T]) -> list[T]:
    """All rows of a table."""
    with database.read() as session:
        return list(session.scalars(select(model)))


def as_processes(database: Database, number: int) -> list[Database]:
    """The same database as so many processes see it; SQLite has one that writes."""
    if database.is_sqlite:
        return [database] * number
    return [Database(database.engine) for _ in range(number)]


def _ensure_key(session: Session) -> None:
    """A subscription needs a VAPID key; tests that sign have registered theirs before."""
    if session.scalar(select(VapidKey.id).where(VapidKey.state == "current")) is None:
        session.add(VapidKey(id="test", public_key="test", state="current", created_at=0.0))
        session.flush()
