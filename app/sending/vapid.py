"""Our VAPID keys (W-1, RFC 8292): made once, kept private, and the header that proves who sends.
Wiring loads them, web hands out the public half, webpush signs.

In the instance folder: `vapid/current.pem`, and `vapid/<key id>.pem` for each key that was replaced
but still signs for the subscriptions made with it."""

import base64
import contextlib
import hashlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02, VapidException
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import clock
from app.config import ConfigError, Settings, read_or_make
from app.models import VapidKey

log = logging.getLogger(__name__)

#: RFC 8292 section 2 allows 24 hours; half of it forgives a wrong clock on either side.
LIFETIME = 12 * 3600
#: A header is signed anew when less than this is left of it.
MARGIN = 3600
#: Origins whose header is kept; the wildcard vendors could otherwise fill the memory.
REMEMBERED = 1000


class UnknownKey(LookupError):
    """The private half of that key is not on this machine."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One key. Its `repr` shows nothing private."""

    id: str
    #: Uncompressed P-256 point, base64url without padding, as `pushManager.subscribe()` takes it.
    public_key: str
    signer: Vapid02


@dataclass(frozen=True, slots=True)
class Pairs:
    """What is in the folder at one moment. The retired ones still sign for their subscriptions."""

    current: KeyPair
    retired: tuple[KeyPair, ...]

    def __iter__(self) -> Iterator[KeyPair]:
        yield from (*self.retired, self.current)

    def find(self, key_id: str) -> KeyPair | None:
        return next((pair for pair in self if pair.id == key_id), None)


class VapidKeys:
    """The keys, and the headers signed with them. A rotation is noticed by every process at once:
    the folder is read again when it has changed."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError."""
        self._settings = settings
        self._headers: dict[tuple[str, str], tuple[float, str]] = {}
        self._lock = threading.Lock()
        self._mark = _mark(settings)
        self._pairs = read(settings)

    @property
    def current(self) -> KeyPair:
        self._read_again()
        return self._pairs.current

    def __iter__(self) -> Iterator[KeyPair]:
        self._read_again()
        return iter(self._pairs)

    def authorization(self, key_id: str, origin: str) -> str:
        """Value of the Authorization header for a push service; raises UnknownKey."""
        now = clock.now()
        with self._lock:
            good_until, header = self._headers.get((key_id, origin), (0.0, ""))
            if now < good_until:
                return header
            header = self._sign(key_id, origin, now)
            if len(self._headers) >= REMEMBERED:
                self._headers.clear()
            self._headers[key_id, origin] = (now + LIFETIME - MARGIN, header)
            return header

    def _sign(self, key_id: str, origin: str, now: float) -> str:
        self._read_again()
        pair = self._pairs.find(key_id)
        if pair is None:
            raise UnknownKey(f"The private half of VAPID key {key_id} is not here.")
        # A fresh dict each time: a reused one carries the `aud` of another push service along.
        subject = self._settings.vapid_subject
        claims = {"aud": origin, "exp": int(now) + LIFETIME, "sub": subject}
        return str(pair.signer.sign(claims)["Authorization"])

    def _read_again(self) -> None:
        """A folder that cannot be read changes nothing: we go on with what we have."""
        mark = _mark(self._settings)
        if mark == self._mark:
            return
        try:
            self._pairs, self._mark = read(self._settings), mark
        except (ConfigError, OSError):
            log.exception("the VAPID keys have changed and cannot be read")


def folder_of(settings: Settings) -> Path:
    return settings.instance_dir / "vapid"


def current_path(settings: Settings) -> Path:
    return folder_of(settings) / "current.pem"


def _mark(settings: Settings) -> tuple[int, ...]:
    """Another one after every rotation: the folder's time, and which file the current key is."""
    with contextlib.suppress(FileNotFoundError):
        folder = folder_of(settings).stat().st_mtime_ns
        return (folder, current_path(settings).stat().st_ino)
    return ()


def load(settings: Settings) -> VapidKeys:
    """The keys of this installation, the current one made when there is none yet.

    Raises ConfigError when a key cannot be used; the sentence never contains the key."""
    if not settings.vapid_private_key:
        read_or_make(current_path(settings), make_pem)
    keys = VapidKeys(settings)
    _try_subject(keys)
    return keys


def read(settings: Settings) -> Pairs:
    """What is there now. Raises ConfigError."""
    if settings.vapid_private_key:
        text = settings.vapid_private_key.get_secret_value().replace("\\n", "\n")
        current = _read(text, "PUSHLAB_VAPID_PRIVATE_KEY")
    else:
        current = read_file(current_path(settings))
    return Pairs(current, tuple(_read_retired(folder_of(settings), current)))


def register(session: Session, keys: VapidKeys) -> list[str]:
    """Write the public halves down, each with its state; the ids of those that are new."""
    known = set(session.scalars(select(VapidKey.id)))
    fresh = [pair for pair in keys if pair.id not in known]
    made = [pair.id for pair in fresh if _insert(session, pair)]
    is_current = VapidKey.id == keys.current.id
    session.execute(update(VapidKey).where(is_current).values(state="current"))
    session.execute(update(VapidKey).where(~is_current).values(state="retired"))
    return made


def _insert(session: Session, pair: KeyPair) -> bool:
    """False when another process that starts at the same time was first."""
    row = VapidKey(id=pair.id, public_key=pair.public_key, state="retired", created_at=clock.now())
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def encode(raw: bytes) -> str:
    """base64url without padding, as every text form of a Web Push key is written."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def make_pem() -> bytes:
    signer = Vapid02()
    signer.generate_keys()
    return bytes(signer.private_pem())


def _read_retired(folder: Path, current: KeyPair) -> Iterator[KeyPair]:
    for path in sorted(folder.glob("*.pem")):
        if path.name != "current.pem":
            pair = read_file(path)
            if pair.id != current.id:  # in the middle of a rotation it has two names
                yield pair


def read_file(path: Path) -> KeyPair:
    """Raises ConfigError."""
    return _read(path.read_text("ascii", "replace"), str(path))


def _read(text: str, source: str) -> KeyPair:
    try:
        pem = "-----BEGIN" in text
        signer = Vapid02.from_pem(text.strip().encode()) if pem else Vapid02.from_string(text)
        key = signer.private_key
        usable = isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
    except Exception:  # whatever the parsers raise, their text may quote the key
        usable = False
    if not usable:
        raise ConfigError(f"{source}: must be a P-256 private key, as PEM or base64url") from None
    return _pair(signer)


def _pair(signer: Vapid02) -> KeyPair:
    point = signer.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return KeyPair(hashlib.sha256(point).hexdigest()[:16], encode(point), signer)


def _try_subject(keys: VapidKeys) -> None:
    """py-vapid is stricter about `sub` than RFC 8292: better refused at start than at the first
    message."""
    try:
        keys.authorization(keys.current.id, "https://push.example")
    except VapidException as error:
        raise ConfigError(f"PUSHLAB_VAPID_SUBJECT: {error}") from None
