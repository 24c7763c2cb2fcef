"""Key rotation without loss (W-1): a new current key; the old one signs for its subscriptions until
each device has subscribed anew, which pages do by themselves. Called by the `keys` command, while
the app runs: `VapidKeys` notices."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.config import ConfigError, Settings
from app.models import PushSubscription, VapidKey
from app.sending import vapid
from app.sending.vapid import KeyPair


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as the database knows it, and what depends on it."""

    id: str
    public_key: str
    state: str
    created_at: float
    subscriptions: int


def list_keys(session: Session) -> list[KnownKey]:
    """Oldest first."""
    count = func.count(PushSubscription.id)
    rows = session.execute(
        select(VapidKey.id, VapidKey.public_key, VapidKey.state, VapidKey.created_at, count)
        .outerjoin(PushSubscription, PushSubscription.vapid_key_id == VapidKey.id)
        .group_by(VapidKey.id, VapidKey.public_key, VapidKey.state, VapidKey.created_at)
        .order_by(VapidKey.created_at, VapidKey.id)
    )
    return [KnownKey(*row) for row in rows]


def rotate(settings: Settings) -> KeyPair:
    """Make a new current key and keep the old one beside it. At every moment in between each key
    has a file. Raises ConfigError when the key is given from outside."""
    if settings.vapid_private_key:
        raise ConfigError(_HOW_TO_ROTATE_A_GIVEN_KEY.format(folder=vapid.folder_of(settings)))
    path = vapid.current_path(settings)
    old = vapid.load(settings).current
    fresh = _write_new(path)
    kept = path.with_name(f"{old.id}.pem")
    if not kept.exists():
        os.link(path, kept)
    fresh.replace(path)
    return vapid.read(settings).current


def _write_new(path: Path) -> Path:
    fresh = path.with_name(f".{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(vapid.make_pem())
        file.flush()
        os.fsync(file.fileno())
    return fresh


def retire_unused(session: Session) -> list[str]:
    """Forget the retired keys that no subscription was made with; their ids."""
    former = [key for key in list_keys(session) if key.state == "retired"]
    unused = [key.id for key in former if not key.subscriptions]
    for key_id in unused:
        session.delete(session.get_one(VapidKey, key_id))
    return unused


def delete_files(settings: Settings, key_ids: list[str]) -> None:
    """After the commit of `retire_unused`: their private halves too, whatever the files' names."""
    for path in vapid.folder_of(settings).glob("*.pem"):
        if path != vapid.current_path(settings) and vapid.read_file(path).id in key_ids:
            path.unlink()


_HOW_TO_ROTATE_A_GIVEN_KEY = """\
The current key is given by PUSHLAB_VAPID_PRIVATE_KEY, so it cannot be replaced here. By hand, for
every process that sends:
  1. write the present value into a file {folder}/NAME.pem (mode 0600): it goes on
     signing for its subscriptions;
  2. give PUSHLAB_VAPID_PRIVATE_KEY a new key, and restart."""
