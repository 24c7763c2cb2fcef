"""Health, for supervisors and load balancers."""

from flask import Blueprint
from sqlalchemy import text

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
