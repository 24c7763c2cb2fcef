"""The run's journal: read by its owner, written to by the page and its service worker."""

import json
from typing import Annotated, Literal

from flask import Blueprint
from pydantic import AfterValidator, Field, JsonValue

from app import clock, devices
from app.journal import JournalPage, page_of, read_run
from app.web.api.body import Body, Text, read
from app.web.api.describe import NoContent, Number, takes
from app.web.budgets import current_budgets
from app.web.services import current_services
from app.web.visitor import require_visitor

api = Blueprint("api_journal", __name__)

DETAIL_BYTES = 16 * 1024
AFTER = Number("after", 0, 10**15, "The cursor of an earlier answer.")


def _fits(detail: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """JSON has no infinity, though its numbers may be too large for a float."""
    if len(json.dumps(detail, allow_nan=False)) > DETAIL_BYTES:
        raise ValueError(f"must not take more than {DETAIL_BYTES} bytes as JSON")
    return detail


class ReportedEvent(Body):
    """What a browser says that happened. Shown escaped, to its own user only."""

    actor: Literal["client", "service-worker"]
    kind: Annotated[str, Field(max_length=40, pattern=r"^[a-z]+[a-z0-9.-]*$")]
    step: Annotated[int, Field(ge=1, le=10)] | None = None
    at: float | None = None
    summary: Annotated[Text, Field(max_length=500)] = ""
    notification_id: Annotated[Text, Field(max_length=36)] | None = None
    endpoint: Annotated[Text, Field(max_length=4096)] | None = None
    detail: Annotated[dict[str, JsonValue], AfterValidator(_fits)] = {}


class ReportBody(Body):
    events: Annotated[list[ReportedEvent], Field(min_length=1, max_length=50)]


class RunPage(JournalPage):
    """With the run that it is of: another page of the same user may have begun a new one."""

    run_id: str | None


@api.get("/journal")
@takes(query=(AFTER,))
def read_journal() -> RunPage:
    """Events of the caller's run, oldest first."""
    visitor = require_visitor()
    services = current_services()
    services.journal.flush()
    after = AFTER.read()
    with services.database.read() as session:
        page = page_of(read_run(session, visitor.run_id, after), after)
    return {**page, "run_id": visitor.run_id}


@api.post("/journal")
@takes(ReportBody)
def report() -> NoContent:
    """What the page or the service worker did, for the caller's own run; of which device, its
    session tells."""
    visitor = require_visitor()
    services = current_services()
    events = read(ReportBody).events
    if not services.journal.enabled:
        return "", 204
    current_budgets().report.spend(f"user {visitor.user_id}", len(events))
    with services.database.read() as session:
        device = devices.find_by_session(session, visitor.session_id)
    connection_id = device.connection_id if device else None
    for event in events:
        fields = event.model_dump(exclude={"kind", "at"}) | {"connection_id": connection_id}
        at = event.at if event.at is not None and _is_recent(event.at) else clock.now()
        services.journal.write(event.kind, user_id=visitor.user_id, at=at, **fields)
    return "", 204


def _is_recent(at: float) -> bool:
    """A browser's clock may be wrong by days; its times would tear the diagram apart."""
    return abs(at - clock.now()) < 3600
