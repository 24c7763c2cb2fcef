"""Lab mode only: a new run, the token for the push service's lab face, fault switches, and for
tests and the supervisor (with the lab secret) everybody's journal."""

import base64
import hashlib
import hmac
import json
from typing import Annotated, Any, Literal

from flask import Blueprint, request
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app import accounts, clock, journal
from app.errors import NotFound, SignedOut
from app.journal import JournalPage, page_of, read_all
from app.models import PushSubscription, User
from app.web.api.body import Body, read
from app.web.api.describe import NoContent, Time, takes
from app.web.api.journal import AFTER
from app.web.services import current_services
from app.web.visitor import find_visitor, require_visitor, write_as

api = Blueprint("api_lab", __name__)

TOKEN_SECONDS = 3600


class FaultBody(Body):
    kind: Literal["crash", "fail", "hold"] = "fail"
    #: How often; null means until it is switched off.
    times: Annotated[int, Field(ge=1, le=1000)] | None = 1


class RunAnswer(TypedDict):
    run_id: str


class LabToken(TypedDict):
    """Where the push service is, and the bearer token for its lab face."""

    url: str
    token: str
    expires_at: Time


class ArmedFault(TypedDict):
    """`times` is null for a fault that stays until it is switched off."""

    kind: Literal["crash", "fail", "hold"]
    times: int | None


class ArmedFaults(TypedDict):
    """By the name of the fault point."""

    faults: dict[str, ArmedFault]


@api.post("/runs")
def start_run() -> tuple[RunAnswer, Literal[201]]:
    """A new run: an empty diagram. What the journal has of the former one is forgotten, for nobody
    can come back to it."""
    visitor, services = require_visitor(), current_services()
    services.journal.flush()  # what was told until now belongs to the former one
    run_id = write_as(visitor, _start_run)
    services.hint([visitor.user_id], "journal")
    return {"run_id": run_id}, 201


def _start_run(session: Session, user: User) -> str:
    journal.forget(session, user.run_id, [])
    return accounts.start_run(session, user.id)


@api.get("/lab/token")
def lab_token() -> LabToken:
    """A token with which the page may read what the push service's journal has of this run: of the
    user's endpoints, since the run began."""
    visitor = require_visitor()
    services = current_services()
    with services.database.read() as session:
        endpoints = _endpoint_tokens(session, visitor.user_id)
        since = accounts.run_began_at(session, visitor.user_id)
    expires_at = clock.now() + TOKEN_SECONDS
    scope = {"run": visitor.run_id, "endpoints": endpoints, "since": since}
    claims = scope | {"exp": int(expires_at)}
    return {
        "url": services.settings.push_service_url or "",
        "token": _sign(claims, _lab_secret()),
        "expires_at": clock.iso(expires_at),
    }


def _endpoint_tokens(session: Session, user_id: int) -> list[str]:
    """The last path segment of each endpoint of the user is the push service's token for it."""
    mine = select(PushSubscription.endpoint).where(PushSubscription.user_id == user_id)
    return [endpoint.rsplit("/", 1)[-1] for endpoint in session.scalars(mine)]


def _sign(claims: dict[str, Any], secret: bytes) -> str:
    body = _base64url(json.dumps(claims).encode())
    return f"{body}.{_base64url(hmac.digest(secret, body.encode(), hashlib.sha256))}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _lab_secret() -> bytes:
    secret = current_services().settings.lab_secret
    if secret is None:
        raise NotFound("This lab was started without a secret for its push service.")
    return secret.get_secret_value().encode()


@api.get("/lab/faults")
@takes(caller="lab-user")
def list_faults() -> ArmedFaults:
    """Which fault switches are on."""
    require_lab_user()
    armed = current_services().faults.armed()
    return {"faults": {name: {"kind": on.kind, "times": on.times} for name, on in armed.items()}}


@api.put("/lab/faults/<point>")
@takes(FaultBody, caller="lab-user")
def arm(point: str) -> NoContent:
    """Switch a fault on."""
    require_lab_user()
    body = read(FaultBody)
    try:
        current_services().faults.arm(point, body.kind, body.times)
    except KeyError:
        raise NotFound("There is no fault point of that name.") from None
    return "", 204


@api.delete("/lab/faults/<point>")
@takes(caller="lab-user")
def disarm(point: str) -> NoContent:
    """Switch a fault off."""
    require_lab_user()
    current_services().faults.disarm(point)
    return "", 204


@api.get("/lab/journal")
@takes(query=(AFTER,), caller="lab-secret")
def whole_journal() -> JournalPage:
    """Every run's events, for whoever holds the lab secret."""
    if not _has_lab_secret():
        raise SignedOut("Send the lab secret: Authorization: Bearer …")
    services = current_services()
    services.journal.flush()
    after = AFTER.read()
    with services.database.read() as session:
        return page_of(read_all(session, after), after)


def require_lab_user() -> None:
    """Whoever is signed in at this laptop, or holds the lab secret."""
    if not _has_lab_secret() and find_visitor() is None:
        raise SignedOut()


def _has_lab_secret() -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme == "Bearer" and hmac.compare_digest(given.encode(), _lab_secret())
