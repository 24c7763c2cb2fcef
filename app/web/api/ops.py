"""How everything does: the last minutes of all processes together, for operators. Endpoints are
never here, only the push services they are at: an endpoint is a capability."""

from flask import Blueprint
from typing_extensions import TypedDict

from app import clock
from app.ops.history import History, Point, Traffic, quantile
from app.ops.sample import Told
from app.ops.watch import EVERY
from app.web.api.describe import Time, takes
from app.web.operators import require_operator
from app.web.services import current_services

api = Blueprint("api_ops", __name__)


class PointAnswer(TypedDict):
    """One look. Counts are of the time since the look before; `p50` and `p95` are seconds, null
    when nothing was sent; `delivered`, `gone`, `slow_down`, `refused`, `failed` and `ours` are what
    became of what was sent; `troubles` counts what should not happen: lost rings and heartbeats,
    failed sweeps, events that the journal dropped."""

    at: float
    connections: int
    pending: int
    outbox: int
    oldest_seconds: float
    created: int
    acknowledged: int
    delivered: int
    gone: int
    slow_down: int
    refused: int
    failed: int
    ours: int
    p50: float | None
    p95: float | None
    troubles: int


class ProcessAnswer(TypedDict):
    """A process that told something within the last minute. `node` is the name of its incarnation
    and `silent_seconds` the age of its last heartbeat: null for a process that is no node."""

    roles: list[str]
    pid: int | None
    node: str | None
    connections: int | None
    silent_seconds: float | None
    told_seconds: float | None
    started_at: Time | None
    writer_waiting: int


class ServiceAnswer(TypedDict):
    """A push service, by its origin. `answers`: how often it answered what, in all the time that
    the points tell of; `paused_seconds`: for how long it is left alone, null when it is not."""

    origin: str
    queued: int
    oldest_seconds: float
    sent: int
    delivered: int
    failed: int
    answers: dict[str, int]
    p50: float | None
    p95: float | None
    paused_seconds: float | None


class OpsAnswer(TypedDict):
    """`every`: seconds between two points."""

    at: float
    every: float
    points: list[PointAnswer]
    processes: list[ProcessAnswer]
    services: list[ServiceAnswer]


@api.get("/ops")
@takes(caller="operator")
def how_everything_does() -> OpsAnswer:
    """The last fifteen minutes, the processes, and the push services, the worst ones first."""
    require_operator()
    history = current_services().watch.history
    return {
        "at": clock.now(),
        "every": EVERY,
        "points": [_point(point) for point in history.points],
        "processes": _processes(history),
        "services": _services(history),
    }


def _point(point: Point) -> PointAnswer:
    counts, traffic = point.counts, point.together
    kinds = traffic.kinds
    troubles = ("rings_failed", "sweep_failures", "heartbeat_failures", "journal_dropped")
    return {
        "at": point.at,
        "connections": point.connections,
        "pending": point.pending,
        "outbox": point.queued,
        "oldest_seconds": point.oldest,
        "created": counts["created"],
        "acknowledged": counts["acknowledged"],
        "delivered": kinds["delivered"],
        "gone": kinds["gone"],
        "slow_down": kinds["slow_down"],
        "refused": kinds["refused"],
        "failed": kinds["failed"],
        "ours": kinds["ours"],
        "p50": _quantile(traffic, 0.5),
        "p95": _quantile(traffic, 0.95),
        "troubles": sum(counts[name] for name in troubles),
    }


def _quantile(traffic: Traffic, share: float) -> float | None:
    return quantile(traffic.seconds, share) if traffic.seconds else None


def _processes(history: History) -> list[ProcessAnswer]:
    """And the nodes that are registered though no process says that they are its own: they fell
    silent, or have just begun."""
    told = sorted(history.processes.values(), key=lambda one: (one.sample.roles, one.sample.pid))
    known = {one.sample.node for one in told}
    strangers = {
        name: age for name, age in sorted(history.cluster.nodes.items()) if name not in known
    }
    return [_process(one, history.cluster.nodes) for one in told] + [
        {
            "roles": ["node"],
            "pid": None,
            "node": name,
            "connections": None,
            "silent_seconds": age,
            "told_seconds": None,
            "started_at": None,
            "writer_waiting": 0,
        }
        for name, age in strangers.items()
    ]


def _process(told: Told, nodes: dict[str, float]) -> ProcessAnswer:
    sample = told.sample
    return {
        "roles": sample.roles,
        "pid": sample.pid,
        "node": sample.node or None,
        "connections": sample.connections,
        "silent_seconds": nodes.get(sample.node or ""),
        "told_seconds": told.ago,
        "started_at": clock.iso(sample.started_at),
        "writer_waiting": sample.writer_waiting,
    }


def _services(history: History) -> list[ServiceAnswer]:
    traffic, queues, pauses = history.traffic(), history.cluster.queues, history.pauses()
    now = clock.now()
    found = [
        _service(origin, traffic.get(origin, Traffic()), now, history)
        for origin in {*traffic, *queues, *pauses}
    ]
    return sorted(found, key=_badness)


def _service(origin: str, traffic: Traffic, now: float, history: History) -> ServiceAnswer:
    queue, until = history.cluster.queues.get(origin), history.pauses().get(origin)
    kinds = traffic.kinds
    return {
        "origin": origin,
        "queued": queue.messages if queue else 0,
        "oldest_seconds": queue.oldest if queue else 0.0,
        "sent": traffic.sent,
        "delivered": kinds["delivered"],
        "failed": kinds["failed"] + kinds["slow_down"],
        "answers": dict(sorted(traffic.answers.items())),
        "p50": _quantile(traffic, 0.5),
        "p95": _quantile(traffic, 0.95),
        "paused_seconds": until - now if until is not None and until > now else None,
    }


def _badness(service: ServiceAnswer) -> tuple[bool, float, float, str]:
    """Left alone first, then those that fail most, then the slowest."""
    failing = service["failed"] / service["sent"] if service["sent"] else 0.0
    slowness = service["p95"] or 0.0
    return service["paused_seconds"] is None, -failing, -slowness, service["origin"]
