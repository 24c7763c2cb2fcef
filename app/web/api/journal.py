"""The run's journal: read by its owner, written to by the page and its service worker."""

import json
from typing import Annotated, Any, Literal

from flask import Blueprint, request
from pydantic import AfterValidator, Field, JsonValue

from app import clock
from app.errors import InvalidInput
from app.journal import read_run
from app.web.api.body import Body, Text, read
from app.web.services import current_services
from app.web.visitor import require_visitor

api = Blueprint("api_journal", __name__)

DETAIL_BYTES = 16 * 1024


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
    connection_id: Annotated[Text, Field(max_length=36)] | None = None
    endpoint: Annotated[Text, Field(max_length=4096)] | None = None
    detail: Annotated[dict[str, JsonValue], AfterValidator(_fits)] = {}


class ReportBody(Body):
    events: Annotated[list[ReportedEvent], Field(min_length=1, max_length=50)]


@api.get("/journal")
def read_journal() -> dict[str, Any]:
    visitor = require_visitor()
    services = current_services()
    services.journal.flush()
    after = read_cursor()
    with services.database.read() as session:
        events = read_run(session, visitor.run_id, after)
    return {"events": events, "cursor": events[-1]["id"] if events else after}


@api.post("/journal")
def report() -> tuple[str, int]:
    visitor = require_visitor()
    journal = current_services().journal
    for event in read(ReportBody).events:
        fields = event.model_dump(exclude={"kind", "at"})
        at = event.at if event.at is not None and _is_recent(event.at) else clock.now()
        journal.write(event.kind, user_id=visitor.user_id, at=at, **fields)
    return "", 204


def read_cursor() -> int:
    """`?after=<id>`; raises InvalidInput."""
    text = request.args.get("after", "0")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise InvalidInput.field("after", "must be the cursor of an earlier answer, a number")
    return int(text)


def _is_recent(at: float) -> bool:
    """A browser's clock may be wrong by days; its times would tear the diagram apart."""
    return abs(at - clock.now()) < 3600
