"""A push service that behaves as told, and settings that make it ours."""

from collections.abc import Iterator

import pytest

from app.config import Settings
from app.sending import vapid
from app.sending.vapid import VapidKeys
from tests.sending.server import PushServer, serve


@pytest.fixture
def server() -> Iterator[PushServer]:
    with serve() as server:
        yield server


@pytest.fixture
def local(settings: Settings, server: PushServer) -> Settings:
    """Our own push service is the test's server; Chromium's lab endpoints are routed to it."""
    route = ("https://jmt17.google.com/fcm/send/lab_", f"{server.origin}/fcm/send/lab_")
    values = {"push_service": "local", "push_service_url": server.origin, "push_routes": (route,)}
    return settings.model_copy(update=values | {"sender_greenlets": 8})


@pytest.fixture
def keys(local: Settings) -> VapidKeys:
    return vapid.load(local)
