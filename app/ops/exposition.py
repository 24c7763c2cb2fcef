"""`/metrics`: the counters of this process, gauges of it, and in a process with pages what the
database tells of all. Made by wiring; what each name means stands in docs/operations.md."""

import logging
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.pool import QueuePool

from app import metrics
from app.db import Database
from app.ops.cluster import Cluster

log = logging.getLogger(__name__)


class Gauges(Collector):
    """Read when somebody asks. `connections`: None without a node; `pauses`: of the sender, push
    services that it leaves alone; `look`: None in a process without pages."""

    def __init__(
        self,
        database: Database,
        connections: Callable[[], int | None],
        pauses: Callable[[], dict[str, float]],
        look: Callable[[], Cluster] | None,
    ) -> None:
        self._database = database
        self._connections = connections
        self._pauses = pauses
        self._look = look

    def collect(self) -> Iterator[Metric]:
        yield from metrics.REGISTRY.collect()
        yield from self._of_this_process()
        if self._look is not None:
            yield from self._of_all(self._look)

    def _of_this_process(self) -> Iterator[Metric]:
        connections = self._connections()
        if connections is not None:
            yield _gauge("connections", "WebSockets that this process holds.", connections)
        yield _gauge("writer_waiting", "Work that waits for the writer.", self._database.waiting)
        pool = self._database.engine.pool
        if isinstance(pool, QueuePool):
            in_use = "Database connections in use."
            yield _gauge("database_connections_in_use", in_use, pool.checkedout())
        paused = GaugeMetricFamily(
            "pushlab_breaker_open",
            "1 for each push service that the sender leaves alone.",
            labels=["push_service"],
        )
        for label in sorted({metrics.service_label(origin) for origin in self._pauses()}):
            paused.add_metric([label], 1)
        yield paused

    def _of_all(self, look: Callable[[], Cluster]) -> Iterator[Metric]:
        """While the database is away the rest is told all the same."""
        try:
            cluster = look()
        except Exception:
            log.warning("the database does not tell how everything does", exc_info=True)
            cluster = None
        yield _gauge("database_up", "1 when the database answered.", int(cluster is not None))
        if cluster is not None:
            yield from _of_cluster(cluster)


def _of_cluster(cluster: Cluster) -> Iterator[Metric]:
    silent = GaugeMetricFamily(
        "pushlab_node_silent_seconds", "Seconds since a node's last heartbeat.", labels=["node"]
    )
    for name, seconds in cluster.nodes.items():
        silent.add_metric([name], seconds)
    yield silent
    yield _gauge("nodes", "Nodes that are registered.", len(cluster.nodes))
    yield _gauge("pending_notifications", "Not yet acknowledged.", cluster.pending)
    queued = GaugeMetricFamily(
        "pushlab_outbox_messages", "Messages to hand over.", labels=["push_service"]
    )
    oldest = GaugeMetricFamily(
        "pushlab_outbox_oldest_seconds", "Age of the oldest of them.", labels=["push_service"]
    )
    for origin, queue in cluster.queues.items():
        queued.add_metric([origin], queue.messages)
        oldest.add_metric([origin], queue.oldest)
    yield queued
    yield oldest


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"pushlab_{name}", meaning, value=value)


def registry_of(gauges: Gauges) -> CollectorRegistry:
    """What is written out for whoever asks this process."""
    registry = CollectorRegistry()
    registry.register(gauges)
    return registry


def encode(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The text in the format that `accept` (a header) asks for, and its media type."""
    encoder, media_type = choose_encoder(accept)
    return encoder(registry), media_type
