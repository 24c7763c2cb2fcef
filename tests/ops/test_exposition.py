"""`/metrics` as Prometheus reads it."""

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from app import metrics
from app.config import ConfigError
from app.db import Database
from app.ops.cluster import Cluster, Queue
from app.ops.exposition import Gauges, encode, registry_of
from app.ops.listener import MetricsListener

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "https://push.example"
SEEN = Cluster({"abc": 1.5}, 12, {ORIGIN: Queue(3, 60.0)})


def gauges(database: Database, look: Cluster | None = SEEN) -> Gauges:
    return Gauges(database, lambda: 4, lambda: {ORIGIN: 9e9}, (lambda: look) if look else None)


@pytest.fixture
def registry(database: Database) -> CollectorRegistry:
    return registry_of(gauges(database))


def samples(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    """By name and the value of its labels, as a scraper reads them."""
    text, media_type = encode(registry, "")
    assert media_type.startswith("text/plain")
    return {
        (one.name, " ".join(one.labels.values())): one.value
        for family in text_string_to_metric_families(text.decode())
        for one in family.samples
    }


def test_gauges_are_told(registry: CollectorRegistry) -> None:
    told = samples(registry)
    assert told["pushlab_connections", ""] == 4
    assert told["pushlab_pending_notifications", ""] == 12
    assert told["pushlab_outbox_messages", ORIGIN] == 3
    assert told["pushlab_outbox_oldest_seconds", ORIGIN] == 60
    assert told["pushlab_node_silent_seconds", "abc"] == 1.5
    assert told["pushlab_breaker_open", ORIGIN] == 1
    assert told["pushlab_database_up", ""] == 1


def test_sends_are_counted_and_timed(registry: CollectorRegistry) -> None:
    before = samples(registry)
    metrics.count_send(ORIGIN, "429", 0.3)
    after = samples(registry)

    def grown(name: str, labels: str) -> float:
        return after[name, labels] - before.get((name, labels), 0)

    assert grown("pushlab_sends_total", f"429 {ORIGIN}") == 1
    assert grown("pushlab_send_seconds_bucket", f"0.25 {ORIGIN}") == 0
    assert grown("pushlab_send_seconds_bucket", f"0.5 {ORIGIN}") == 1


def test_openmetrics_is_told_to_whoever_asks(registry: CollectorRegistry) -> None:
    text, media_type = encode(registry, "application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    assert list(read_openmetrics(text.decode()))  # type: ignore[no-untyped-call]


def test_database_that_is_away_hides_nothing_else(database: Database) -> None:
    def look() -> Cluster:
        raise OSError("away")

    told = samples(registry_of(Gauges(database, lambda: None, dict, look)))
    assert told["pushlab_database_up", ""] == 0
    assert ("pushlab_pending_notifications", "") not in told
    assert ("pushlab_connections", "") not in told  # no node, no number
    assert ("pushlab_sweeps_total", "") in told


def test_every_metric_is_documented(database: Database) -> None:
    """docs/operations.md names each with its type, and none that is not there."""
    families = {
        family.name: family
        for family in registry_of(gauges(database)).collect()
        if family.name.startswith("pushlab_")
    }
    there = {
        f"{name}_total" if family.type == "counter" else name: family.type
        for name, family in families.items()
    }
    text = (ROOT / "docs/operations.md").read_text()
    rows = re.findall(r"^\| `(pushlab_\w+)` \| (\w+) \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    assert {name: kind for name, kind, _, _ in rows} == there
    for name, _, labels, _ in rows:
        family = families[name.removesuffix("_total")]
        used = {label for one in family.samples for label in one.labels} - {"le"}
        assert used <= set(re.findall(r"`(\w+)`", labels)), name


# -- the private port


@pytest.fixture
def listener(registry: CollectorRegistry) -> Iterator[MetricsListener]:
    made = MetricsListener("127.0.0.1:0", registry)
    made.start()
    yield made
    made.stop()


def test_private_port_answers_without_a_token(listener: MetricsListener) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{listener.port}/metrics") as answer:
        assert b"pushlab_connections 4.0" in answer.read()


def test_private_port_that_is_taken_is_told(
    listener: MetricsListener, registry: CollectorRegistry
) -> None:
    with pytest.raises(ConfigError, match="PUSHLAB_METRICS_LISTEN=127"):
        MetricsListener(f"127.0.0.1:{listener.port}", registry).start()


def test_no_private_port_is_the_default(registry: CollectorRegistry) -> None:
    listener = MetricsListener("", registry)
    listener.start()
    assert listener.port is None
    listener.stop()
