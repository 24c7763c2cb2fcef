"""Devices: one signed-in session is one device with one `connection_id`. The rules, without HTTP.
Called by web, pns and the sweep."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import clock
from app.accounts import find_live_session, lock_users
from app.errors import InvalidInput, NotFound, SignedOut
from app.models import AuthSession, PendingNotification, PushSubscription, Registration

NAME_LENGTH = 40
USER_AGENT_LENGTH = 400

#: First hit wins: Edge and Opera also say Chrome, Chrome also says Safari.
BROWSERS = (
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
    found = find_live_session(session, session_id)
    if found is None:
        raise SignedOut()
    lock_users(session, [found[1].id])
    session.refresh(found[0])  # read again under the lock: a sign-out may have won
    if found[0].revoked_at is not None:
        raise SignedOut()
    return find_by_session(session, session_id) or _register(session, found[0], user_agent)


def _register(session: Session, opened: AuthSession, user_agent: str) -> Registration:
    record = Registration(
        connection_id=str(uuid.uuid4()),
        session_id=opened.session_id,
        user_id=opened.user_id,
        epoch=0,
        device_name=describe_browser(user_agent),
        user_agent=user_agent[:USER_AGENT_LENGTH],
        last_seen_at=clock.now(),
        expired_count=0,
    )
    session.add(record)
    session.flush()
    return record


def find_by_session(session: Session, session_id: str) -> Registration | None:
    return session.scalar(select(Registration).where(Registration.session_id == session_id))


def find_own(session: Session, user_id: int, connection_id: str) -> Registration:
    """The user's device with that id; raises NotFound, also for somebody else's."""
    record = session.get(Registration, connection_id)
    if record is None or record.user_id != user_id:
        raise NotFound("You have no such device.")
    return record


def list_devices(session: Session, user_id: int) -> list[Device]:
    """All devices of a user, the most recently seen first."""
    records = session.scalars(select(Registration).where(Registration.user_id == user_id)).all()
    pushes = _push_statuses(session, user_id)
    pending = _pending_counts(session, user_id)
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
        )
        for record in records
    ]
    return sorted(devices, key=lambda device: -device.last_seen_at)


def node_uris(session: Session, user_ids: Iterable[int]) -> list[str]:
    """The nodes that hold a connection of any of these users. Read after the commit that they are
    to hear of, never kept: whoever takes a device over later sees that commit by itself."""
    online = Registration.user_id.in_(sorted(set(user_ids))) & Registration.node_uri.is_not(None)
    found = session.scalars(select(Registration.node_uri).where(online).distinct())
    return [node_uri for node_uri in found if node_uri is not None]


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


def rename(session: Session, user_id: int, connection_id: str, name: str) -> None:
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise InvalidInput.field("name", f"Use 1 to {NAME_LENGTH} characters that can be seen.")
    find_own(session, user_id, connection_id).device_name = name


def sign_out(session: Session, session_id: str) -> Ended | None:
    """Revoke the session for good; its record, pending rows, subscription and outbox go with it."""
    opened = session.get(AuthSession, session_id)
    if opened is None or opened.revoked_at is not None:
        return None
    lock_users(session, [opened.user_id])
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


def expire(session: Session, now: float, retention: float) -> list[Ended]:
    """Sign out devices that were silent for `retention` seconds. One with a live subscription never
    expires by age: its browser may be closed for months and still be reached."""
    stale = now - retention
    reachable = select(PushSubscription.connection_id)
    silent: Sequence[str] = session.scalars(
        select(AuthSession.session_id)
        .outerjoin(Registration, Registration.session_id == AuthSession.session_id)
        .where(
            AuthSession.revoked_at.is_(None),
            AuthSession.last_seen_at < stale,
            Registration.node_uri.is_(None),
            Registration.connection_id.is_(None) | Registration.connection_id.not_in(reachable),
        )
    ).all()
    ended = [sign_out(session, session_id) for session_id in silent]
    return [one for one in ended if one is not None]
