"""Buses of every kind, each with what it needs really running."""

from collections.abc import Callable, Iterator

import pytest

from app.bus import open_bus
from app.bus.contract import Bus
from tests import postgres

SECRET = b"a secret for tests"

#: Makes another process's end of the same bus; it is stopped when the test ends.
Join = Callable[[], Bus]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A throw-away PostgreSQL as libpq names it."""
    with postgres.server() as server:
        yield server.libpq_url


@pytest.fixture(params=["memory", "http", "postgresql"])
def join(request: pytest.FixtureRequest) -> Iterator[Join]:
    kind: str = request.param
    made: list[Bus] = []

    def join() -> Bus:
        if kind == "memory" and made:
            return made[0]  # it has one process only
        bus = open_bus(_url(request, kind), SECRET)
        bus.start()
        made.append(bus)
        return bus

    yield join
    for bus in made:
        bus.stop()


def _url(request: pytest.FixtureRequest, kind: str) -> str:
    if kind == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return {"memory": "memory://", "http": "http://127.0.0.1"}[kind]


@pytest.fixture
def bus(join: Join) -> Bus:
    """Where nodes are."""
    return join()


@pytest.fixture
def caller(join: Join, bus: Bus) -> Bus:
    """Who rings them: another process, where the bus reaches one."""
    return join()
