"""The caller's devices (X-2): list, rename, test, sign out."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field
from typing_extensions import TypedDict

from app import clock, devices
from app.devices import Device
from app.web import visitor as visitors
from app.web.api.body import Body, Text, read
from app.web.api.describe import NoContent, Time, takes
from app.web.services import current_services
from app.web.visitor import require_visitor

api = Blueprint("api_devices", __name__)


class RenameBody(Body):
    name: Annotated[Text, Field(max_length=200)]


class DeviceAnswer(TypedDict):
    """A signed-in session (X-2). `push_last_status` is the push service's last answer, `pending`
    how many notifications wait for the device's acknowledgement."""

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


class DeviceList(TypedDict):
    devices: list[DeviceAnswer]


@api.get("/devices")
def list_devices() -> DeviceList:
    """The caller's devices."""
    visitor = require_visitor()
    with current_services().database.read() as session:
        mine = devices.find_by_session(session, visitor.session_id)
        found = devices.list_devices(session, visitor.user_id)
    own_id = mine.connection_id if mine else None
    return {"devices": [_public(device, own_id) for device in found]}


@api.patch("/devices/<connection_id>")
@takes(RenameBody)
def rename_device(connection_id: str) -> DeviceAnswer:
    """Give one of the caller's devices another name."""
    visitor = require_visitor()
    name = read(RenameBody).name
    services = current_services()
    services.database.write(lambda s: devices.rename(s, visitor.user_id, connection_id, name))
    return next(one for one in list_devices()["devices"] if one["connection_id"] == connection_id)


@api.delete("/devices/<connection_id>")
def sign_out_device(connection_id: str) -> NoContent:
    """Sign one of the caller's devices out; its push subscription goes with it."""
    visitor = require_visitor()
    services = current_services()
    ended = services.database.write(
        lambda s: devices.sign_out_device(s, visitor.user_id, connection_id)
    )
    services.announce(ended)
    if visitors.load(visitor.session_id) is None:
        visitors.sign_out()
    return "", 204


def _public(device: Device, own_id: str | None) -> DeviceAnswer:
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
    }
