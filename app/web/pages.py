"""The pages. Each is a template; what changes on it comes by the JSON API."""

from typing import Any

from flask import Blueprint, render_template
from flask_login import login_required

from app import devices
from app.web.auth import ButtonForm
from app.web.services import current_services
from app.web.visitor import Visitor, find_visitor

pages = Blueprint("pages", __name__)


@pages.get("/")
def home() -> str:
    return render_template("home.html")


@pages.get("/codelab")
@login_required  # type: ignore[untyped-decorator]
def codelab() -> str:
    return render_template("codelab.html")


@pages.get("/devices", endpoint="devices")
@login_required  # type: ignore[untyped-decorator]
def devices_page() -> str:
    return render_template("devices.html")


@pages.get("/account")
@login_required  # type: ignore[untyped-decorator]
def account() -> str:
    return render_template("account.html")


@pages.get("/offline")
def offline() -> str:
    """Kept by the service worker; shown when there is no network, so it names nobody."""
    return render_template("offline.html")


def page_context() -> dict[str, Any]:
    """What every template may use: `user`, `device`, `lab` and the two forms that are a button.
    They do not look at what was sent: the page may be the one that says that it cannot be read."""
    visitor = find_visitor()
    return {
        "user": visitor,
        "device": _device(visitor) if visitor else None,
        "lab": current_services().settings.lab,
        "guest_form": ButtonForm(formdata=None),
        "logout_form": ButtonForm(formdata=None),
    }


def _device(visitor: Visitor) -> dict[str, str] | None:
    with current_services().database.read() as session:
        record = devices.find_by_session(session, visitor.session_id)
    return {"connection_id": record.connection_id, "name": record.device_name} if record else None
