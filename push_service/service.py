"""The composition root: builds a push service out of its parts, starts and stops it. Used by cli.

It must be imported after gevent's patch.
"""

import fcntl
import json
import logging
import os
import resource
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import gevent
from sqlalchemy.exc import ArgumentError

from push_service.autopush_face import AutopushFace
from push_service.certificates import ensure_certificates
from push_service.check_in_face import CheckInFace
from push_service.database import Database
from push_service.faults import Faults
from push_service.http_face import MAX_CONNECTIONS, HttpFace
from push_service.hub import EXPIRY_BATCH, Hub
from push_service.journal import Journal
from push_service.lab_face import LabFace
from push_service.limits import Limits
from push_service.mcs_face import McsFace
from push_service.model import StoreUnavailableError
from push_service.push_api import PushApi
from push_service.reporter import Reporter
from push_service.schema import SchemaTooNewError
from push_service.tunnel import Tunnel
from push_service.web import Router
from push_service.wire.dialects import DIALECTS, MOZILLA

log = logging.getLogger(__name__)

BACKLOG = 1024
SWEEP_SECONDS = 1.0
FORGET_SECONDS = 3600.0
RESERVED_FILES = 256


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says. Ports may be 0 (a free one); `tls_port` None: no https."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 0
    tls_port: int | None = None
    mcs_port: int = 0
    public_url: str | None = None
    database_url: str | None = None
    personality: str = MOZILLA.name
    limits: Limits = field(default_factory=Limits)
    lab_secret: str | None = None
    lab_origins: tuple[str, ...] = ()


class DataInUseError(RuntimeError):
    """Another push service runs on the same data directory."""


# Each says in a sentence what is wrong with the settings or the machine.
STARTUP_ERRORS = (
    ArgumentError,
    DataInUseError,
    ImportError,
    OSError,
    SchemaTooNewError,
    StoreUnavailableError,
    ValueError,
)


class Service:
    """Everything of one process. `start` it once, then `stop` it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(settings.data / "lock")
        certificates = ensure_certificates(settings.data)
        self._database = Database(_database_url(settings))
        journal = Journal() if settings.lab_secret else None
        faults = Faults()
        self._hub = Hub(self._database, Reporter(journal), faults, limits=settings.limits)
        context = certificates.build_context()
        http = _listen(settings.host, settings.port)
        tls = None if settings.tls_port is None else _listen(settings.host, settings.tls_port)
        mcs = _listen(settings.host, settings.mcs_port)
        self.ready = {
            "ready": True,
            "http": f"http://{_address(settings.host, http)}",
            "tls": tls and f"https://{_address(settings.host, tls)}",
            "mcs": _address(settings.host, mcs),
            "spki": certificates.spki,
            "ca": str(certificates.ca.resolve()),
            "pid": os.getpid(),
        }
        router = self._router(faults, journal)
        Tunnel(context, router.answer).add_to(router)
        limit = _connection_limit()
        self._faces: list[HttpFace | McsFace] = [
            HttpFace(http, router.answer, max_connections=limit)
        ]
        if tls is not None:
            self._faces.append(HttpFace(tls, router.answer, context, max_connections=limit))
        self._faces.append(McsFace(self._hub, mcs, context, limit))
        self._sweeper: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        """Returns when every port answers; `ready` says where."""
        for face in self._faces:
            face.start()
        self._sweeper = gevent.spawn(self._sweep)
        (self._settings.data / "ready.json").write_text(json.dumps(self.ready))

    def stop(self) -> None:
        """Say goodbye to the browsers, and finish what is being stored."""
        if self._sweeper is not None:
            self._sweeper.kill()
        gevent.joinall([gevent.spawn(face.stop) for face in self._faces])
        self._database.close()
        self._lock.close()

    def _router(self, faults: Faults, journal: Journal | None) -> Router:
        router = Router()
        origins = [str(self.ready[name]) for name in ("http", "tls") if self.ready[name]]
        public_url = self._settings.public_url or origins[0]
        push_api = PushApi(
            self._hub,
            faults,
            public_url=public_url,
            origins=origins,
            limits=self._settings.limits,
            dialect=DIALECTS[self._settings.personality],
        )
        push_api.add_to(router)
        router.add("GET", "/", AutopushFace(self._hub, push_api.endpoint_of).get)
        CheckInFace(self._hub).add_to(router)
        if journal is not None and self._settings.lab_secret is not None:
            LabFace(
                self._hub,
                journal,
                faults,
                secret=self._settings.lab_secret,
                origins=self._settings.lab_origins,
                endpoint_of=push_api.endpoint_of,
            ).add_to(router)
        return router

    def _sweep(self) -> None:
        """Expire messages, in batches, and forget what ended long ago."""
        forgotten = 0.0
        while True:
            try:
                while self._hub.expire() == EXPIRY_BATCH:
                    gevent.sleep(0)
                if time.monotonic() - forgotten > FORGET_SECONDS:
                    self._hub.forget()
                    forgotten = time.monotonic()
            except Exception:
                log.exception("the sweep failed; it will be tried again")
            gevent.sleep(SWEEP_SECONDS)


def _database_url(settings: Settings) -> str:
    return settings.database_url or f"sqlite:///{settings.data / 'push-service.db'}"


def _listen(host: str, port: int) -> Any:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def _address(host: str, listener: socket.socket) -> str:
    """Where a client on this machine finds the listener."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared
    if ":" in reachable and not reachable.startswith("["):
        reachable = f"[{reachable}]"
    return f"{reachable}:{listener.getsockname()[1]}"


def _connection_limit() -> int:
    """Connections per port, so that the files we may open suffice for all of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        wanted = min(hard, 3 * MAX_CONNECTIONS + RESERVED_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(MAX_CONNECTIONS, (files - RESERVED_FILES) // 3))


def _lock(path: Path) -> IO[str]:
    """Keep a second service off the directory; the system lets go of it when we end."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise DataInUseError(f"another push service uses {path.parent}") from error
    return file
