"""The single looks that `./pushlab doctor` takes: each yields findings and changes nothing."""

import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from app import config
from app.cli import instance
from app.config import ConfigError, Settings

ROOT = Path(__file__).resolve().parents[2]
APT = "sudo apt-get install --no-install-recommends "
#: The versions of Playwright that drive both of Debian's browsers.
PLAYWRIGHT = ((1, 61), (1, 65))
VENDORS = ("fcm.googleapis.com", "updates.push.services.mozilla.com")

#: What the tests drive beside the browsers: program, Debian's package, what for.
SERVERS = (
    ("initdb", "postgresql", "PostgreSQL"),
    ("redis-server", "redis-server", "Redis"),
    ("rabbitmq-server", "rabbitmq-server", "RabbitMQ"),
    ("nginx", "nginx-light", "nginx"),
    ("npm", "nodejs npm", "npm, whose web-push sends to our push service"),
)


class Finding(NamedTuple):
    """`state`: fine; missing for something only; broken. `way_on` is what to type or do."""

    state: Literal["fine", "missing", "broken"]
    text: str
    way_on: str = ""


def examine(environment: dict[str, str]) -> Iterator[Finding]:
    """Everything, in the order in which a beginner stumbles over it."""
    yield _python()
    yield from _browsers()
    yield _playwright()
    yield from _servers()
    try:
        settings = config.load(environment)
    except ConfigError as error:
        yield Finding("broken", "the settings cannot be used", str(error))
        return
    yield from _secrets(settings.instance_dir)
    yield _vapid_key(settings)
    yield from _processes(settings)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    try:
        metadata.version("pushlab")
    except metadata.PackageNotFoundError:
        return Finding("broken", f"Python {version}, without pushlab's packages", "make setup")
    return Finding("fine", f"Python {version} in {Path(sys.prefix).name}")


def _browsers() -> Iterator[Finding]:
    for program, package in (("chromium", "chromium"), ("firefox-esr", "firefox-esr")):
        path = find_program(program)
        if path is None:
            yield Finding("missing", f"{program} is not installed", APT + package)
        else:
            yield Finding("fine", f"{_version(path)} ({path})")


def _playwright() -> Finding:
    try:
        version = metadata.version("playwright")
    except metadata.PackageNotFoundError:
        return Finding("missing", "Playwright, which drives the browsers", "make setup")
    numbers = tuple(int(part) for part in version.split(".")[:2])
    if PLAYWRIGHT[0] <= numbers < PLAYWRIGHT[1]:
        return Finding("fine", f"Playwright {version}")
    return Finding("broken", f"Playwright {version} does not drive both browsers", "make setup")


def _servers() -> Iterator[Finding]:
    for program, package, what in SERVERS:
        path = find_program(program)
        if path is None:
            yield Finding("missing", f"{what} (for the tests only)", APT + package)
        else:
            yield Finding("fine", f"{what} ({path})")


def _secrets(folder: Path) -> Iterator[Finding]:
    """Private keys and secrets must be readable by their owner alone."""
    names = ("secret-key", "lab-secret", "vapid/*.pem", "push-service/*key*")
    paths = [path for name in names for path in sorted(folder.glob(name)) if path.is_file()]
    if not paths:
        yield Finding("fine", f"no secrets yet in {folder}: made at the first start")
    for path in paths:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Finding("broken", f"others can read {path}", f"chmod 600 '{path}'")
    if paths and all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in paths):
        yield Finding("fine", f"{len(paths)} secrets in {folder}, for their owner's eyes only")


def _vapid_key(settings: Settings) -> Finding:
    from app.sending import vapid

    if not settings.vapid_private_key and not (settings.instance_dir / "vapid").exists():
        return Finding("fine", "no VAPID key yet: made at the first start")
    try:
        keys = vapid.load(settings)
    except ConfigError as error:
        return Finding("broken", "the VAPID private key cannot be used", str(error))
    return Finding("fine", f"VAPID key {keys.current.id}")


def _processes(settings: Settings) -> Iterator[Finding]:
    """What runs here; or whether the ports are free and a push service could be reached."""
    running = instance.running(settings.instance_dir)
    if not running:
        yield _port(settings)
        if settings.push_service == "vendors":
            yield _vendors()
        return
    yield _answers("the app", running["url"], "./pushlab lab")
    if running["push_service"]:
        yield _answers("the push service", running["push_service"]["http"], "./pushlab lab")


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            way_on = f"PUSHLAB_PORT={settings.port + 1} ./pushlab lab"
            return Finding("broken", f"port {settings.port}: {error.strerror}", way_on)
    return Finding("fine", f"port {settings.port} is free")


def _vendors() -> Finding:
    away = [host for host in VENDORS if not _connects(host, 443)]
    if away:
        text = f"no way to {', '.join(away)}: browsers cannot subscribe there"
        return Finding("missing", text, "./pushlab lab  (has a push service of its own)")
    return Finding("fine", "the vendors' push services can be reached")


def _answers(name: str, url: str, way_on: str) -> Finding:
    parts = urlsplit(url)
    if _connects(parts.hostname or "", parts.port or 443):
        return Finding("fine", f"{name} answers at {url}")
    return Finding("broken", f"{name} does not answer at {url}", way_on)


def _connects(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def find_program(name: str) -> str | None:
    """Also in /usr/sbin, and among PostgreSQL's versions, which no user's PATH contains."""
    places = [*sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin"))), "/usr/sbin"]
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *places]))


def _version(path: str) -> str:
    run = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20)
    lines = run.stdout.strip().splitlines()
    return lines[-1].partition(" built on")[0].strip() if lines else Path(path).name
