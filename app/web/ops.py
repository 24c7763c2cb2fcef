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
    """This process can work: its database answers."""
    try:
        with current_services().database.read() as session:
            session.execute(text("SELECT 1"))
    except Exception:
        return {"status": "the database does not answer"}, 503
    return {"status": "ok"}, 200
