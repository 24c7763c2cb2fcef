"""Quiet for a while, or until turned off again: for one device, or for all of a user's. What comes
meanwhile is pending and in the inbox as ever, so the promise holds; but no Web Push is sent, and an
open page does not alert. The rules, without HTTP. Called by web and by notifications.

A mute is decided when a notification is made, and once more, for what still waits in the outbox,
when the mute begins. What a sender holds at that moment goes out; the worker shows it silently."""

from typing import cast

from sqlalchemy import ColumnElement, Table, or_, select, update
from sqlalchemy.orm import Session

from app import clock
from app.models import PushOutbox, PushSubscription, Registration, User

USERS, DEVICES = cast(Table, User.__table__), cast(Table, Registration.__table__)

#: "Until I turn it on again": the last second that RFC 3339 can write.
FOREVER = 253402300799.0


def is_muted(now: ColumnElement[float]) -> ColumnElement[bool]:
    """Of a device joined with its user. SQL's answer where nothing is muted is NULL: no."""
    return or_(DEVICES.c.muted_until > now, USERS.c.muted_until > now)


def end_of(seconds: int | None) -> float:
    """When a mute of that length ends; None: not by itself."""
    return FOREVER if seconds is None else clock.now() + seconds


def still(until: float | None) -> float | None:
    """None when that moment is over."""
    return until if until is not None and until > clock.now() else None


def end_for(session: Session, user_id: int, device: Registration | None) -> float | None:
    """When the device alerts again; None: it does. Without a record the user's mute counts."""
    ends = [session.scalar(select(User.muted_until).where(User.id == user_id))]
    if device is not None:
        ends.append(device.muted_until)
    return max((end for end in map(still, ends) if end), default=None)


def mute_device(session: Session, device: Registration, until: float | None) -> None:
    """None ends it. The caller holds the user lock."""
    device.muted_until = until
    session.flush()
    if until is not None:
        _withdraw(session, PushSubscription.connection_id == device.connection_id)


def mute_user(session: Session, user: User, until: float | None) -> None:
    """The same for all devices there are, and all that come."""
    user.muted_until = until
    session.flush()
    if until is not None:
        _withdraw(session, PushSubscription.user_id == user.id)


def _withdraw(session: Session, whose: ColumnElement[bool]) -> None:
    """What waits to be sent, and is in no sender's hands, is not sent."""
    subscriptions = select(PushSubscription.id).where(whose).order_by(PushSubscription.id)
    # First, as a sender's claim does: then neither waits for the other.
    ids = session.scalars(subscriptions.with_for_update(key_share=True)).all()
    free = or_(PushOutbox.claimed_until.is_(None), PushOutbox.claimed_until <= clock.now())
    statement = (
        update(PushOutbox)
        .where(PushOutbox.subscription_id.in_(ids), PushOutbox.state == "queued", free)
        .values(state="muted", claimed_until=None)
    )
    session.execute(statement, execution_options={"synchronize_session": False})
