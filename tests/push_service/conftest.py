"""Fixtures of the push service's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from push_service.store import metadata
from tests.push_service.parts import Service, service_on, sqlite_url


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_on(sqlite_url(tmp_path)) as service:
        yield service


@pytest.fixture(scope="session")
def push_engine(postgres_engine: Engine) -> Iterator[Engine]:
    """A database of the push service's own on the throw-away PostgreSQL."""
    with postgres_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE DATABASE push")
    engine = create_engine(postgres_engine.url.set(database="push"))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, of each kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    engine: Engine = request.getfixturevalue("push_engine")
    metadata.drop_all(engine)
    return engine.url.render_as_string(hide_password=False)
