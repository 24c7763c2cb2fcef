"""What this process counts, in memory, with the names that Prometheus reads. Any layer above counts
here: `metrics.CREATED.inc()`. Read by `app.ops`; what each name means stands in docs/operations.md.

One set per process, as there is one process per role: nothing is shared, and nothing is written."""

import threading
from functools import lru_cache
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

REGISTRY: Final = CollectorRegistry()

#: Seconds; a push service that answers in under 5 ms is our own.
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: Push services with series of their own; those that come later share `OTHERS`. Whoever subscribes
#: chooses the host, so without a bound they could be any number.
SERVICES: Final = 50
OTHERS: Final = "others"


# They are a second series for each one, which says when this process began.
disable_created_metrics()  # type: ignore[no-untyped-call]


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(f"pushlab_{name}", meaning, labels, registry=REGISTRY)


CREATED: Final = _counter("notifications_created", "Notifications stored.")
EXPIRED: Final = _counter("notifications_expired", "Notifications given up by the expiry.")
DELIVERED: Final = _counter("notifications_delivered", "Frames written to devices' WebSockets.")
ACKNOWLEDGED: Final = _counter("notifications_acknowledged", "Acknowledged over WebSockets.")
REPLAYS: Final = _counter("replays", "Connections that have got all that waited for them.")
HANDSHAKES: Final = _counter("handshakes", "WebSocket handshakes, by what came of them.", "result")
RINGS: Final = _counter("rings", "Rings handed to the bus, by what came of them.", "result")
SWEEPS: Final = _counter("sweeps", "Sweeps of this process's node.")
SWEEP_FAILURES: Final = _counter("sweep_failures", "Parts of a sweep that failed.")
HEARTBEAT_FAILURES: Final = _counter("heartbeat_failures", "Heartbeats that did not get through.")
TRANSACTIONS: Final = _counter("transactions", "Transactions committed by the writer.")
JOURNAL_DROPPED: Final = _counter("journal_dropped", "Events that the journal had no room for.")
SENDS: Final = _counter(
    "sends", "Web Push requests, by push service and answer.", "push_service", "answer"
)
SEND_SECONDS: Final = Histogram(
    "pushlab_send_seconds",
    "How long a push service took to answer.",
    ["push_service"],
    buckets=BUCKETS,
    registry=REGISTRY,
)
ProcessCollector(registry=REGISTRY)

for _result in ("admitted", "refused", "busy"):
    HANDSHAKES.labels(_result)
for _result in ("handed over", "failed"):
    RINGS.labels(_result)

_services: set[str] = set()
_adding = threading.Lock()


def service_label(origin: str) -> str:
    """The origin of a push service, or `OTHERS` when there are too many."""
    if origin not in _services:
        with _adding:
            if len(_services) >= SERVICES:
                return OTHERS
            _services.add(origin)
    return origin


def count_send(origin: str, answer: str, seconds: float) -> None:
    """One Web Push request to that push service. `answer`: see `sending.outcome.Outcome.answer`."""
    label = service_label(origin)
    _sends(label, answer).inc()
    if answer != "ours":
        _send_seconds(label).observe(seconds)


#: Finding a series costs more than counting in it.
_sends = lru_cache(SENDS.labels)
_send_seconds = lru_cache(SEND_SECONDS.labels)
