"""The composition root: settings in, the parts of this process made and tied together. Called by
`create_app`; `start` and `stop` by whoever runs it."""

import hmac
import secrets
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate, upgrade
from prometheus_client import CollectorRegistry
from werkzeug.middleware.proxy_fix import ProxyFix

from app import accounts, clock, config, devices, web
from app.bus import open_bus
from app.bus.ringer import Ringer
from app.config import ConfigError, Settings
from app.db import Database, db, prepare_postgresql, prepare_sqlite
from app.faults import Faults
from app.journal import Journal
from app.notifications import expire
from app.notifications.create import Creator
from app.notifications.scheduler import Scheduler
from app.ops import exposition, sample
from app.ops.listener import MetricsListener
from app.ops.watch import Watch
from app.pns import endpoint
from app.pns.node import Node
from app.sending import vapid
from app.sending.sender import Sender
from app.sending.webpush import WebPush
from app.web import visitor
from app.web.application import Application
from app.web.services import Services

ROOT = Path(__file__).resolve().parents[1]
MEGABYTE = 1024 * 1024


def wire(settings: Settings) -> Flask:
    """The application and its services; nothing runs yet."""
    app = Application(
        "pushlab",
        root_path=str(ROOT),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.from_mapping(flask_config(settings))
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0)  # type: ignore[method-assign]
    database = open_database(app)
    services = make_services(settings, database)
    app.extensions["pushlab"] = services
    register = web.register if "app" in settings.roles else web.register_private
    register(app, settings)
    if services.node:
        endpoint.register(app, services.node, settings, visitor.session_id_of_cookie)
    return app


def make_services(settings: Settings, database: Database) -> Services:
    """The parts of this process, tied together; nothing runs yet."""
    watch, registry = _make_watch(settings, database, lambda: services)
    faults = Faults(enabled=settings.lab, folder=settings.instance_dir / "faults")
    journal = Journal(database, enabled=settings.lab)
    bus = open_bus(settings.bus_url, derive_secret(settings, b"bus"))
    ringer = Ringer(
        bus,
        lambda user_ids: _find_nodes(services, user_ids),
        faults,
        at_once=_has_one_node(settings),
    )
    outbox_changed, schedule_changed = threading.Event(), threading.Event()
    services = Services(
        settings=settings,
        database=database,
        faults=faults,
        journal=journal,
        bus=bus,
        ringer=ringer,
        vapid=vapid.load(settings),
        creator=Creator(
            database=database,
            ringer=ringer,
            journal=journal,
            faults=faults,
            outbox_changed=outbox_changed,
            schedule_changed=schedule_changed,
            grace=settings.unacked_grace,
        ),
        node=None,
        sender=None,
        scheduler=None,
        watch=watch,
        metrics=registry,
        metrics_listener=MetricsListener(settings.metrics_listen, registry),
    )
    if "node" in settings.roles:
        services.node = _make_node(services)
    if "sender" in settings.roles:
        services.sender = _make_sender(services, outbox_changed)
        services.scheduler = Scheduler(database, services.creator, schedule_changed)
    journal.on_written = lambda user_ids: services.hint(user_ids, "journal")
    return services


def _find_nodes(services: Services, user_ids: Collection[int]) -> list[str]:
    if _has_one_node(services.settings):
        mine = services.node.node_uri if services.node else ""
        return [mine] if mine else []
    with services.database.engine.connect() as connection:
        return devices.node_uris(connection, user_ids)


def _has_one_node(settings: Settings) -> bool:
    """On the bus of one process there is no other, and it knows by itself whom it holds."""
    return settings.bus_url == "memory://"


def _make_watch(
    settings: Settings, database: Database, services: Callable[[], Services]
) -> tuple[Watch, CollectorRegistry]:
    """What looks at this process, and what it tells a scraper. `services` is asked when it looks:
    there is no node or sender yet."""

    def tell(started_at: float, pid: int) -> sample.Sample:
        return sample.take(
            roles=settings.roles,
            pid=pid,
            started_at=started_at,
            writer_waiting=database.waiting,
            node=services().node,
            sender=services().sender,
        )

    def connections() -> int | None:
        node = services().node
        return len(node.connections) if node else None

    def pauses() -> dict[str, float]:
        sender = services().sender
        return sender.pauses if sender else {}

    has_pages = "app" in settings.roles
    watch = Watch(database, tell, looks=has_pages)
    look = watch.lookout.look if has_pages else None
    gauges = exposition.Gauges(database, connections, pauses, look)
    return watch, exposition.registry_of(gauges)


