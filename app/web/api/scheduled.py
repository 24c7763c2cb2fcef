"""What the caller has scheduled (W-7): looked at, and taken back. It is made by POST
/api/notifications with `deliver_at`."""

from flask import Blueprint
from pydantic import JsonValue
from typing_extensions import TypedDict

from app import clock
from app.notifications import schedule
from app.web.api.describe import NoContent, Time, takes
from app.web.caller import require_caller
from app.web.services import current_services

api = Blueprint("api_scheduled", __name__)


class ScheduledItem(TypedDict):
    """`to` is the name of whom it is for."""

    notification_id: str
    to: str
    data: dict[str, JsonValue]
    deliver_at: Time


class ScheduledList(TypedDict):
    scheduled: list[ScheduledItem]


@api.get("/scheduled")
@takes(caller="program")
def list_scheduled() -> ScheduledList:
    """What the caller has waiting, the next first."""
    caller = require_caller()
    with current_services().database.read() as session:
        waiting = schedule.list_of(session, caller.user_id)
    return {"scheduled": [_item(one) for one in waiting]}


@api.get("/scheduled/<notification_id>")
@takes(caller="program")
def show_scheduled(notification_id: str) -> ScheduledItem:
    """One of them; 404 when it has become a notification."""
    caller = require_caller()
    with current_services().database.read() as session:
        return _item(schedule.find(session, caller.user_id, notification_id))


@api.delete("/scheduled/<notification_id>")
@takes(caller="program")
def take_back(notification_id: str) -> NoContent:
    """It will not be; 404 when it is too late."""
    caller = require_caller()
    current_services().database.write(
        lambda session: schedule.take_back(session, caller.user_id, notification_id)
    )
    return "", 204


def _item(one: schedule.Waiting) -> ScheduledItem:
    return {
        "notification_id": one.notification_id,
        "to": one.to,
        "data": one.data,
        "deliver_at": clock.iso(one.deliver_at),
    }
