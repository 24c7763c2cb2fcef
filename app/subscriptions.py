"""Push subscriptions: whose they are and when they move. The rules, without HTTP; the endpoint
itself was checked by the caller. Called by web and by sending."""

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import clock
from app.errors import EndpointOfAnotherSession, VapidKeyUnknown
from app.models import PushOutbox, PushSubscription, Registration, VapidKey


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """What a browser's `PushSubscription.toJSON()` says, decoded and checked."""

    endpoint: str
    #: Uncompressed P-256 point (65 bytes), base64url without padding (RFC 8291 section 3.1).
    p256dh: str
    #: Authentication secret (16 bytes), base64url without padding (RFC 8291 section 3.2).
    auth: str
    #: The VAPID public key it was made with; None when the browser did not tell.
    application_server_key: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a subscription is now, and the device that had to give it up: its session must end."""

    subscription_id: int
    created: bool
    former_connection_id: str | None = None


def origin_of(endpoint: str) -> str:
    """Scheme, host and port as browsers write them: which push service it is, and the VAPID `aud`
    (RFC 6454 section 6.2, RFC 8292 section 2)."""
    parts = urlsplit(endpoint)
    default_port = ":443" if parts.scheme == "https" else ":80"
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(default_port)}"


def hash_endpoint(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()


def find_by_endpoint(session: Session, endpoint: str) -> PushSubscription | None:
    by_hash = PushSubscription.endpoint_hash == hash_endpoint(endpoint)
    return session.scalar(select(PushSubscription).where(by_hash))


def find_of_device(session: Session, connection_id: str) -> PushSubscription | None:
    mine = PushSubscription.connection_id == connection_id
    return session.scalar(select(PushSubscription).where(mine).order_by(PushSubscription.id.desc()))


def store(session: Session, device: Registration, new: NewSubscription) -> Stored:
    """Keep the subscription for the device (W-6): the same endpoint twice is one row.

    The caller holds the user lock. Raises VapidKeyUnknown, EndpointOfAnotherSession."""
    key_id = _key_id(session, new.application_server_key)
    known = find_by_endpoint(session, new.endpoint)
    if known and known.connection_id == device.connection_id and _same_browser(known, new):
        return Stored(known.id, created=False)
    former = _take_away(session, known, device, new) if known else None
    row = _insert(session, device, key_id, new)
    _replace_older(session, row)
    return Stored(row.id, created=True, former_connection_id=former)


def _key_id(session: Session, public_key: str | None) -> str:
    """Id of the VAPID key the subscription was made with; the current one when it is not told."""
    if public_key is None:
        chosen = VapidKey.state == "current"
    else:
        chosen = VapidKey.public_key == public_key.rstrip("=")
    key_id = session.scalar(select(VapidKey.id).where(chosen))
    if key_id is None:
        raise VapidKeyUnknown()
    return key_id


def _same_browser(known: PushSubscription, new: NewSubscription) -> bool:
    """Only the browser that made a subscription knows both of its keys."""
    return known.p256dh == new.p256dh and known.auth == new.auth


def _take_away(
    session: Session, known: PushSubscription, device: Registration, new: NewSubscription
) -> str | None:
    """Delete, so that what was queued for the former owner goes too. The session it was in has to
    end: the browser is somebody else's now, or the same user's newer sign-in."""
    former = known.connection_id if known.connection_id != device.connection_id else None
    if former and not _same_browser(known, new):
        raise EndpointOfAnotherSession()
    session.delete(known)
    session.flush()
    return former


def _insert(
    session: Session, device: Registration, key_id: str, new: NewSubscription
) -> PushSubscription:
    row = PushSubscription(
        user_id=device.user_id,
        connection_id=device.connection_id,
        endpoint=new.endpoint,
        endpoint_hash=hash_endpoint(new.endpoint),
        origin=origin_of(new.endpoint),
        p256dh=new.p256dh,
        auth=new.auth,
        vapid_key_id=key_id,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def _replace_older(session: Session, row: PushSubscription) -> None:
    """A browser that subscribed anew has left its former endpoint: what still waits for it is sent
    to the new one, and the row goes (otherwise each notification would come twice)."""
    older = session.scalars(
        select(PushSubscription).where(
            PushSubscription.connection_id == row.connection_id, PushSubscription.id != row.id
        )
    ).all()
    for former in older:
        waiting = (PushOutbox.subscription_id == former.id) & (PushOutbox.state == "queued")
        moved = update(PushOutbox).where(waiting)
        session.execute(moved.values(subscription_id=row.id, origin=row.origin))
        session.delete(former)
    session.flush()


def remove_by_endpoint(session: Session, connection_id: str, endpoint: str) -> bool:
    """Forget the device's own subscription with that endpoint; False when it has none such."""
    known = find_by_endpoint(session, endpoint)
    if known is None or known.connection_id != connection_id:
        return False
    session.delete(known)
    return True


def remove_gone(session: Session, subscription_id: int) -> PushSubscription | None:
    """The push service said 404 or 410: the subscription is over (RFC 8030 section 7.3)."""
    known = session.get(PushSubscription, subscription_id)
    if known is not None:
        session.delete(known)
    return known
