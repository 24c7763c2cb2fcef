"""Health, for supervisors and load balancers; numbers, for Prometheus."""

from flask import Blueprint, Response, request
from sqlalchemy import text

from app.ops import exposition
from app.web.operators import require_operator_or_token
from app.web.services import current_services

pages = Blueprint("ops", __name__)


@pages.get("/healthz")
def healthz() -> dict[str, str]:
    """This process answers."""
    return {"status": "ok"}


@pages.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """This process can work: its database answers, and its node takes connections."""
    services = current_services()
    try:
        with services.database.read() as session:
            session.execute(text("SELECT 1"))
    except Exception:
        return {"status": "the database does not answer"}, 503
    if services.node is None:
        return {"status": "ok"}, 200
    if not services.node.node_uri:
        return {"status": "the node takes no connections"}, 503
    return {"status": "ok", "node": services.node.public_name}, 200


@pages.get("/metrics")
def metrics() -> Response:
    """What this process counts; in a process with pages also what the database tells of all."""
    require_operator_or_token()
    accept = request.headers.get("Accept", "")
    text, media_type = exposition.encode(current_services().metrics, accept)
    response = Response(text, content_type=media_type)
    response.headers["Cache-Control"] = "no-store"
    return response