def _make_node(services: Services) -> Node:
    settings = services.settings
    return Node(
        services.database,
        services.bus,
        services.journal,
        services.faults,
        sweep_seconds=settings.sweep_seconds,
        beat_seconds=settings.beat_seconds,
        only_node=_has_one_node(settings),
        expire=lambda: expire_all(services),
    )


def _make_sender(services: Services, outbox_changed: threading.Event) -> Sender:
    return Sender(
        settings=services.settings,
        database=services.database,
        webpush=WebPush(services.settings, services.vapid),
        journal=services.journal,
        faults=services.faults,
        ringer=services.ringer,
        changed=outbox_changed,
    )


def start(app: Flask) -> None:
    """Run what this process is for. The tables must be there: see `migrate`."""
    services: Services = app.extensions["pushlab"]
    made = services.database.write(lambda session: vapid.register(session, services.vapid))
    services.metrics_listener.start()
    services.bus.start()
    services.ringer.start()
    services.journal.start()
    for key_id in made:
        services.journal.write(
            "vapid.key-made",
            step=1,
            summary="The App Server made a VAPID key pair; the private key stays in its files.",
            detail={"vapid_key_id": key_id, "public_key": services.vapid.current.public_key},
        )
    if services.node:
        services.node.start()
    if services.sender:
        services.sender.start()
    if services.scheduler:
        services.scheduler.start()
    services.watch.start()


def stop(app: Flask) -> None:
    """End it in the reverse order; what is under way is finished and written down."""
    services: Services = app.extensions["pushlab"]
    if services.node:
        services.node.stop()
    if services.scheduler:
        services.scheduler.stop()
    if services.sender:
        services.sender.stop()
    services.watch.stop()
    services.journal.stop()
    services.ringer.stop()
    services.bus.stop()
    services.metrics_listener.stop()


def expire_all(services: Services) -> None:
    """What nobody waits for any more goes, and so do devices that never came back (P-14)."""
    if expire.sweep(services.database):
        services.faults.reach("expire.after_commit")
    _expire_devices(services)


def _expire_devices(services: Services) -> None:
    """A portion in each transaction: however many there are, nobody waits long behind them."""
    database, retention = services.database, services.settings.device_retention
    while ended := database.write(lambda s: devices.expire(s, clock.now(), retention)):
        for device in ended:
            services.announce(device)
    while database.write(lambda s: devices.forget_revoked(s, clock.now(), retention)):
        pass


def flask_config(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": secret_key(settings),
        "SESSION_COOKIE_NAME": f"pushlab_session{settings.cookie_suffix}",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.secure,
        "PERMANENT_SESSION_LIFETIME": settings.device_retention,
        # Answers overtake each other: one that sets a cookie it need not set brings an older back.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "MAX_CONTENT_LENGTH": 4 * MEGABYTE,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a form left open must still work
    }


def secret_key(settings: Settings) -> bytes:
    """The key that signs cookies: given, or made once in the instance folder."""
    if settings.secret_key:
        return settings.secret_key.get_secret_value().encode()
    return config.read_or_make(
        settings.instance_dir / "secret-key", lambda: secrets.token_urlsafe(48).encode()
    )


def derive_secret(settings: Settings, purpose: bytes) -> bytes:
    """A secret that all processes with the same key have, good for nothing but its purpose."""
    return hmac.digest(secret_key(settings), purpose, "sha256")


def open_database(app: Flask) -> Database:
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"))
    with app.app_context():
        engine = db.engine
    prepare = prepare_sqlite if engine.dialect.name == "sqlite" else prepare_postgresql
    prepare(engine)
    return Database(engine, accounts.lock_users)


def migrate(app: Flask) -> None:
    """Bring the database's tables to what this code expects."""
    with app.app_context():
        upgrade()


def check_tables(app: Flask) -> None:
    """Raises ConfigError unless the tables are what this code expects: one process brings them
    there, and it is not this one."""
    services: Services = app.extensions["pushlab"]
    with services.database.engine.connect() as connection:
        there = MigrationContext.configure(connection).get_current_heads()
    wanted = ScriptDirectory(str(ROOT / "migrations")).get_heads()
    if set(there) != set(wanted):
        raise ConfigError("The database has other tables than this version: ./pushlab db upgrade")
