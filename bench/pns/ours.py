"""pushlab as `./pushlab serve` runs it: app, node and sender in one process, on SQLite or on
PostgreSQL. Sessions are looked up at each handshake; a notification is stored per device before it
is sent, and deleted when the device has acknowledged it."""

import json
import os
import secrets
import sqlite3
import subprocess
import sys
import time
import uuid
from typing import cast

import psycopg
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from app import clock, config, create_app, tokens, wiring
from app.db import Model
from app.models import AuthSession, Registration, User
from app.web.services import Services
from bench.measuring import cpu_seconds
from bench.pns.fleet import HOST, Device
from bench.pns.target import Target, handshake, post
from tests import postgres

ID = b'"notification_id":"'


class Pushlab(Target):
    name = "pushlab"
    durable = True
    _started = False

    def start(self) -> "subprocess.Popen[bytes]":
        if not self._started:
            self._prepare()
            self._started = True
        others = {k: v for k, v in os.environ.items() if not k.startswith(config.PREFIX)}
        command = [sys.executable, "-m", "app", "serve", "--json"]
        return self.run(command, env=others | self.settings())

    def settings(self) -> dict[str, str]:
        """The server's, as environment."""
        return {
            "PUSHLAB_INSTANCE_DIR": str(self.folder),
            "PUSHLAB_PORT": str(self.port),
            "PUSHLAB_TOKEN_REQUESTS": str(10**9),
        }

    def _prepare(self) -> None:
        app = create_app(config.load(self.settings()))
        wiring.migrate(app)
        services: Services = app.extensions["pushlab"]
        self._sessions = [
            [secrets.token_urlsafe(32) for _ in range(self.each)] for _ in range(self.users)
        ]
        self._token = services.database.write(self._sign_in_all)
        services.database.engine.dispose()
        signer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert signer is not None
        self._cookies = [
            f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps({'_user_id': one})}"
            for user in self._sessions
            for one in user
        ]

    def _sign_in_all(self, session: Session) -> str:
        """Users, sessions and devices as rows at once; a token of the first user."""
        now = clock.now()
        users, sessions, devices = [], [], []
        for number, ids in enumerate(self._sessions):
            user = {"id": number + 1, "name": f"user {number}", "name_key": f"user {number}"}
            users.append(user | {"created_at": now, "last_seq": 0})
            for place, one in enumerate(ids):
                shared = {"session_id": one, "user_id": number + 1, "last_seen_at": now}
                sessions.append(shared | {"created_at": now})
                device = {"connection_id": str(uuid.uuid4()), "device_name": f"device {place}"}
                fixed = {"user_agent": "bench", "epoch": 0, "expired_count": 0, "created_seq": 0}
                devices.append(shared | device | fixed)
        for model, rows in ((User, users), (AuthSession, sessions), (Registration, devices)):
            _insert(session, model, rows)
        return tokens.create(session, 1, "bench")

    def handshakes(self) -> list[bytes]:
        shared = {"Origin": f"http://{HOST}:{self.port}", "Sec-WebSocket-Protocol": "pns.v1"}
        return [
            handshake(self.port, "/pns", shared | {"Cookie": cookie}) for cookie in self._cookies
        ]

    def request(self, user: int, body: str) -> bytes:
        return self._post(self._one(user, body))

    def request_many(self, users: range, body: str) -> bytes:
        """One call that publishes to all these users."""
        return self._post({"notifications": [self._one(user, body) for user in users]})

    def _one(self, user: int, body: str) -> dict[str, str]:
        return {"to": f"user {user}", "title": "bench", "body": body}

    def _post(self, value: object) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}"}
        return post(self.port, "/api/notifications", headers, json.dumps(value).encode())

    def is_ready(self, device: Device, payload: bytes) -> bool:
        return payload.startswith(b'{"type":"replayed"')

    def is_message(self, payload: bytes) -> bool:
        return payload.startswith(b'{"type":"notification"')

    def acknowledge(self, device: Device, payload: bytes) -> None:
        start = payload.index(ID) + len(ID)
        device.owed.append(payload[start : start + 36])

    def settle(self) -> None:
        """Looks into the database from outside, which costs the server nothing."""
        while self.pending():
            time.sleep(0.01)

    def pending(self) -> int:
        with sqlite3.connect(f"file:{self.folder}/pushlab.db?mode=ro", uri=True) as database:
            return int(database.execute("SELECT count(*) FROM pending_notifications").fetchone()[0])


class PushlabOnPostgreSQL(Pushlab):
    """With a server of its own, whose CPU counts; a commit is on the disk."""

    name = "pushlab on PostgreSQL"

    def start(self) -> "subprocess.Popen[bytes]":
        if not self._started:
            self._database = postgres.server(durable=True)
            self._server = self._database.__enter__()
        return super().start()

    def settings(self) -> dict[str, str]:
        return super().settings() | {"PUSHLAB_DATABASE_URL": self._server.url}

    def cpu_seconds(self) -> float:
        return super().cpu_seconds() + cpu_seconds(self._server.pid)

    def stop(self) -> None:
        super().stop()
        self._database.__exit__(None, None, None)

    def pending(self) -> int:
        with psycopg.connect(self._server.libpq_url) as database:
            found = database.execute("SELECT count(*) FROM pending_notifications").fetchone()
            return int(found[0]) if found else 0


def _insert(session: Session, model: type[Model], rows: list[dict[str, object]]) -> None:
    session.connection().execute(insert(cast(Table, model.__table__)), rows)
