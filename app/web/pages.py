"""The pages. Each is a template; what changes on it comes by the JSON API."""

from typing import Any

from flask import Blueprint, render_template
from flask_login import login_required
from werkzeug.local import LocalProxy

from app import clock, devices, mute
from app.codelab.steps import STEPS
from app.errors import NotFound
from app.models import User
from app.notifications import status
from app.web.auth import ButtonForm
from app.web.operators import is_operator, require_operator
from app.web.services import current_services
from app.web.visitor import Visitor, find_visitor, require_visitor

pages = Blueprint("pages", __name__)


@pages.get("/")
def home() -> str:
    return render_template("home.html", steps=STEPS)


@pages.get("/devices", endpoint="devices")
@login_required  # type: ignore[untyped-decorator]
def devices_page() -> str:
    return render_template("devices.html")


@pages.get("/account")
@login_required  # type: ignore[untyped-decorator]
def account() -> str:
    visitor = require_visitor()
    with current_services().database.read() as session:
        until = mute.still(session.get_one(User, visitor.user_id).muted_until)
    return render_template("account.html", account_muted_until=clock.iso(until) if until else None)


@pages.get("/notifications/<notification_id>")
@login_required  # type: ignore[untyped-decorator]
def notification(notification_id: str) -> str:
    """What became of one of the visitor's own, device by device; nobody sees another's devices."""
    visitor = require_visitor()
    with current_services().database.read() as session:
        found = status.what_became_of(session, visitor.user_id, notification_id)
    if found is None:
        raise NotFound("You have no such notification, or it has expired.")
    return render_template("became.html", found=found, iso=clock.iso)


@pages.get("/ops")
@login_required  # type: ignore[untyped-decorator]
def ops() -> str:
    """How everything does, for operators."""
    require_operator()
    return render_template("ops.html")


@pages.get("/offline")
def offline() -> str:
    """Kept by the service worker; shown when there is no network, so it names nobody."""
    return render_template("offline.html")


def page_context() -> dict[str, Any]:
    """What every template may use: `user`, `device`, when that alerts again, `lab`, whether the
    user is an operator, and the two forms that are a button.
    A form is made where a page has it: it begins a session, which a page without one must not."""
    visitor = find_visitor()
    return {
        "user": visitor,
        **(_device_context(visitor) if visitor else {"device": None, "muted_until": None}),
        "lab": current_services().settings.lab,
        "operator": is_operator(visitor),
        "guest_form": LocalProxy(_button_form),
        "logout_form": LocalProxy(_button_form),
    }


def _button_form() -> ButtonForm:
    """It does not look at what was sent: the page may be the one that says it cannot be read."""
    return ButtonForm(formdata=None)


def _device_context(visitor: Visitor) -> dict[str, Any]:
    with current_services().database.read() as session:
        record = devices.find_by_session(session, visitor.session_id)
        until = mute.end_for(session, visitor.user_id, record)
    return {"device": record, "muted_until": clock.iso(until) if until else None}
