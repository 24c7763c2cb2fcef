"""VAPID keys: made once, kept private, signing what RFC 8292 wants."""

import logging
import stat
from pathlib import Path
from typing import Any

import pytest
from py_vapid import Vapid02
from py_vapid.jwt import decode

from app import clock
from app.config import ConfigError, Settings
from app.config import load as load_settings
from app.db import Database
from app.models import VapidKey
from app.sending import vapid
from tests.records import rows

ORIGIN = "https://push.example"


def given(settings: Settings, key: str) -> Settings:
    return load_settings({}, instance_dir=settings.instance_dir, vapid_private_key=key)


def claims_of(header: str) -> dict[str, Any]:
    token, key = header.removeprefix("vapid t=").split(",k=")
    claims: dict[str, Any] = decode(token, key)
    return claims


# W-1
def test_key_is_made_once(settings: Settings) -> None:
    assert vapid.load(settings).current.public_key == vapid.load(settings).current.public_key


# W-1
def test_private_key_is_for_us_only(settings: Settings) -> None:
    vapid.load(settings)
    [path] = settings.instance_dir.glob("vapid/*.pem")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# W-1
def test_public_key_is_an_uncompressed_point(settings: Settings) -> None:
    point = vapid.load(settings).current.public_key
    assert len(point) == 87
    assert "=" not in point
    assert Vapid02.from_raw_public(point.encode()).public_key


# W-1
def test_key_can_be_given(settings: Settings, tmp_path: Path) -> None:
    made = vapid.load(settings).current
    pem = (settings.instance_dir / "vapid/current.pem").read_text()
    raw = made.signer.private_key.private_numbers().private_value.to_bytes(32, "big")
    for text in (pem, pem.replace("\n", "\\n"), vapid.encode(raw)):
        elsewhere = load_settings({}, instance_dir=tmp_path / "b", vapid_private_key=text)
        assert vapid.load(elsewhere).current.public_key == made.public_key
    assert not (tmp_path / "b").exists()


# W-1
@pytest.mark.parametrize(
    "key", ["SECRET-secret", "", "AAAA", "-----BEGIN PRIVATE KEY-----\nSECRET"]
)
def test_unusable_key_is_refused_and_not_told(settings: Settings, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        vapid.load(given(settings, key or " "))
    assert "PUSHLAB_VAPID_PRIVATE_KEY" in str(caught.value)
    assert "SECRET" not in str(caught.value)


# W-1
def test_key_is_never_logged(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    keys = vapid.load(settings)
    database.write(lambda session: vapid.register(session, keys))
    keys.authorization(keys.current.id, ORIGIN)
    secret = (settings.instance_dir / "vapid/current.pem").read_text().splitlines()[1]
    assert secret not in caplog.text + repr(keys.current) + repr(settings)


# W-1 (failures: Apple refuses another sub)
def test_subject_that_cannot_be_signed_is_refused_at_start(settings: Settings) -> None:
    wrong = settings.model_copy(update={"vapid_subject": "https://x"})
    with pytest.raises(ConfigError, match="PUSHLAB_VAPID_SUBJECT"):
        vapid.load(wrong)


# W-8, W-9
def test_header_is_signed_for_the_origin(settings: Settings) -> None:
    keys = vapid.load(settings)
    header = keys.authorization(keys.current.id, ORIGIN)
    assert Vapid02.verify(header)
    claims = claims_of(header)
    assert (claims["aud"], claims["sub"]) == (ORIGIN, settings.vapid_subject)
    assert 0 < claims["exp"] - clock.now() <= 86400


# W-8
def test_each_origin_has_its_own_audience(settings: Settings) -> None:
    keys = vapid.load(settings)
    origins = [ORIGIN, "https://other.example", ORIGIN]
    headers = [keys.authorization(keys.current.id, origin) for origin in origins]
    assert [claims_of(header)["aud"] for header in headers] == origins
    assert headers[0] == headers[2]


# W-8
def test_header_is_signed_anew_before_it_expires(settings: Settings, monkeypatch: Any) -> None:
    keys, start = vapid.load(settings), clock.now()
    first = keys.authorization(keys.current.id, ORIGIN)
    for later, same in ((vapid.LIFETIME - vapid.MARGIN - 60, True), (vapid.LIFETIME - 60, False)):
        monkeypatch.setattr(clock, "now", lambda later=later: start + later)
        assert (keys.authorization(keys.current.id, ORIGIN) == first) is same


# W-8
def test_remembered_headers_are_bounded(settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr(vapid, "REMEMBERED", 10)
    keys = vapid.load(settings)
    for number in range(25):
        keys.authorization(keys.current.id, f"https://x{number}.notify.windows.com")
    assert len(keys._headers) <= 10


# W-1
def test_database_has_the_public_half_only(settings: Settings, database: Database) -> None:
    keys = vapid.load(settings)
    assert database.write(lambda s: vapid.register(s, keys)) == [keys.current.id]
    assert database.write(lambda s: vapid.register(s, keys)) == []
    [row] = rows(database, VapidKey)
    assert (row.public_key, row.state) == (keys.current.public_key, "current")


# W-1 (rotation)
def test_replaced_key_still_signs_for_its_subscriptions(
    settings: Settings, database: Database
) -> None:
    keys = vapid.load(settings)
    old = keys.current
    database.write(lambda session: vapid.register(session, keys))
    folder = settings.instance_dir / "vapid"
    (folder / "current.pem").rename(folder / f"{old.id}.pem")
    keys = vapid.load(settings)
    database.write(lambda session: vapid.register(session, keys))
    assert keys.current.id != old.id
    states = {row.id: row.state for row in rows(database, VapidKey)}
    assert states == {old.id: "retired", keys.current.id: "current"}
    assert keys.authorization(old.id, ORIGIN).endswith(f"k={old.public_key}")


def test_unknown_key_cannot_sign(settings: Settings) -> None:
    with pytest.raises(vapid.UnknownKey):
        vapid.load(settings).authorization("unknown", ORIGIN)
