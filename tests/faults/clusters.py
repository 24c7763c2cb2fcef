"""A storm over a cluster of one kind, from start to verdict."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine

from app.db import Database, prepare_sqlite
from tests import postgres
from tests.cluster.cluster import ROOT, Cluster, free_port
from tests.faults.crowd import SECRET
from tests.faults.oracle import Left, judge
from tests.faults.storm import Storm, Weather


@dataclass(frozen=True, slots=True)
class Kind:
    """`bus` by its scheme. Without `nodes` the app is everything in one process."""

    database: str
    bus: str
    nodes: int = 3

    def __str__(self) -> str:
        return f"{self.database}-{self.bus}"


SQLITE_MEMORY = Kind("sqlite", "memory", nodes=0)
SQLITE_HTTP = Kind("sqlite", "http")
POSTGRESQL_HTTP = Kind("postgresql", "http")
POSTGRESQL_NOTIFY = Kind("postgresql", "postgresql")
KINDS = [SQLITE_MEMORY, SQLITE_HTTP, POSTGRESQL_HTTP, POSTGRESQL_NOTIFY]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken`: the oracle's sentences. `missed`: crash points that nobody came to, though they
    should have been. `story`: what happened, with the table of the points."""

    broken: list[str]
    missed: list[str]
    story: str


def rage(kind: Kind, folder: Path, weather: Weather, checkout: Path = ROOT) -> Verdict:
    """The storm over a cluster that is made for it and ended after it."""
    with postgres.server() if kind.database == "postgresql" else nullcontext() as server:
        cluster = _cluster(kind, folder, server, checkout)
        with _database(cluster) as database:
            try:
                cluster.start_behind_the_proxy()
                storm = Storm(cluster, server, database, weather)
                left = storm.rage()
                return _verdict(storm, weather, left)
            finally:
                cluster.stop()


def _verdict(storm: Storm, weather: Weather, left: Left) -> Verdict:
    crowd = storm.crowd
    times = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in storm.times.items())
    story = (
        f"seed {weather.seed}: {len(crowd.users)} users, {len(crowd.seen)} devices,"
        f" {len(crowd.promised)} notifications\n{times}"
        f"\n{storm.switches.table()}\nand: {', '.join(storm.saboteur.log)}"
    )
    assert crowd.promised, story
    broken = list(judge(crowd.promised, crowd.seen, left))
    return Verdict(broken, storm.switches.missed if weather.every_point else [], story)


def _cluster(kind: Kind, folder: Path, server: postgres.Server | None, checkout: Path) -> Cluster:
    buses = {"memory": "memory://", "http": "http://127.0.0.1"}
    if server is not None:
        buses["postgresql"] = server.libpq_url
    return Cluster(
        folder,
        server.url if server else f"sqlite:///{folder / 'pushlab.db'}",
        buses[kind.bus],
        node_ports=[free_port() for _ in range(kind.nodes)],
        settings=_settings(),
        checkout=checkout,
    )


def _settings() -> dict[str, str]:
    """A laboratory, for its switches, that finds out quickly that somebody is dead."""
    return {
        "PUSHLAB_SECRET_KEY": SECRET,
        "PUSHLAB_LAB": "true",
        "PUSHLAB_LAB_SECRET": SECRET,
        "PUSHLAB_SWEEP_SECONDS": "1",
        "PUSHLAB_BEAT_SECONDS": "0.3",
        "PUSHLAB_PUSH_SERVICE": "local",
        "PUSHLAB_PUSH_SERVICE_URL": f"http://127.0.0.1:{free_port()}",
        "PUSHLAB_PUSH_TIMEOUT": "1",
    }


@contextmanager
def _database(cluster: Cluster) -> Iterator[Database]:
    """The storm's own way in."""
    engine = create_engine(cluster.database_url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        prepare_sqlite(engine)
    try:
        yield Database(engine)
    finally:
        engine.dispose()
