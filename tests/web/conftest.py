"""The wired application, without its loops: what HTTP answers, and what is in the database then."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app import create_app
from app.config import Settings, load
from app.db import Model
from app.sending import vapid
from app.web.services import Services
from tests.factories import base64url, public_key

ENDPOINT = "https://jmt17.google.com/fcm/send/lab_abc"


#: The settings of a laboratory whose push service does not answer.
LAB: dict[str, Any] = {
    "lab": True,
    "lab_secret": "lab-secret",
    "push_service": "local",
    "push_service_url": "http://127.0.0.1:9",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return load({}, instance_dir=settings.instance_dir, **LAB)


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates that an earlier test's application compiled."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="module")
def lab_app(
    tmp_path_factory: pytest.TempPathFactory, compiled_templates: FileSystemBytecodeCache
) -> Flask:
    """The application of a module's tests: wiring one takes longer than most of them."""
    made = create_app(load({}, instance_dir=tmp_path_factory.mktemp("instance"), **LAB))
    made.testing = True
    made.jinja_env.bytecode_cache = compiled_templates
    return made


@pytest.fixture
def sqlite_app(lab_app: Flask, empty_file: Path) -> Iterator[Flask]:
    """With a database in which nothing has happened yet."""
    services: Services = lab_app.extensions["pushlab"]
    file = services.settings.instance_dir / "pushlab.db"
    shutil.copy(empty_file, file)
    services.database.write(lambda session: vapid.register(session, services.vapid))
    yield lab_app
    services.journal.flush()  # nobody has read the last test's
    services.database.engine.dispose()
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()


@pytest.fixture
def app(sqlite_app: Flask) -> Flask:
    return sqlite_app


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions["pushlab"]
    return found


@pytest.fixture
def count(services: Services) -> Callable[[type[Model]], int]:
    """How many rows a table has."""

    def count_rows(table: type[Model]) -> int:
        with services.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    return count_rows


class Browser:
    """A browser without JavaScript: forms with their tokens, and JSON."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def submit(self, path: str, form_page: str | None = None, **fields: str) -> TestResponse:
        token = self.token_of(form_page or path)
        return self.client.post(path, data={"csrf_token": token, **fields})

    def token_of(self, form_page: str) -> str:
        """The token in a page's form."""
        page = self.client.get(form_page).get_data(as_text=True)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token is not None, page[:500]
        return token[1]

    def enter_as_guest(self) -> None:
        assert self.submit("/guest", "/").status_code == 303

    def sign_up(self, name: str, password: str = "correct horse") -> TestResponse:
        return self.submit("/signup", name=name, password=password)

    def subscribe(self, **changes: Any) -> TestResponse:
        return self.client.post("/api/subscribe", json={**subscription(), **changes})

    def send(self, **fields: Any) -> TestResponse:
        return self.client.post("/api/notifications", json={"title": "Hello", **fields})


def subscription(endpoint: str = ENDPOINT) -> dict[str, Any]:
    """What `PushSubscription.toJSON()` gives, with fresh keys."""
    keys = {"p256dh": public_key(), "auth": base64url(bytes(16))}
    return {"endpoint": endpoint, "expirationTime": None, "keys": keys}


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """A browser that nobody is signed in with."""
    return Browser(app.test_client())


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser with a guest signed in."""
    made = Browser(app.test_client())
    made.enter_as_guest()
    return made
