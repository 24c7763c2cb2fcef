"""Everything that there is about one user: handed out as JSON, and deleted. The rules, without
HTTP. Called by web.

Not handed out, because whoever has it could act as the user or the browser: the password's hash,
session ids, hashes of tokens, endpoints (whoever knows one may send to it) and the keys of
subscriptions; of an endpoint only the push service is named. Not the user's either: what the user
sent to others, which is theirs, and the journal of the laboratory, which expires by itself.
"""

from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app import clock, journal
from app.accounts import check_unchanged
from app.devices import Ended, all_ended
from app.models import (
    ApiToken,
    AuthSession,
    CodelabAnswer,
    NotificationData,
    PushSubscription,
    Registration,
    ScheduledNotification,
    User,
)

#: Columns that hold seconds since the epoch; they are written as RFC 3339 text.
MOMENT = ("_at", "_until")


class PersonalData(TypedDict):
    """One entry per row, its names as in the tables; times are RFC 3339."""

    exported_at: str
    account: dict[str, Any]
    sessions: list[dict[str, Any]]
    devices: list[dict[str, Any]]
    subscriptions: list[dict[str, Any]]
    notifications: list[dict[str, Any]]
    scheduled: list[dict[str, Any]]
    tokens: list[dict[str, Any]]
    answers: list[dict[str, Any]]


def export(session: Session, user_id: int) -> PersonalData:
    """All of it, the oldest first, in one reading."""
    (account,) = _rows(session, ACCOUNT.where(User.id == user_id))
    return {
        "exported_at": clock.iso(clock.now()),
        "account": {"guest": account.pop("password_hash") is None, **account},
        "sessions": _rows(session, SESSIONS.where(AuthSession.user_id == user_id)),
        "devices": _rows(session, DEVICES.where(Registration.user_id == user_id)),
        "subscriptions": _rows(session, SUBSCRIPTIONS.where(PushSubscription.user_id == user_id)),
        "notifications": _rows(session, NOTIFICATIONS.where(NotificationData.user_id == user_id)),
        "scheduled": _rows(session, SCHEDULED.where(ScheduledNotification.creator_id == user_id)),
        "tokens": _rows(session, TOKENS.where(ApiToken.user_id == user_id)),
        "answers": _rows(session, ANSWERS.where(CodelabAnswer.user_id == user_id)),
    }


#: `password_hash` is read to tell guests from accounts, and goes no further.
ACCOUNT = select(User.name, User.created_at, User.muted_until, User.password_hash)
SESSIONS = select(
    AuthSession.created_at, AuthSession.last_seen_at, AuthSession.revoked_at
).order_by(AuthSession.created_at)
DEVICES = select(
    Registration.connection_id,
    Registration.device_name,
    Registration.user_agent,
    Registration.connected_at,
    Registration.last_seen_at,
    Registration.muted_until,
).order_by(Registration.device_name)
SUBSCRIPTIONS = select(
    PushSubscription.connection_id,
    PushSubscription.origin.label("push_service"),
    PushSubscription.created_at,
    PushSubscription.last_success_at,
    PushSubscription.last_status,
).order_by(PushSubscription.id)
NOTIFICATIONS = select(
    NotificationData.notification_id,
    NotificationData.seq,
    NotificationData.data,
    NotificationData.ttl,
    NotificationData.urgency,
    NotificationData.topic,
    NotificationData.policy,
    NotificationData.created_at,
    NotificationData.expires_at,
    NotificationData.read_at,
).order_by(NotificationData.seq)
SCHEDULED = (
    select(
        ScheduledNotification.notification_id,
        User.name.label("to"),
        ScheduledNotification.deliver_at,
        ScheduledNotification.data,
    )
    .join(User, User.id == ScheduledNotification.user_id)
    .order_by(ScheduledNotification.deliver_at)
)
TOKENS = select(
    ApiToken.label, ApiToken.created_at, ApiToken.last_used_at, ApiToken.revoked_at
).order_by(ApiToken.id)
ANSWERS = select(CodelabAnswer.step, CodelabAnswer.choice, CodelabAnswer.answered_at).order_by(
    CodelabAnswer.step
)


def _rows(session: Session, query: Select[*tuple[Any, ...]]) -> list[dict[str, Any]]:
    rows = session.execute(query).mappings()
    return [{name: _shown(name, value) for name, value in row.items()} for row in rows]


def _shown(name: str, value: Any) -> Any:
    return clock.iso(value) if name.endswith(MOMENT) and value is not None else value


def delete_user(session: Session, user: User, known_hash: str | None) -> list[Ended]:
    """The user and, by cascade, everything of the user's: sessions, devices, subscriptions, what
    waits, inbox, tokens, answers. Returns the devices whose sockets have to be closed. The caller
    holds the user lock; raises WrongPassword when the password was changed a moment ago."""
    check_unchanged(user, known_hash, "password")
    ended = all_ended(session, user.id)
    journal.forget(session, user.run_id, [one.connection_id for one in ended])
    session.execute(
        delete(User).where(User.id == user.id), execution_options={"synchronize_session": False}
    )
    session.expunge(user)
    return ended
