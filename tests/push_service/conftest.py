"""Fixtures of the push service's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.push_service.parts import Service, service_at


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as service:
        yield service
