"""Notifications: create, read, what became of one, acknowledge what was shown (W-7, P-7, P-11)."""

from typing import Annotated, Any, Literal, NotRequired

from flask import Blueprint, request
from pydantic import Field, JsonValue, ValidationInfo, field_validator
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app import accounts, clock, devices, mute
from app.db import Database
from app.errors import FieldError, InvalidInput, NotFound
from app.notifications import read as inbox
from app.notifications import status
from app.notifications.create import Created, Idempotency, NewNotification
from app.pns import pending
from app.web.api.body import Body, Moment, Text, Visible, check, read, read_json
from app.web.api.describe import Header, NoContent, Number, Time, takes
from app.web.caller import Caller, require_caller
from app.web.services import current_services
from app.web.visitor import require_visitor

api = Blueprint("api_notifications", __name__)

BATCH = 500
#: FCM keeps a message at most 28 days, and the inbox does not outlive it.
TTL_MAX = 28 * 86400

#: Chromium and Firefox show no more than two buttons (`Notification.maxActions`).
ACTIONS = 2
#: What of a notification is for the devices' screens.
SHOWN = {
    *("title", "body", "navigate", "tag", "renotify", "silent"),
    *("icon", "image", "badge", "actions"),
}

SINCE = Number("since", 0, 2**53, "The `seq` of the newest notification that the caller has.")
LIMIT = Number("limit", inbox.PAGE, inbox.PAGE, "How many at most.")
IDEMPOTENCY_KEY = Header(
    "Idempotency-Key", 200, "A repetition within 24 hours gets the same answer, and makes nothing."
)

#: A path of this site: a push message must not lead a user elsewhere. No tab or line end, which
#: readers of URLs drop: `/<tab>/evil.example` would be another site.
Path = Annotated[Text, Field(max_length=500, pattern=r"^/([^/\\\t\r\n][^\t\r\n]*)?$")]


class ActionBody(Body):
    """A button under a notification, and the page that it leads to."""

    title: Annotated[Visible, Field(min_length=1, max_length=50)]
    navigate: Path


class NotificationBody(Body):
    """One notification as the API takes it. The names are those of `showNotification()`."""

    to: Annotated[Text, Field(max_length=200)] | None = None
    title: Annotated[Visible, Field(min_length=1, max_length=200)]
    body: Annotated[Text, Field(max_length=10_000)] = ""
    navigate: Path = "/"
    #: A newer one takes the place of the one that is on the screen under the same tag.
    tag: Annotated[Text, Field(min_length=1, max_length=64)] | None = None
    #: Alert again when it takes the place of another.
    renotify: bool = False
    #: No sound and no vibration.
    silent: bool = False
    icon: Path | None = None
    image: Path | None = None
    #: The one-coloured sign in a phone's status bar.
    badge: Path | None = None
    actions: Annotated[list[ActionBody], Field(max_length=ACTIONS)] = []
    ttl: Annotated[int, Field(ge=0, le=TTL_MAX)] = 86400
    urgency: Literal["very-low", "low", "normal", "high"] = "normal"
    #: RFC 8030 section 5.4.
    topic: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")] | None = None
    policy: Literal["both", "push-if-unacked"] = "both"
    deliver_at: Moment | None = None

    @field_validator("renotify")
    @classmethod
    def _renotify_needs_a_tag(cls, value: bool, info: ValidationInfo) -> bool:
        """The Notifications API refuses it without one, at each device and too late."""
        if value and info.data.get("tag") is None:
            raise ValueError("Give a tag too: only what has one can take another's place.")
        return value

    def data(self, sender: str | None) -> dict[str, Any]:
        """What the devices get to show; `from` only when somebody else sent it."""
        shown = self.model_dump(include=SHOWN) | {"from": sender}
        return {name: value for name, value in shown.items() if value or name == "body"}


class BatchBody(Body):
    notifications: Annotated[list[NotificationBody], Field(min_length=1, max_length=BATCH)]


class ReadBody(Body):
    notification_ids: Annotated[
        list[Annotated[Text, Field(max_length=36)]], Field(min_length=1, max_length=1000)
    ]


class NotificationMade(TypedDict):
    """How many devices and subscriptions somebody else has is not told. `deliver_at`: it waits."""

    notification_id: str
    created_at: Time
    deliver_at: NotRequired[Time]
    seq: NotRequired[int]
    devices: NotRequired[int]
    subscriptions: NotRequired[int]


class TestMade(NotificationMade):
    """Until `muted_until` the device takes it quietly; null: it alerts."""

    muted_until: Time | None


class BatchMade(TypedDict):
    notifications: list[NotificationMade]


class InboxItem(TypedDict):
    notification_id: str
    seq: int
    data: dict[str, JsonValue]
    created_at: Time
    read_at: Time | None


class InboxPage(TypedDict):
    """`last_seq` is what the next request sends as `since`."""

    notifications: list[InboxItem]
    last_seq: int


class StatusAnswer(InboxItem):
    expires_at: Time
    devices: list[status.DeviceStatus]


