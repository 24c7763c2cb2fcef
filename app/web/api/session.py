"""What the server knows of the caller and this device; the public half of our VAPID key (W-1)."""

from typing import Any

from flask import Blueprint

from app import devices, subscriptions
from app.web.services import current_services
from app.web.visitor import Visitor, find_visitor, require_visitor

api = Blueprint("api_session", __name__)


@api.get("/vapid-public-key")
def vapid_public_key() -> dict[str, str]:
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
def session() -> dict[str, Any]:
    visitor = require_visitor()
    return {
        "user": {"name": visitor.name, "guest": visitor.guest},
        "run_id": visitor.run_id,
        "last_seq": visitor.last_seq,
        "lab": current_services().settings.lab,
        **_device(visitor),
    }


def _device(visitor: Visitor) -> dict[str, Any]:
    with current_services().database.read() as reading:
        record = devices.find_by_session(reading, visitor.session_id)
        if record is None:
            return {"connection_id": None, "subscription": None}
        known = subscriptions.find_of_device(reading, record.connection_id)
    shown = {"endpoint": known.endpoint, "last_status": known.last_status} if known else None
    return {"connection_id": record.connection_id, "subscription": shown}
