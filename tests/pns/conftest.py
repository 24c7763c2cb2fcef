"""A house for nodes. The statements that nodes use run on PostgreSQL too, in test_statements."""

from collections.abc import Iterator

import pytest

from app.db import Database
from app.pns.node import Node
from tests.pns.parts import House


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    house = House(database)
    yield house
    house.close()


@pytest.fixture
def node(house: House) -> Node:
    return house.start_node()
