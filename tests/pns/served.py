"""The real application under the real gunicorn, in a process of its own, with a database pool as
small as a test wants. Run by `served_app`: `python -m tests.pns.served FD POOL`."""

from gevent import monkey

if __name__ == "__main__":
    monkey.patch_all()

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import create_engine

from app import wiring
from app.config import Settings, load
from app.db import Database, prepare_sqlite
from tests.net.clients import PATIENCE, Client
from tests.pns.parts import Device, House

SECRET = "a secret for tests"


@dataclass
class Served:
    """The running application, and the database it works on."""

    port: int
    settings: Settings
    house: House
    process: subprocess.Popen[bytes]

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cookie(self, device: Device, secret: str = SECRET) -> str:
        """The session cookie, signed as Flask signs it."""
        app = Flask("signer")
        app.secret_key = secret
        serializer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert serializer is not None
        value = serializer.dumps({"_user_id": device.session_id, "_permanent": True})
        return f"pushlab_session{self.settings.cookie_suffix}={value}"

    def connect(self, device: Device | None, **headers: str) -> Client:
        """Open `/pns` as this device's browser would. Raises Refused."""
        sent = {"Origin": self.origin}
        if device is not None:
            sent["Cookie"] = self.cookie(device)
        sent |= headers
        client = Client.connect(self.port, "/pns", {name: v for name, v in sent.items() if v})
        self.house.clients.append(client)
        return client

    def greet(self, device: Device) -> Client:
        client = self.connect(device)
        assert [client.next_frame()["type"] for _ in range(2)] == ["hello", "replayed"]
        return client

    def ask(self, method: str, path: str, device: Device, body: Any = None) -> tuple[int, Any]:
        """An HTTP request of this device's page; status and decoded JSON."""
        headers = {
            "Cookie": self.cookie(device),
            "Origin": self.origin,
            "Content-Type": "application/json",
        }
        content = json.dumps(body) if body is not None else None
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            data = answer.read()
        return answer.status, json.loads(data) if data else None

    def notify(self, device: Device, title: str) -> str:
        """Create through the API, as a page does; the node is rung as in real life."""
        status, answer = self.ask("POST", "/api/notifications", device, {"title": title})
        assert status == 201, answer
        return str(answer["notification_id"])

    def kill(self) -> None:
        """`kill -9` for gunicorn's master and its worker."""
        for child in (
            Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ):
            os.kill(int(child), signal.SIGKILL)
        self.process.kill()
        self.process.wait(PATIENCE)


@contextmanager
def served_app(folder: Path, pool: int = 5) -> Iterator[Served]:
    """The app on a free port with its database in `folder`, ended with the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = load({}, instance_dir=folder, port=listener.getsockname()[1])
        process = _start(settings, listener, pool)
        try:
            _wait_until_it_answers(settings.port)
            with _database(settings) as database:
                house = House(database)
                yield Served(settings.port, settings, house, process)
                house.close()
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _start(settings: Settings, listener: socket.socket, pool: int) -> subprocess.Popen[bytes]:
    environment = {name: v for name, v in os.environ.items() if not name.startswith("PUSHLAB_")}
    environment |= {
        "PUSHLAB_INSTANCE_DIR": str(settings.instance_dir),
        "PUSHLAB_PUBLIC_URL": settings.public_url,
        "PUSHLAB_SECRET_KEY": SECRET,
        # What a sweep would mend must be there without one.
        "PUSHLAB_SWEEP_SECONDS": "3600",
    }
    listener.set_inheritable(True)
    command = [sys.executable, "-m", "tests.pns.served", str(listener.fileno()), str(pool)]
    return subprocess.Popen(
        command, env=environment, pass_fds=[listener.fileno()], stdout=subprocess.DEVNULL
    )


def _wait_until_it_answers(port: int) -> None:
    """The kernel holds the connection until a worker accepts it."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=2 * PATIENCE)) as connection:
        connection.request("GET", "/healthz")
        connection.getresponse().read()


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    engine = create_engine(settings.database_url)
    prepare_sqlite(engine)
    yield Database(engine)
    engine.dispose()


def main(fileno: int, pool: int) -> None:
    from app.cli import app_server, gunicorn_config

    usual = wiring.flask_config
    engine = {"pool_size": pool, "max_overflow": 0, "pool_timeout": 3}

    def with_small_pool(settings: Settings) -> dict[str, Any]:
        return usual(settings) | {"SQLALCHEMY_ENGINE_OPTIONS": engine}

    wiring.flask_config = with_small_pool
    options = gunicorn_config.options(f"fd://{fileno}")
    app_server.AppServer(load(), options).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
