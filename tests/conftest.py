"""What every test of `app` stands on: settings in a throw-away folder and a real database file."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from sqlalchemy import Engine, create_engine

import app.models  # noqa: F401  (registers the tables)
from app import metrics
from app.config import Settings, load
from app.db import Database, Model, prepare_sqlite
from tests import postgres


@pytest.fixture(autouse=True)
def clock_of_gevent() -> None:
    """It stands still while no greenlet runs: without this, a timer that a test starts would be due
    at once when the tests before it, which needed none, took longer than the timer's time."""
    gevent.get_hub().loop.update_now()


@pytest.fixture(autouse=True)
def own_push_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests before this one sent to so many that this one's would have no series of its own."""
    monkeypatch.setattr(metrics, "_services", set())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Lab settings, as the supervisor would give them, without the real environment."""
    return load({}, instance_dir=tmp_path / "instance", lab=True)


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table and no row, to be copied: making one takes longer."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    engine = create_engine(f"sqlite:///{path}")
    Model.metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture
def database(settings: Settings, empty_file: Path) -> Iterator[Database]:
    """A fresh SQLite file with every table."""
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    shutil.copy(empty_file, settings.instance_dir / "pushlab.db")
    engine = create_engine(settings.database_url)
    prepare_sqlite(engine)
    yield Database(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_engine() -> Iterator[Engine]:
    """A throw-away PostgreSQL with every table, one per test process; skips where there is none."""
    with postgres.server() as server:
        engine = create_engine(server.url, pool_size=20)
        Model.metadata.create_all(engine)
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest) -> Database:
    """The same test on both databases, each time empty."""
    if request.param == "sqlite":
        found: Database = request.getfixturevalue("database")
        return found
    engine: Engine = request.getfixturevalue("postgres_engine")
    postgres.empty(engine, Model.metadata)
    return Database(engine)
