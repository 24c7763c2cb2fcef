"""What one process says of itself: its gauges, and its counters since it started. A row of
`process_samples`, written over again and again. Functions of a session; called by `ops.watch`."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, cast

from prometheus_client.metrics_core import Metric
from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.orm import Session

from app import metrics
from app.db import database_now
from app.models import ProcessSample
from app.pns.node import Node
from app.sending.sender import Sender

#: Seconds after which a process that says nothing is no longer shown.
SILENT = 60.0
CORE = {"synchronize_session": False}

#: What is added up over all processes, by the name of the counter.
COUNTS = {
    "created": "pushlab_notifications_created_total",
    "expired": "pushlab_notifications_expired_total",
    "delivered": "pushlab_notifications_delivered_total",
    "acknowledged": "pushlab_notifications_acknowledged_total",
    "replays": "pushlab_replays_total",
    "handshakes": "pushlab_handshakes_total",
    "sweeps": "pushlab_sweeps_total",
    "sweep_failures": "pushlab_sweep_failures_total",
    "heartbeat_failures": "pushlab_heartbeat_failures_total",
    "journal_dropped": "pushlab_journal_dropped_total",
}


@dataclass(frozen=True, slots=True)
class Service:
    """A push service as one sender knows it. `seconds`: how many answers came within each of
    `metrics.BUCKETS`, and at the end how many later. `paused_until`: seconds since the epoch."""

    answers: dict[str, int] = field(default_factory=dict)
    seconds: list[int] = field(default_factory=lambda: [0] * (len(metrics.BUCKETS) + 1))
    paused_until: float | None = None

    @classmethod
    def from_row(cls, data: dict[str, Any]) -> "Service":
        """Times by other bounds than ours are left out: nobody can add them to ours."""
        one = cls(**_known(cls, data))
        ours = cls().seconds
        return one if len(one.seconds) == len(ours) else replace(one, seconds=ours)


@dataclass(frozen=True, slots=True)
class Sample:
    """`node` is the name of its incarnation, None without the role; `connections` likewise."""

    roles: list[str] = field(default_factory=list)
    pid: int = 0
    started_at: float = 0.0
    node: str | None = None
    connections: int | None = None
    writer_waiting: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    rings_failed: int = 0
    services: dict[str, Service] = field(default_factory=dict)

    @classmethod
    def from_row(cls, data: dict[str, Any]) -> "Sample":
        """A process of another version may have written it, while old and new run side by side:
        what we do not know is left out, and what it does not know has its default."""
        services = data.get("services", {}).items()
        opened = {name: Service.from_row(one) for name, one in services}
        return cls(**_known(cls, data) | {"services": opened})


def _known(kind: type[Service] | type[Sample], data: dict[str, Any]) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in data.items() if name in names}


@dataclass(frozen=True, slots=True)
class Told:
    """What a process said, and how many seconds ago."""

    sample: Sample
    ago: float


def take(
    *,
    roles: Iterable[str],
    pid: int,
    started_at: float,
    writer_waiting: int,
    node: Node | None,
    sender: Sender | None,
) -> Sample:
    """How this process does now."""
    return Sample(
        roles=sorted(roles),
        pid=pid,
        started_at=started_at,
        node=node.public_name if node else None,
        connections=len(node.connections) if node else None,
        writer_waiting=writer_waiting,
        counts=counted(),
        rings_failed=rings_failed(),
        services=services(sender.pauses if sender else {}),
    )


def counted() -> dict[str, int]:
    """This process's counters of `COUNTS`."""
    values: dict[str, float] = {}
    for family in metrics.REGISTRY.collect():
        for one in family.samples:
            values[one.name] = values.get(one.name, 0) + one.value
    return {name: int(values[metric]) for name, metric in COUNTS.items()}


def rings_failed() -> int:
    return sum(
        int(one.value)
        for one in _family(metrics.RINGS).samples
        if one.name.endswith("_total") and one.labels["result"] == "failed"
    )


def services(pauses: dict[str, float]) -> dict[str, Service]:
    """What this process knows of push services; `pauses`: those that it leaves alone, and until
    when."""
    found: dict[str, Service] = {
        metrics.service_label(origin): Service(paused_until=until)
        for origin, until in pauses.items()
    }
    for one in _family(metrics.SENDS).samples:
        if one.name.endswith("_total"):
            known = found.setdefault(one.labels["push_service"], Service())
            known.answers[one.labels["answer"]] = int(one.value)
    for origin, seconds in _seconds().items():
        found.setdefault(origin, Service()).seconds[:] = seconds
    return found


def _seconds() -> dict[str, list[int]]:
    """By push service; Prometheus counts what came within each bound, ours what came between."""
    within: dict[str, list[int]] = {}
    for one in _family(metrics.SEND_SECONDS).samples:
        if one.name.endswith("_bucket"):
            within.setdefault(one.labels["push_service"], []).append(int(one.value))
    return {
        origin: [upper - lower for lower, upper in zip([0, *counts], counts, strict=False)]
        for origin, counts in within.items()
    }


def _family(metric: Any) -> Metric:
    return cast(Metric, next(iter(metric.collect())))


def write(session: Session, process_id: str, sample: Sample) -> None:
    values = {"at": database_now(), "data": asdict(sample)}
    mine = update(ProcessSample).where(ProcessSample.process_id == process_id).values(values)
    result = session.execute(mine, execution_options=CORE)
    if not cast(CursorResult[Any], result).rowcount:
        session.execute(insert(ProcessSample).values(process_id=process_id, **values))


def end(session: Session, process_id: str) -> None:
    """The process ends and says so."""
    session.execute(
        delete(ProcessSample).where(ProcessSample.process_id == process_id), execution_options=CORE
    )


def forget_silent(session: Session) -> None:
    old = ProcessSample.at < database_now() - SILENT
    session.execute(delete(ProcessSample).where(old), execution_options=CORE)


def read_all(session: Session) -> dict[str, Told]:
    """By process id."""
    age = database_now() - ProcessSample.at
    rows = session.execute(select(ProcessSample.process_id, ProcessSample.data, age)).all()
    return {
        process_id: Told(Sample.from_row(data), max(0.0, float(ago)))
        for process_id, data, ago in rows
    }
