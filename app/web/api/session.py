"""What the server knows of the caller and this device; the public half of our VAPID key (W-1)."""

from flask import Blueprint
from typing_extensions import TypedDict

from app import clock, devices, mute, subscriptions
from app.web.api.describe import Time, takes
from app.web.services import current_services
from app.web.visitor import Visitor, find_visitor, require_visitor

api = Blueprint("api_session", __name__)


class VapidPublicKey(TypedDict):
    """An uncompressed P-256 point, base64url, and the name that we know it by."""

    public_key: str
    vapid_key_id: str


class SessionUser(TypedDict):
    name: str
    guest: bool


class SessionSubscription(TypedDict):
    """What the server knows of this device's push subscription. `last_status` is the push
    service's last answer; null before the first message."""

    endpoint: str
    last_status: int | None


class SessionDevice(TypedDict):
    connection_id: str | None
    subscription: SessionSubscription | None
    muted_until: Time | None


class SessionAnswer(SessionDevice):
    """`connection_id` is null until this device has connected or subscribed. Until `muted_until`
    it does not alert, because it is muted or all of the user's devices are."""

    user: SessionUser
    run_id: str | None
    last_seq: int
    lab: bool


@api.get("/vapid-public-key")
@takes(caller="anybody")
def vapid_public_key() -> VapidPublicKey:
    """The application server key for `pushManager.subscribe()`; anybody may read it."""
    services = current_services()
    key = services.vapid.current
    visitor = find_visitor()
    if visitor is not None:  # what is nobody's would be in everybody's run
        services.journal.write(
            "vapid.key-served",
            user_id=visitor.user_id,
            step=1,
            summary="The App Server gave its public VAPID key to the page.",
            detail={"public_key": key.public_key, "vapid_key_id": key.id},
        )
    return {"public_key": key.public_key, "vapid_key_id": key.id}


@api.get("/session")
def session() -> SessionAnswer:
    """Who is signed in, and what the server knows of this device."""
    visitor = require_visitor()
    return {
        "user": {"name": visitor.name, "guest": visitor.guest},
        "run_id": visitor.run_id,
        "last_seq": visitor.last_seq,
        "lab": current_services().settings.lab,
        **_device(visitor),
    }


def _device(visitor: Visitor) -> SessionDevice:
    with current_services().database.read() as reading:
        record = devices.find_by_session(reading, visitor.session_id)
        muted_until = mute.end_for(reading, visitor.user_id, record)
        known = subscriptions.find_of_device(reading, record.connection_id) if record else None
    shown: SessionSubscription | None = None
    if known:
        shown = {"endpoint": known.endpoint, "last_status": known.last_status}
    return {
        "connection_id": record.connection_id if record else None,
        "subscription": shown,
        "muted_until": clock.iso(muted_until) if muted_until else None,
    }
