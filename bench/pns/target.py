"""What a bench knows of a server: how to start it, and how its clients speak. One file per server
implements it."""

import os
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path

from bench.measuring import cpu_seconds, tree
from bench.pns.fleet import HOST, Device, Publisher

PATIENCE = 30.0


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def handshake(port: int, path: str, headers: Mapping[str, str]) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {HOST}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def post(port: int, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {HOST}:{port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Target(ABC):
    """One running server, in a process (tree) of its own, with `users` times `each` devices."""

    name: str
    #: What was published is stored, and deleted when the device has acknowledged it.
    durable = False
    #: How often W2 goes through its users: CPU time is told in ticks of 10 ms, too coarse for some.
    repeat = 1

    def __init__(self, folder: Path, users: int, each: int) -> None:
        self.folder = folder
        self.users = users
        self.each = each
        self.port = free_port()
        self.process = self.start()

    @classmethod
    def is_installed(cls) -> bool:
        """False: it is left out, as this machine does not have it."""
        return True

    @abstractmethod
    def start(self) -> "subprocess.Popen[bytes]":
        """The process; it answers when this returns."""

    @abstractmethod
    def handshakes(self) -> list[bytes]:
        """One per device, user by user."""

    def publisher(self) -> Publisher:
        """A connection over which `request` goes."""
        return Publisher(self.port)

    @abstractmethod
    def request(self, user: int, body: str) -> bytes:
        """What publishes to all devices of this user: an HTTP request, where it is not said
        otherwise."""

    def is_ready(self, device: Device, payload: bytes) -> bool:
        """True for the frame after which the device gets what is published."""
        return not payload

    def is_message(self, payload: bytes) -> bool:
        return True

    def acknowledge(self, device: Device, payload: bytes) -> None:  # noqa: B027
        """What this server's client does after a message: nothing."""

    def settle(self) -> None:  # noqa: B027
        """Returns when everything that was acknowledged is stored as such."""

    def cpu_seconds(self) -> float:
        """What all of it has cost so far."""
        return cpu_seconds(self.process.pid)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)

    def kill_and_restart(self) -> None:
        """`kill -9` for all of it."""
        for pid in list(tree(self.process.pid)):
            os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.process = self.start()

    def run(self, command: Sequence[str], **options: object) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
        wait_until_it_answers(self.port, process)
        return process  # type: ignore[no-any-return]


def wait_until_it_answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            connection = HTTPConnection(HOST, port, timeout=PATIENCE)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            connection.close()
        except ConnectionError:
            continue
        return
    raise RuntimeError(f"the server ended with {process.returncode}")