@api.post("/notifications")
@takes(NotificationBody, BatchBody, headers=(IDEMPOTENCY_KEY,), caller="program")
def create() -> tuple[NotificationMade | BatchMade, Literal[201]]:
    """One notification, or up to 500 in `notifications`; all of them or none.

    With `deliver_at` it waits until then, and reaches the devices that there are then."""
    caller = require_caller()
    services = current_services()
    value = read_json()
    many = isinstance(value, dict) and "notifications" in value
    wanted = check(BatchBody, value).notifications if many else [check(NotificationBody, value)]
    new = _resolve(services.database, caller, wanted)
    created = services.creator.create(new, _idempotency(caller))
    answers = [_answer(one, caller) for one in created]
    return ({"notifications": answers} if many else answers[0]), 201


@api.post("/devices/<connection_id>/test")
def send_test(connection_id: str) -> tuple[TestMade, Literal[201]]:
    """A notification that alerts this one of the caller's devices only, unless it is muted."""
    visitor = require_visitor()
    services = current_services()
    with services.database.read() as session:
        device = devices.find_own(session, visitor.user_id, connection_id)
        name = device.device_name
        until = mute.end_for(session, visitor.user_id, device)
    data = {"title": "A test", "body": f"This reached {name}.", "navigate": "/devices"}
    new = NewNotification(visitor.user_id, data, only_connection_id=connection_id)
    (created,) = services.creator.create([new])
    made = _answer(created, visitor)
    return {**made, "muted_until": clock.iso(until) if until else None}, 201


@api.get("/notifications")
@takes(query=(SINCE, LIMIT), caller="program")
def list_notifications() -> InboxPage:
    """The caller's inbox, oldest first."""
    caller = require_caller()
    since, limit = SINCE.read(), LIMIT.read()
    with current_services().database.read() as session:
        page = inbox.list_since(session, caller.user_id, since, limit)
    return {"notifications": [_item(item) for item in page.items], "last_seq": page.last_seq}


@api.get("/notifications/<notification_id>")
@takes(caller="program")
def show_status(notification_id: str) -> StatusAnswer:
    """The notification, and what became of it on each device."""
    caller = require_caller()
    with current_services().database.read() as session:
        found = status.what_became_of(session, caller.user_id, notification_id)
    if found is None:
        raise NotFound("You have no such notification.")
    return {
        "notification_id": found.notification_id,
        "seq": found.seq,
        "data": found.data,
        "created_at": clock.iso(found.created_at),
        "expires_at": clock.iso(found.expires_at),
        "read_at": clock.iso(found.read_at) if found.read_at else None,
        "devices": found.devices,
    }


@api.post("/notifications/read")
@takes(ReadBody)
def mark_read() -> NoContent:
    """Read on this device is read on all."""
    visitor = require_visitor()
    services = current_services()
    ids = read(ReadBody).notification_ids
    if services.database.write(lambda s: inbox.mark_read(s, visitor.user_id, ids)):
        services.hint([visitor.user_id], "read")
    return "", 204


@api.post("/notifications/<notification_id>/shown")
def shown(notification_id: str) -> NoContent:
    """The caller's device has it: its pending row goes (P-11)."""
    visitor = require_visitor()
    services = current_services()

    def acknowledge(session: Session) -> None:
        device = devices.find_by_session(session, visitor.session_id)
        if device is not None:
            pending.acknowledge_one(session, device.connection_id, notification_id)

    services.database.write(acknowledge)
    return "", 204


def _resolve(
    database: Database, caller: Caller, bodies: list[NotificationBody]
) -> list[NewNotification]:
    """Names to users; raises InvalidInput naming each one that nobody has."""
    names = {body.to for body in bodies if body.to}
    ids = database.read_together(accounts.find_ids, names) if names else {}
    unknown, resolved = [], []
    for position, body in enumerate(bodies):
        user_id = ids.get(body.to) if body.to and body.to.strip() else caller.user_id
        if user_id is None:
            field = "to" if len(bodies) == 1 else f"notifications.{position}.to"
            unknown.append(FieldError(field, "Nobody here has that name."))
            continue
        sender = caller.name if user_id != caller.user_id else None
        resolved.append(
            NewNotification(
                user_id=user_id,
                data=body.data(sender),
                ttl=body.ttl,
                urgency=body.urgency,
                topic=body.topic,
                policy=body.policy,
                deliver_at=clock.parse_iso(body.deliver_at) if body.deliver_at else None,
                creator_id=caller.user_id,
            )
        )
    if unknown:
        raise InvalidInput("Nothing was sent.", unknown)
    return resolved


def _idempotency(caller: Caller) -> Idempotency | None:
    key = IDEMPOTENCY_KEY.read()
    return Idempotency(caller.user_id, key, request.get_data()) if key else None


def _answer(created: Created, caller: Caller) -> NotificationMade:
    """How many devices somebody has is nobody else's business."""
    answer: NotificationMade = {
        "notification_id": created.notification_id,
        "created_at": clock.iso(created.created_at),
    }
    if created.deliver_at is not None:
        answer["deliver_at"] = clock.iso(created.deliver_at)
    elif created.user_id == caller.user_id:
        answer |= {
            "seq": created.seq,
            "devices": created.devices,
            "subscriptions": created.subscriptions,
        }
    return answer


def _item(item: inbox.Item) -> InboxItem:
    return {
        "notification_id": item.notification_id,
        "seq": item.seq,
        "data": item.data,
        "created_at": clock.iso(item.created_at),
        "read_at": clock.iso(item.read_at) if item.read_at else None,
    }
