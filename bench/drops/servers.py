"""What is measured: pushlab as it comes, and two small applications that send to a user's sockets,
as their libraries' own examples do. Each is a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.drops.device import Dialect, Notification
from e2e.http import Visitor, send
from tests.net.clients import Client

START_SECONDS = 30


class Server(ABC):
    """A running server at `port`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    @abstractmethod
    def user(self, number: int) -> Dialect:
        """A new user with one device."""

    @abstractmethod
    def publish(self, number: int) -> None:
        """One notification for each user; returns when the server has answered that it has it."""


class Pushlab(Server):
    """Sessions, rows, acknowledgements: what a page of ours does."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._names: list[str] = []

    def user(self, number: int) -> Dialect:
        visitor = Visitor(self.url)
        self._names.append(visitor.enter_as_guest())
        self._sender = visitor
        return PushlabDialect(self.port, {"Origin": self.url, "Cookie": visitor.cookies})

    def publish(self, number: int) -> None:
        each = [{"title": str(number), "to": name} for name in self._names]
        answer = self._sender.call("POST", "/api/notifications", {"notifications": each})
        assert answer.status == 201, answer


class PushlabDialect:
    """`pns.v1`: what was shown is acknowledged."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self._port, self._headers = port, headers

    def connect(self) -> Client:
        return Client.connect(self._port, "/pns", self._headers)

    def read(self, client: Client, text: str) -> Notification | None:
        frame = json.loads(text)
        if frame["type"] != "notification":
            return None
        return Notification(int(frame["data"]["title"]), frame["notification_id"])

    def on_shown(self, client: Client, text: str) -> None:
        client.ack(json.loads(text)["notification_id"])


class Peer(Server):
    """`bench.drops.peers`: a user is a name in the address."""

    def publish(self, number: int) -> None:
        body = json.dumps({"title": str(number)}).encode()
        answer = send("POST", f"{self.url}/publish", body, {"Content-Type": "application/json"})
        assert answer.status == 200, answer


class FlaskSock(Peer):
    def user(self, number: int) -> Dialect:
        return FlaskSockDialect(self.port, f"/sock/user-{number}")


class FlaskSockDialect:
    """A JSON text per notification, and nothing else."""

    def __init__(self, port: int, path: str) -> None:
        self._port, self._path = port, path

    def connect(self) -> Client:
        return Client.connect(self._port, self._path, protocols=())

    def read(self, client: Client, text: str) -> Notification | None:
        return Notification(int(json.loads(text)["title"]))

    def on_shown(self, client: Client, text: str) -> None:
        pass


class FlaskSocketIO(Peer):
    def user(self, number: int) -> Dialect:
        return SocketIODialect(self.port, f"user-{number}")


class SocketIODialect:
    """Socket.IO 5 over Engine.IO 4, by WebSocket alone: packet types are the first characters."""

    OPEN, PING, PONG, CONNECT, EVENT = "0", "2", "3", "40", "42"

    def __init__(self, port: int, user: str) -> None:
        self._port, self._user = port, user

    def connect(self) -> Client:
        path = f"/socket.io/?EIO=4&transport=websocket&user={self._user}"
        return Client.connect(self._port, path, protocols=())

    def read(self, client: Client, text: str) -> Notification | None:
        if text.startswith(self.EVENT):
            _name, data = json.loads(text.removeprefix(self.EVENT))
            return Notification(int(data["title"]))
        if text.startswith(self.OPEN):
            client.send_text(self.CONNECT)
        elif text == self.PING:
            client.send_text(self.PONG)
        return None

    def on_shown(self, client: Client, text: str) -> None:
        pass


@contextmanager
def pushlab() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        inherited = {name: v for name, v in os.environ.items() if not name.startswith("PUSHLAB_")}
        environment = {**inherited, "PUSHLAB_INSTANCE_DIR": folder, "PUSHLAB_PORT": "0"}
        with _running(["-m", "app", "serve", "--json"], environment) as told:
            yield Pushlab(int(told["url"].rpartition(":")[2]))


@contextmanager
def flask_sock() -> Iterator[Server]:
    with _running(["-m", "bench.drops.peers", "flask-sock"], dict(os.environ)) as told:
        yield FlaskSock(told["port"])


@contextmanager
def flask_socketio() -> Iterator[Server]:
    with _running(["-m", "bench.drops.peers", "flask-socketio"], dict(os.environ)) as told:
        yield FlaskSocketIO(told["port"])


@contextmanager
def _running(arguments: list[str], environment: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The process, which says in a line of JSON where it listens."""
    command = [sys.executable, *arguments]
    checkout = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, cwd=checkout
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
