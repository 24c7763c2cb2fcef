"""Lab mode only, for the codelab's pages under the bonnet: a token to take apart, and a device
whose keys a page makes by hand."""

from dataclasses import dataclass
from typing import Literal

from flask import Blueprint
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app import accounts, devices, subscriptions
from app.config import Settings
from app.errors import InvalidInput
from app.models import PushSubscription, User
from app.pns import pending
from app.sending.endpoints import check_endpoint
from app.subscriptions import NewSubscription
from app.web import visitor as visitors
from app.web.api.body import read
from app.web.api.describe import NoContent, takes
from app.web.api.subscriptions import (
    SubscribeAnswer,
    SubscribeBody,
    Subscribed,
    new_subscription,
    store_for_session,
)
from app.web.services import current_services
from app.web.visitor import Visitor, require_visitor

api = Blueprint("api_bonnet", __name__)

#: No name ends in `.invalid` (RFC 6761 section 6.4), so no push service is there, nor ever will be:
#: a token for this audience is worth nothing.
NOWHERE = "https://push.invalid"


class VapidToken(TypedDict):
    """A JWT signed with the private key whose public half is `public_key`, for nobody: no push
    service is at `audience`."""

    token: str
    public_key: str
    audience: str


@dataclass(frozen=True, slots=True)
class _Joined:
    """The device as it was stored, and those whose place it took."""

    stored: Subscribed
    ended: list[devices.Ended]


@api.get("/lab/vapid-token")
def vapid_token() -> VapidToken:
    """A token to take apart, signed with the key of this device's subscription (or with the
    current one), and worth nothing."""
    visitor = require_visitor()
    vapid = current_services().vapid
    key_id = _key_of_device(visitor) or vapid.current.id
    header = vapid.authorization(key_id, NOWHERE)
    fields = dict(part.split("=", 1) for part in header.removeprefix("vapid ").split(","))
    return {"token": fields["t"], "public_key": fields["k"], "audience": NOWHERE}


def _key_of_device(visitor: Visitor) -> str | None:
    with current_services().database.read() as session:
        record = devices.find_by_session(session, visitor.session_id)
        known: PushSubscription | None = None
        if record:
            known = subscriptions.find_of_device(session, record.connection_id)
        return known.vapid_key_id if known else None


@api.post("/lab/device")
@takes(SubscribeBody)
def join() -> tuple[SubscribeAnswer, Literal[201]]:
    """A page that made its own receiver keys becomes one more device of its user, a lab device.

    It takes the place of the user's former lab device. The endpoint must be at the laboratory's own
    push service. It is signed out like any other device."""
    visitor = require_visitor()
    services = current_services()
    body = read(SubscribeBody)
    _check_place(body.endpoint, services.settings)
    new = new_subscription(body)
    joined = visitors.write_as(visitor, lambda session, user: _join(session, user, new))
    for ended in joined.ended:
        services.announce(ended)
    services.hint([visitor.user_id], "devices")
    _report(visitor, body, joined.stored)
    return {
        "connection_id": joined.stored.connection_id,
        "subscription_id": joined.stored.subscription_id,
    }, 201


def _check_place(endpoint: str, settings: Settings) -> None:
    """Raises InvalidInput."""
    check_endpoint(endpoint, settings)
    ours = settings.push_service_url
    if ours is None or subscriptions.origin_of(endpoint) != subscriptions.origin_of(ours):
        reason = "Must be at the laboratory's own push service."
        raise InvalidInput.field("endpoint", reason)


def _join(session: Session, user: User, new: NewSubscription) -> _Joined:
    """A session of its own, whose cookie nobody gets: a device is a session."""
    ended = devices.sign_out_lab_devices(session, user.id)
    opened = accounts.open_session(session, user.id)
    stored = store_for_session(session, opened.session_id, devices.LAB_AGENT, new)
    return _Joined(stored, [*ended, *([stored.ended] if stored.ended else [])])


@api.post("/lab/device/<notification_id>/shown")
def lab_device_has_it(notification_id: str) -> NoContent:
    """The page decrypted it: the lab device's pending row goes, as any device's does (P-11)."""
    visitor = require_visitor()
    services = current_services()
    connection_id = services.database.write(
        lambda session: _acknowledge(session, visitor.user_id, notification_id)
    )
    if connection_id:
        services.journal.write(
            "lab-device.acknowledged",
            user_id=visitor.user_id,
            step=10,
            notification_id=notification_id,
            connection_id=connection_id,
            summary="The page of the lab device decrypted it; its pending row is gone.",
        )
        services.hint([visitor.user_id], "devices")
    return "", 204


def _acknowledge(session: Session, user_id: int, notification_id: str) -> str | None:
    device = devices.find_lab_device(session, user_id)
    if device is None:
        return None
    pending.acknowledge_one(session, device.connection_id, notification_id)
    return device.connection_id


def _report(visitor: Visitor, body: SubscribeBody, stored: Subscribed) -> None:
    current_services().journal.write(
        "lab-device.stored",
        user_id=visitor.user_id,
        step=6,
        connection_id=stored.connection_id,
        endpoint=body.endpoint,
        summary="The App Server stored the subscription of a lab device.",
        detail={"p256dh": body.keys.p256dh, "created": stored.created},
    )
