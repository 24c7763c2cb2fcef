"""The composition root: settings in, the parts of this process made and tied together. Called by
`create_app`; `start` and `stop` by whoever runs it."""

import secrets
import threading
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import Migrate, upgrade

from app import config, devices, journal, web
from app.bus import open_bus
from app.config import Settings
from app.db import Database, db, prepare_sqlite
from app.faults import Faults
from app.journal import Journal
from app.web.services import Services

ROOT = Path(__file__).resolve().parents[1]
MEGABYTE = 1024 * 1024


def wire(settings: Settings) -> Flask:
    """The application and its services; nothing runs yet."""
    app = Flask(
        "pushlab",
        root_path=str(ROOT),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.from_mapping(flask_config(settings))
    database = open_database(app)
    app.extensions["pushlab"] = make_services(settings, database)
    web.register(app, settings)
    return app


def flask_config(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": secret_key(settings),
        "SESSION_COOKIE_NAME": f"pushlab_session{settings.cookie_suffix}",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.secure,
        "PERMANENT_SESSION_LIFETIME": settings.device_retention,
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


def open_database(app: Flask) -> Database:
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"))
    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        prepare_sqlite(engine)
    return Database(engine)


def migrate(app: Flask) -> None:
    """Bring the database's tables to what this code expects."""
    with app.app_context():
        upgrade()
