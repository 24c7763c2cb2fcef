"""POST /api/subscribe and /api/unsubscribe (W-5, W-6): what a page, or the service worker, tells
the server about its push subscription."""

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Blueprint, request
from pydantic import AfterValidator, Field
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app import devices, subscriptions
from app.errors import TryAgain
from app.faults import InjectedFault
from app.models import Registration
from app.sending.endpoints import check_endpoint
from app.subscriptions import NewSubscription
from app.web.api.body import Body, Text, read
from app.web.api.describe import NoContent, takes
from app.web.services import current_services
from app.web.visitor import Visitor, require_visitor

api = Blueprint("api_subscriptions", __name__)


def _decode(value: str) -> bytes:
    """Base64url with or without padding; browsers differ. Raises ValueError."""
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("must be base64url") from None


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _public_key(value: str) -> str:
    point = _decode(value)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("must be an uncompressed point on the curve P-256 (65 bytes)") from None
    if len(point) != 65:
        raise ValueError("must be an uncompressed point on the curve P-256 (65 bytes)")
    return _encode(point)


def _auth_secret(value: str) -> str:
    secret = _decode(value)
    if len(secret) != 16:
        raise ValueError(f"must be 16 bytes, is {len(secret)}")
    return _encode(secret)


PublicKey = Annotated[Text, Field(max_length=128), AfterValidator(_public_key)]
AuthSecret = Annotated[Text, Field(max_length=64), AfterValidator(_auth_secret)]
Endpoint = Annotated[Text, Field(min_length=1, max_length=4096)]


class Keys(Body):
    p256dh: PublicKey
    auth: AuthSecret


class SubscribeBody(Body):
    """`PushSubscription.toJSON()` as browsers write it, and the key it was made with."""

    endpoint: Endpoint
    expirationTime: float | None = None  # noqa: N815 (the Push API's own name)
    keys: Keys
    applicationServerKey: PublicKey | None = None  # noqa: N815


class UnsubscribeBody(Body):
    endpoint: Endpoint


class SubscribeAnswer(TypedDict):
    connection_id: str
    subscription_id: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Outcome of the transaction, and the device that lost the endpoint by it."""

    connection_id: str
    subscription_id: int
    created: bool
    ended: devices.Ended | None


@api.post("/subscribe")
@takes(SubscribeBody)
def subscribe() -> tuple[SubscribeAnswer, Literal[200, 201]]:
    """Store this device's push subscription: 201 when it is new, 200 when it was known (W-6)."""
    visitor = require_visitor()
    services = current_services()
    body = read(SubscribeBody)
    check_endpoint(body.endpoint, services.settings)
    try:
        services.faults.reach("subscribe.before_store")
    except InjectedFault as fault:
        raise TryAgain(str(fault)) from None
    agent = request.user_agent.string
    new = new_subscription(body)
    done = services.database.write(lambda s: store_for_session(s, visitor.session_id, agent, new))
    services.faults.reach("subscribe.after_store")
    services.announce(done.ended)
    _report_stored(visitor, body, done)
    answer: SubscribeAnswer = {
        "connection_id": done.connection_id,
        "subscription_id": done.subscription_id,
    }
    return answer, 201 if done.created else 200


@api.post("/unsubscribe")
@takes(UnsubscribeBody)
def unsubscribe() -> NoContent:
    """Forget the endpoint, if it is this device's."""
    visitor = require_visitor()
    body = read(UnsubscribeBody)
    services = current_services()
    removed = services.database.write(lambda s: _unsubscribe(s, visitor.session_id, body.endpoint))
    if removed:
        services.journal.write(
            "subscription.removed",
            user_id=visitor.user_id,
            endpoint=body.endpoint,
            summary="The App Server forgot the subscription: the device unsubscribed.",
        )
    return "", 204


def new_subscription(body: SubscribeBody) -> NewSubscription:
    return NewSubscription(
        endpoint=body.endpoint,
        p256dh=body.keys.p256dh,
        auth=body.keys.auth,
        application_server_key=body.applicationServerKey,
    )


def store_for_session(
    session: Session, session_id: str, agent: str, new: NewSubscription
) -> Subscribed:
    """Make the session a device, when it is none yet, and keep the subscription for it."""
    device = devices.ensure_device(session, session_id, agent)
    stored = subscriptions.store(session, device, new)
    ended = _end_former(session, stored.former_connection_id)
    return Subscribed(device.connection_id, stored.subscription_id, stored.created, ended)


def _end_former(session: Session, connection_id: str | None) -> devices.Ended | None:
    if connection_id is None:
        return None
    former = session.get_one(Registration, connection_id)
    return devices.sign_out(session, former.session_id)


def _unsubscribe(session: Session, session_id: str, endpoint: str) -> bool:
    device = devices.find_by_session(session, session_id)
    return device is not None and subscriptions.remove_by_endpoint(
        session, device.connection_id, endpoint
    )


def _report_stored(visitor: Visitor, body: SubscribeBody, done: Subscribed) -> None:
    known = "stored" if done.created else "knew already"
    current_services().journal.write(
        "subscription.stored",
        user_id=visitor.user_id,
        step=6,
        connection_id=done.connection_id,
        endpoint=body.endpoint,
        summary=f"The App Server {known} the subscription of this device.",
        detail={
            "status": 201 if done.created else 200,
            "created": done.created,
            "p256dh": body.keys.p256dh,
            "applicationServerKey": body.applicationServerKey,
            "answer": {
                "connection_id": done.connection_id,
                "subscription_id": done.subscription_id,
            },
        },
    )
