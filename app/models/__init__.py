"""All tables, by noun. Importing this package registers every one of them."""

from app.models.accounts import AuthSession, User
from app.models.codelab import CodelabAnswer
from app.models.devices import PnsNode, Registration
from app.models.journal import JournalBatch, JournalEvent
from app.models.notifications import (
    PUSH_IF_UNACKED,
    IdempotencyKey,
    NotificationData,
    PendingNotification,
    ScheduledNotification,
)
from app.models.processes import ProcessSample
from app.models.subscriptions import PushOutbox, PushSubscription, VapidKey
from app.models.tokens import ApiToken

__all__ = [
    "PUSH_IF_UNACKED",
    "ApiToken",
    "AuthSession",
    "CodelabAnswer",
    "IdempotencyKey",
    "JournalBatch",
    "JournalEvent",
    "NotificationData",
    "PendingNotification",
    "PnsNode",
    "ProcessSample",
    "PushOutbox",
    "PushSubscription",
    "Registration",
    "ScheduledNotification",
    "User",
    "VapidKey",
]
