"""The caller's devices (X-2): list, rename, mute, sign out."""

from collections.abc import Callable
from typing import Annotated

from flask import Blueprint
from pydantic import Field
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app import clock, devices, mute
from app.devices import Device
from app.errors import NotFound
from app.models import Registration, User
from app.web import visitor as visitors
from app.web.api.body import Body, Text, read
from app.web.api.describe import NoContent, Time, takes
from app.web.services import current_services
from app.web.visitor import Visitor, require_visitor

api = Blueprint("api_devices", __name__)

#: A month; whoever wants longer wants "until it is turned off again".
MUTE_MAX = 31 * 86400


class RenameBody(Body):
    name: Annotated[Text, Field(max_length=200)]


class MuteBody(Body):
    """How long, in seconds; null: until it is turned off again."""

    seconds: Annotated[int, Field(ge=60, le=MUTE_MAX)] | None


class DeviceAnswer(TypedDict):
    """A signed-in session (X-2). `push_last_status` is the push service's last answer, `pending`
    how many notifications wait for the device's acknowledgement. `held` of these are at its push
    service, encrypted, until `held_until` at the latest. `muted_until` is null when it alerts, and
    in the year 9999 when the mute does not end by itself."""

    connection_id: str
    name: str
    browser: str
    online: bool
    last_seen_at: Time
    connected_at: Time | None
    push: bool
    push_last_status: int | None
    this_device: bool
    pending: int
    held: int
    held_until: Time | None
    muted_until: Time | None


class DeviceList(TypedDict):
    devices: list[DeviceAnswer]


@api.get("/devices")
def list_devices() -> DeviceList:
    """The caller's devices."""
    return {"devices": _list(require_visitor())}


@api.patch("/devices/<connection_id>")
@takes(RenameBody)
def rename_device(connection_id: str) -> DeviceAnswer:
    """Give one of the caller's devices another name."""
    visitor = require_visitor()
    name = read(RenameBody).name
    return _change(visitor, connection_id, lambda s, device: devices.rename(s, device, name))


@api.put("/devices/<connection_id>/mute")
@takes(MuteBody)
def mute_device(connection_id: str) -> DeviceAnswer:
    """No alert on this one of the caller's devices for a while: no push, no sound.

    What arrives meanwhile is in its inbox all the same."""
    visitor = require_visitor()
    until = mute.end_of(read(MuteBody).seconds)
    return _change(visitor, connection_id, lambda s, device: mute.mute_device(s, device, until))


@api.delete("/devices/<connection_id>/mute")
def unmute_device(connection_id: str) -> DeviceAnswer:
    """It alerts again."""
    visitor = require_visitor()
    return _change(visitor, connection_id, lambda s, device: mute.mute_device(s, device, None))


@api.delete("/devices/<connection_id>")
def sign_out_device(connection_id: str) -> NoContent:
    """Sign one of the caller's devices out; its push subscription goes with it."""
    visitor = require_visitor()
    services = current_services()
    ended = visitors.write_as(
        visitor, lambda s, user: devices.sign_out_device(s, user.id, connection_id)
    )
    services.announce(ended)
    services.hint([visitor.user_id], "devices")
    if visitors.load(visitor.session_id) is None:
        visitors.sign_out()
    return "", 204


def _change(
    visitor: Visitor, connection_id: str, change: Callable[[Session, Registration], None]
) -> DeviceAnswer:
    """Change one of the visitor's devices, and tell their pages."""

    def work(session: Session, user: User) -> None:
        change(session, devices.find_own(session, user.id, connection_id))

    visitors.write_as(visitor, work)
    current_services().hint([visitor.user_id], "devices")
    return _find(visitor, connection_id)


def _find(visitor: Visitor, connection_id: str) -> DeviceAnswer:
    """As it is now; raises NotFound when it was signed out in the meantime."""
    for device in _list(visitor):
        if device["connection_id"] == connection_id:
            return device
    raise NotFound("You have no such device.")


def _list(visitor: Visitor) -> list[DeviceAnswer]:
    with current_services().database.read() as session:
        mine = devices.find_by_session(session, visitor.session_id)
        found = devices.list_devices(session, visitor.user_id)
    own_id = mine.connection_id if mine else None
    return [_public(device, own_id) for device in found]


def _public(device: Device, own_id: str | None) -> DeviceAnswer:
    muted_until = mute.still(device.muted_until)
    return {
        "connection_id": device.connection_id,
        "name": device.name,
        "browser": device.browser,
        "online": device.node_uri is not None,
        "last_seen_at": clock.iso(device.last_seen_at),
        "connected_at": clock.iso(device.connected_at) if device.connected_at else None,
        "push": device.push,
        "push_last_status": device.push_last_status,
        "this_device": device.connection_id == own_id,
        "pending": device.pending,
        "held": device.held.count,
        "held_until": clock.iso(device.held.until) if device.held.until else None,
        "muted_until": clock.iso(muted_until) if muted_until else None,
    }
