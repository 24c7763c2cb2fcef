"""Devices: one signed-in session is one device with one `connection_id`. The rules, without HTTP.
Called by web, pns and the sweep."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import cast

from sqlalchemy import Table, and_, delete, exists, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from app import clock
from app.accounts import forget_guests, lock_session, lock_users
from app.db import is_one_of
from app.errors import InvalidInput, NotFound
from app.models import (
    AuthSession,
    NotificationData,
    PendingNotification,
    PushOutbox,
    PushSubscription,
    Registration,
    User,
)

NAME_LENGTH = 40
USER_AGENT_LENGTH = 400
#: Sessions that expire in one transaction: on SQLite everybody waits for its end.
PORTION = 20

#: What a device has for a User-Agent that no browser stands behind: the codelab makes it by hand.
LAB_AGENT = "pushlab-lab-device"

#: First hit wins: Edge and Opera also say Chrome, Chrome also says Safari.
BROWSERS = (
    (LAB_AGENT, "Lab device"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


RECORDS = cast(Table, Registration.__table__)
#: Built once: asked after every notification.
NODE_URIS = (
    select(RECORDS.c.node_uri)
    .where(
        is_one_of(RECORDS.c.user_id, "of_users"),
        RECORDS.c.node_uri.is_not(None),
    )
    .distinct()
)


@dataclass(frozen=True, slots=True)
class Device:
    """A device as its user sees it."""

    connection_id: str
    name: str
    browser: str
    node_uri: str | None
    last_seen_at: float
    connected_at: float | None
    push: bool
    push_last_status: int | None
    pending: int
    #: When the device alerts again: never, or long ago, is now.
    muted_until: float | None
    held: "Held"


@dataclass(frozen=True, slots=True)
class Held:
    """What a push service took for a device that has not acknowledged it: how many messages, and
    when the last of them is given up at the latest (RFC 8030 section 5.2). They stay there,
    encrypted for that browser, whatever becomes of the device here: nobody can call them back."""

    count: int = 0
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A device that was signed out, and the node that has to be told."""

    user_id: int
    connection_id: str
    node_uri: str | None


