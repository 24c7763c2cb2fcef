"""The storm over real clusters, and the oracle that judges it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from app.db import Database, prepare_sqlite
from tests import postgres
from tests.cluster.cluster import Cluster, free_port
from tests.faults.oracle import Left, Promised, Seen, judge
from tests.faults.storm import SECRET, Storm

SETTINGS = {
    "PUSHLAB_SECRET_KEY": SECRET,
    "PUSHLAB_SWEEP_SECONDS": "1",
    "PUSHLAB_BEAT_SECONDS": "0.3",
}


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    with postgres.server() as server:
        yield server


def rage(
    cluster: Cluster, server: postgres.Server | None, seconds: float, seed: int
) -> tuple[Storm, Left]:
    """The storm, and what it left; the cluster is ended then."""
    engine = create_engine(cluster.database_url, pool_pre_ping=True)
    if server is None:
        prepare_sqlite(engine)
    try:
        cluster.start_behind_the_proxy()
        storm = Storm(cluster, server, Database(engine), seed)
        storm.rage(seconds)
        return storm, storm.look()
    finally:
        cluster.stop()
        engine.dispose()


def check(storm: Storm, left: Left, seed: int) -> None:
    assert storm.promised
    broken = list(judge(storm.promised, storm.seen, left))
    assert broken == [], f"seed {seed}, {len(storm.promised)} promised: {storm.log}"


@pytest.mark.slow
@pytest.mark.parametrize("bus", ["http", "postgresql"])
def test_storm_over_postgresql_loses_nothing(
    bus: str, server: postgres.Server, tmp_path: Path, chaos_seconds: float, chaos_seed: int
) -> None:  # P-3, P-9, P-11, P-12
    bus_url = server.libpq_url if bus == "postgresql" else "http://127.0.0.1"
    ports = [free_port() for _ in range(3)]
    cluster = Cluster(tmp_path, server.url, bus_url, node_ports=ports, settings=SETTINGS)
    check(*rage(cluster, server, chaos_seconds, chaos_seed), chaos_seed)


@pytest.mark.slow
@pytest.mark.parametrize(("bus", "nodes"), [("memory://", 0), ("http://127.0.0.1", 3)])
def test_storm_over_sqlite_loses_nothing(
    bus: str, nodes: int, tmp_path: Path, chaos_seconds: float, chaos_seed: int
) -> None:  # P-3, P-9, P-11, P-12
    url = f"sqlite:///{tmp_path / 'pushlab.db'}"
    ports = [free_port() for _ in range(nodes)]
    cluster = Cluster(tmp_path, url, bus, node_ports=ports, settings=SETTINGS)
    check(*rage(cluster, None, chaos_seconds, chaos_seed), chaos_seed)


def world() -> tuple[list[Promised], dict[str, Seen], Left]:
    """One user with one device, which got the one notification there was."""
    promised = [Promised("n1", 1, frozenset({"c1"}))]
    seen = {"c1": Seen("c1", 1, [(1, "n1")])}
    left = Left({"c1": "node"}, {}, {1: [1]}, {1: 1}, frozenset({"node"}))
    return promised, seen, left


def test_oracle_is_content_with_a_good_world() -> None:  # P-12
    assert list(judge(*world())) == []


def test_oracle_finds_each_broken_promise() -> None:  # P-12
    promised, seen, left = world()
    numbers = dict(left.numbers)
    lost = {"c1": Seen("c1", 1)}
    twice = {"c1": Seen("c1", 1, [(1, "n1"), (1, "n1")])}
    gone = {"c1": Seen("c1", 1, gone=True)}
    assert "never came" in next(judge(promised, lost, left))
    assert "twice" in next(judge(promised, twice, left))
    assert "ghost" in next(judge(promised, gone, left))
    for changed, words in (
        (Left({}, {}, numbers, {1: 1}, left.living), "lost its record"),
        (Left({"c1": "node"}, {}, numbers, {1: 1}, frozenset()), "which is dead"),
        (Left({"c1": None}, {"c1": 2}, numbers, {1: 1}, left.living), "still pending"),
        (Left({"c1": None}, {}, {1: [1, 3]}, {1: 3}, left.living), "have gaps"),
    ):
        assert [words in sentence for sentence in judge(promised, seen, changed)] == [True]
