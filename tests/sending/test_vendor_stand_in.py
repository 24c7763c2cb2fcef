"""A vendor, as far as the app can tell: our push service publishes Mozilla's origin, is reached
over TLS through a route, and is vouched for by an authority of its own. Only settings differ."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.config import ConfigError, Settings
from app.db import Database
from app.models import PushOutbox
from app.sending import results, vapid
from app.sending.webpush import WebPush
from app.subscriptions import NewSubscription
from push_service.testing.push_service_process import PushServiceProcess
from push_service.testing.virtual_device import VirtualDevice
from tests.records import Device, make_user, rows, store_device
from tests.sending.office import Office

MOZILLA = "https://updates.push.services.mozilla.com"


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[PushServiceProcess]:
    arguments = ["--public-url", MOZILLA]
    with PushServiceProcess(tmp_path / "vendor", tls=True, arguments=arguments) as process:
        yield process


@pytest.fixture
def online(settings: Settings, vendor: PushServiceProcess) -> Settings:
    """Settings as an installation that uses the vendors has them, and where Mozilla's is today."""
    routes = ((f"{MOZILLA}/", f"{vendor.https}/"),)
    return settings.model_copy(
        update={"push_routes": routes, "push_ca": vendor.ca, "sender_greenlets": 4}
    )


def subscribe(office: Office, device: VirtualDevice) -> Device:
    subscription = device.subscribe(office.keys.current.public_key)
    assert subscription.endpoint.startswith(MOZILLA)
    keys = subscription.as_json()["keys"]
    new = NewSubscription(subscription.endpoint, keys["p256dh"], keys["auth"])
    return store_device(office.database, make_user(office.database), new)


#
def test_vendor_over_tls_needs_nothing_but_settings(
    online: Settings, database: Database, vendor: PushServiceProcess
) -> None:
    office = Office(online, database, vapid.load(online))
    with VirtualDevice(vendor.http) as browser:
        device = subscribe(office, browser)
        office.sender.start()
        office.create(device.user_id, data={"title": "hi"})
        assert browser.receive().json()["notification"]["title"] == "hi"
    assert office.stop() == ["delivered"]
    assert office.event("send.started").detail["vapid"]["claims"]["aud"] == MOZILLA


#
def test_authority_that_nobody_named_is_not_trusted(
    online: Settings, database: Database, vendor: PushServiceProcess, monkeypatch: Any
) -> None:
    monkeypatch.setattr(results, "BACKOFF_FIRST", 60.0)
    without = online.model_copy(update={"push_ca": None})
    office = Office(without, database, vapid.load(without))
    with VirtualDevice(vendor.http) as browser:
        device = subscribe(office, browser)
        office.sender.start()
        office.create(device.user_id)
        office.wait_for("send.retry")
    assert office.stop() == ["queued"]
    [row] = rows(database, PushOutbox)
    assert "certificate verify failed" in (row.last_error or "")


#
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unusable_authority_is_refused_at_start(
    settings: Settings, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    wrong = settings.model_copy(update={"push_ca": path})
    with pytest.raises(ConfigError, match="PUSHLAB_PUSH_CA"):
        WebPush(wrong, vapid.load(wrong))