def describe_browser(user_agent: str) -> str:
    """`Firefox on Linux`, as well as a User-Agent header allows."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "Browser")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), None)
    return f"{browser} on {system}" if system else browser


def ensure_device(session: Session, session_id: str, user_agent: str) -> Registration:
    """The session's registry record, made when it is not there: the one routine for the handshake
    and for POST /api/subscribe. Raises SignedOut when a sign-out was faster."""
    opened, user = lock_session(session, session_id)
    return find_by_session(session, session_id) or _register(session, opened, user, user_agent)


def _register(session: Session, opened: AuthSession, user: User, user_agent: str) -> Registration:
    record = Registration(
        connection_id=str(uuid.uuid4()),
        session_id=opened.session_id,
        user_id=user.id,
        epoch=0,
        device_name=_free_name(session, user.id, describe_browser(user_agent)),
        user_agent=user_agent[:USER_AGENT_LENGTH],
        last_seen_at=clock.now(),
        expired_count=0,
        created_seq=user.last_seq,
    )
    session.add(record)
    session.flush()
    return record


def _free_name(session: Session, user_id: int, wanted: str) -> str:
    """`Firefox on Linux`, or `Firefox on Linux 2` when the user has one of that name. The search
    begins behind those there are, so it is short for the thousandth too."""
    if not _is_taken(session, user_id, wanted):
        return wanted
    alike = Registration.device_name.startswith(f"{wanted} ", autoescape=True)
    known = session.scalar(select(func.count()).where(Registration.user_id == user_id, alike)) or 0
    numbered = (f"{wanted} {number}" for number in count(known + 2))
    return next(one for one in numbered if not _is_taken(session, user_id, one))


def _is_taken(session: Session, user_id: int, name: str) -> bool:
    its = (Registration.user_id == user_id, Registration.device_name == name)
    return bool(session.scalar(select(exists().where(*its))))


def find_by_session(session: Session, session_id: str) -> Registration | None:
    return session.scalar(select(Registration).where(Registration.session_id == session_id))


def find_own(session: Session, user_id: int, connection_id: str) -> Registration:
    """The user's device with that id; raises NotFound, also for somebody else's."""
    record = session.get(Registration, connection_id, populate_existing=True)
    if record is None or record.user_id != user_id:
        raise NotFound("You have no such device.")
    return record


def sign_out_lab_devices(session: Session, user_id: int) -> list[Ended]:
    """Those of the user that the codelab made. The caller holds the user lock."""
    made = (Registration.user_id == user_id, Registration.user_agent == LAB_AGENT)
    ended = [
        sign_out(session, one)
        for one in session.scalars(select(Registration.session_id).where(*made)).all()
    ]
    return [one for one in ended if one is not None]


def find_lab_device(session: Session, user_id: int) -> Registration | None:
    """The one that a page of the codelab made by hand."""
    mine = (Registration.user_id == user_id, Registration.user_agent == LAB_AGENT)
    return session.scalar(select(Registration).where(*mine))


def list_devices(session: Session, user_id: int) -> list[Device]:
    """All devices of a user, the most recently seen first."""
    records = session.scalars(select(Registration).where(Registration.user_id == user_id)).all()
    pushes = _push_statuses(session, user_id)
    pending = _pending_counts(session, user_id)
    held = _held(session, user_id)
    devices = [
        Device(
            connection_id=record.connection_id,
            name=record.device_name,
            browser=describe_browser(record.user_agent),
            node_uri=record.node_uri,
            last_seen_at=record.last_seen_at,
            connected_at=record.connected_at,
            push=record.connection_id in pushes,
            push_last_status=pushes.get(record.connection_id),
            pending=pending.get(record.connection_id, 0),
            muted_until=record.muted_until,
            held=held.get(record.connection_id, Held()),
        )
        for record in records
    ]
    return sorted(devices, key=lambda device: -device.last_seen_at)


def node_uris(connection: Connection, user_ids: Iterable[int]) -> list[str]:
    """The nodes that hold a connection of any of these users. Read after the commit that they are
    to hear of, never kept: whoever takes a device over later sees that commit by itself."""
    return list(connection.execute(NODE_URIS, {"of_users": sorted(set(user_ids))}).scalars())


def _push_statuses(session: Session, user_id: int) -> dict[str, int | None]:
    columns = select(PushSubscription.connection_id, PushSubscription.last_status)
    rows = session.execute(columns.where(PushSubscription.user_id == user_id))
    return {row.connection_id: row.last_status for row in rows}


def _pending_counts(session: Session, user_id: int) -> dict[str, int]:
    rows = session.execute(
        select(PendingNotification.connection_id, func.count().label("waiting"))
        .join(Registration, Registration.connection_id == PendingNotification.connection_id)
        .where(Registration.user_id == user_id)
        .group_by(PendingNotification.connection_id)
    )
    return {row.connection_id: row.waiting for row in rows}


def _held(session: Session, user_id: int) -> dict[str, Held]:
    """A message is handed over for its ttl, so none outlives the last success by more."""
    rows = session.execute(
        select(
            PushSubscription.connection_id,
            func.count().label("messages"),
            (PushSubscription.last_success_at + func.max(NotificationData.ttl)).label("until"),
        )
        .join(PushOutbox, PushOutbox.subscription_id == PushSubscription.id)
        .join(NotificationData, NotificationData.notification_id == PushOutbox.notification_id)
        .join(
            PendingNotification,
            and_(
                PendingNotification.connection_id == PushSubscription.connection_id,
                PendingNotification.seq == PushOutbox.seq,
            ),
        )
        .where(PushSubscription.user_id == user_id, PushOutbox.state == "delivered")
        .group_by(PushSubscription.id)
    )
    now = clock.now()
    return {
        row.connection_id: Held(row.messages, row.until)
        for row in rows
        if row.until is not None and row.until > now
    }


def rename(session: Session, device: Registration, name: str) -> None:
    """Raises InvalidInput, also when another device of the user is called that. The caller holds
    the user lock."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise InvalidInput.field("name", f"Use 1 to {NAME_LENGTH} characters that can be seen.")
    if name != device.device_name and _is_taken(session, device.user_id, name):
        raise InvalidInput.field("name", "Another device of yours has that name.")
    device.device_name = name
    session.flush()


