"""The last minutes of all processes together, in memory: what they told each time, turned into what
happened in between. Pure; fed by `ops.watch`, read by `GET /api/ops`."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.metrics import BUCKETS
from app.ops.cluster import Cluster
from app.ops.sample import COUNTS, Sample, Service, Told

#: Points that are kept: fifteen minutes of one each five seconds.
KEPT = 180

#: What operators want to tell apart, by what came back.
KINDS = {
    "delivered": ("201", "2xx"),
    "gone": ("404", "410"),
    "slow_down": ("429",),
    "refused": ("400", "401", "403", "413", "3xx", "4xx"),
    "failed": ("408", "425", "5xx", "none"),
    "ours": ("ours",),
}
_KIND_OF = {answer: kind for kind, answers in KINDS.items() for answer in answers}


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was sent to one push service within some time."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)

    def add(self, other: "Traffic") -> None:
        self.answers.update(other.answers)
        self.seconds.update(other.seconds)

    @property
    def sent(self) -> int:
        return self.answers.total()

    @property
    def kinds(self) -> Counter[str]:
        """By `KINDS`; an answer outside of them failed."""
        found: Counter[str] = Counter()
        for answer, number in self.answers.items():
            found[_KIND_OF.get(answer, "failed")] += number
        return found


@dataclass(frozen=True, slots=True)
class Point:
    """One look at everything. Counts are of the time since the point before."""

    at: float
    connections: int
    pending: int
    queued: int
    oldest: float
    counts: Counter[str]
    traffic: dict[str, Traffic]

    @property
    def together(self) -> Traffic:
        whole = Traffic()
        for one in self.traffic.values():
            whole.add(one)
        return whole


class History:
    """A process that is seen for the first time begins to count there, unless it has just begun
    itself: what it did before nobody watched."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=KEPT)
        self._last: dict[str, Sample] = {}
        self._looked_at: float | None = None
        self.cluster = Cluster()
        self.processes: dict[str, Told] = {}

    @property
    def points(self) -> Sequence[Point]:
        return tuple(self._points)

    def add(self, now: float, processes: Mapping[str, Told], cluster: Cluster) -> None:
        counts: Counter[str] = Counter()
        traffic: dict[str, Traffic] = {}
        for process_id, told in processes.items():
            before = self._before(process_id, told.sample)
            counts.update(_counts_between(before, told.sample))
            for origin, one in _traffic_between(before, told.sample).items():
                traffic.setdefault(origin, Traffic()).add(one)
        self._points.append(
            Point(
                at=now,
                connections=sum(told.sample.connections or 0 for told in processes.values()),
                pending=cluster.pending,
                queued=cluster.queued,
                oldest=cluster.oldest,
                counts=+counts,
                traffic=traffic,
            )
        )
        self._last = {process_id: told.sample for process_id, told in processes.items()}
        self._looked_at = now
        self.cluster, self.processes = cluster, dict(processes)

    def _before(self, process_id: str, sample: Sample) -> Sample:
        known = self._last.get(process_id)
        if known is not None:
            return known
        is_new = self._looked_at is not None and sample.started_at >= self._looked_at
        return Sample([], 0, 0) if is_new else sample

    def traffic(self) -> dict[str, Traffic]:
        """By push service, what was sent in all the time that is kept."""
        found: dict[str, Traffic] = {}
        for point in self._points:
            for origin, one in point.traffic.items():
                found.setdefault(origin, Traffic()).add(one)
        return found

    def pauses(self) -> dict[str, float]:
        """By push service, the last moment at which a sender leaves it alone."""
        ends: dict[str, float] = {}
        for told in self.processes.values():
            for origin, service in told.sample.services.items():
                if service.paused_until is not None:
                    ends[origin] = max(ends.get(origin, 0.0), service.paused_until)
        return ends


def _counts_between(before: Sample, after: Sample) -> dict[str, int]:
    grown = {name: after.counts.get(name, 0) - before.counts.get(name, 0) for name in COUNTS}
    return grown | {"rings_failed": after.rings_failed - before.rings_failed}


def _traffic_between(before: Sample, after: Sample) -> dict[str, Traffic]:
    found = {
        origin: _grown(before.services.get(origin, Service()), service)
        for origin, service in after.services.items()
    }
    return {origin: one for origin, one in found.items() if one.sent}


def _grown(before: Service, after: Service) -> Traffic:
    answers = Counter(after.answers)
    answers.subtract(before.answers)
    seconds = zip(before.seconds, after.seconds, strict=True)
    grown = Counter({at: late - early for at, (early, late) in enumerate(seconds)})
    return Traffic(+answers, +grown)


def quantile(seconds: Mapping[int, int], share: float, bounds: Iterable[float] = BUCKETS) -> float:
    """How many seconds that share of the answers took at most, as well as buckets can tell: evenly
    spread within each. What is beyond the last bound counts as the last bound."""
    limits = [0.0, *bounds]
    wanted = share * sum(seconds.values())
    for number, upper in enumerate(limits[1:]):
        inside = seconds.get(number, 0)
        if inside and wanted <= inside:
            lower = limits[number]
            return lower + (upper - lower) * wanted / inside
        wanted -= inside
    return limits[-1]