def sign_out(session: Session, session_id: str) -> Ended | None:
    """Revoke the session for good; its record, pending rows, subscription and outbox go with it."""
    whose = select(AuthSession.user_id).where(AuthSession.session_id == session_id)
    lock_users(session.connection(), session.scalars(whose).all())
    opened = session.get(AuthSession, session_id, populate_existing=True)
    if opened is None or opened.revoked_at is not None:
        return None
    opened.revoked_at = clock.now()
    record = find_by_session(session, session_id)
    if record is None:
        return None
    session.delete(record)
    session.flush()
    return Ended(record.user_id, record.connection_id, record.node_uri)


def sign_out_device(session: Session, user_id: int, connection_id: str) -> Ended | None:
    """The same for one of the user's devices, chosen on another one."""
    return sign_out(session, find_own(session, user_id, connection_id).session_id)


def sign_out_others(session: Session, user_id: int, kept: str) -> list[Ended]:
    """All sessions of the user but this one, also those that never became a device. The caller
    holds the user lock."""
    others = select(AuthSession.session_id).where(
        AuthSession.user_id == user_id,
        AuthSession.session_id != kept,
        AuthSession.revoked_at.is_(None),
    )
    ended = [sign_out(session, one) for one in session.scalars(others).all()]
    return [one for one in ended if one is not None]


def all_ended(session: Session, user_id: int) -> list[Ended]:
    """The user's devices as they will be when all of them are signed out."""
    columns = select(Registration.connection_id, Registration.node_uri)
    rows = session.execute(columns.where(Registration.user_id == user_id))
    return [Ended(user_id, row.connection_id, row.node_uri) for row in rows]


def expire(session: Session, now: float, retention: float) -> list[Ended | None]:
    """Sign out devices that were silent for `retention` seconds, PORTION of them at most; None for
    a session that never became one. A device with a live subscription never expires by age: its
    browser may be closed for months and still be reached. Behind a lab device there is no browser.
    """
    reachable = (
        select(PushSubscription.connection_id)
        .join(Registration, Registration.connection_id == PushSubscription.connection_id)
        .where(Registration.user_agent != LAB_AGENT)
    )
    silent = (
        select(AuthSession.session_id)
        .outerjoin(Registration, Registration.session_id == AuthSession.session_id)
        .where(
            AuthSession.revoked_at.is_(None),
            AuthSession.last_seen_at < now - retention,
            Registration.node_uri.is_(None),
            Registration.connection_id.is_(None) | Registration.connection_id.not_in(reachable),
        )
        .order_by(AuthSession.last_seen_at)
        .limit(PORTION)
    )
    return [sign_out(session, session_id) for session_id in session.scalars(silent).all()]


def forget_revoked(session: Session, now: float, retention: float) -> int:
    """Remove rows of sessions that ended so long ago that no browser keeps their cookie any more,
    PORTION of them at most; how many that were. With the last of them goes a guest: nobody can be
    that one again."""
    stale = now - retention
    over = (
        select(AuthSession.session_id)
        .where(AuthSession.last_seen_at < stale, AuthSession.revoked_at < stale)
        .order_by(AuthSession.last_seen_at)
        .limit(PORTION)
    )
    forget = delete(AuthSession).where(AuthSession.session_id.in_(over))
    statement = forget.returning(AuthSession.user_id)
    whose = session.scalars(statement, execution_options={"synchronize_session": False}).all()
    if whose:
        forget_guests(session, set(whose))
    return len(whose)
