"""Faces on real sockets, and peers that behave badly on them."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

import gevent
from gevent import socket as gevent_socket
from gevent.event import Event

TIMEOUT = 10.0


@contextmanager
def served(make_face: Callable[[Any], Any]) -> Iterator[int]:
    """The port of a face that runs under gevent, in a thread of its own."""
    ready, ports, stops = threading.Event(), list[int](), list[Callable[[], None]]()

    def run() -> None:
        stop = Event()
        listener = gevent_socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        face = make_face(listener)
        face.start()
        ports.append(listener.getsockname()[1])
        wakeup = gevent.get_hub().loop.async_()
        wakeup.start(stop.set)
        stops.append(wakeup.send)
        ready.set()
        stop.wait()
        face.stop()
        gevent.get_hub().destroy()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        yield ports[0]
    finally:
        stops[0]()
        thread.join()


@dataclass
class Peer:
    """A raw client socket."""

    port: int

    def __post_init__(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> Self:
        """As much as the other side takes: it may have hung up."""
        with suppress(ConnectionError):
            self.socket.sendall(data)
        return self

    def receive(self, size: int = 65536) -> bytes:
        """What comes next; empty when the other side has hung up."""
        try:
            return self.socket.recv(size)
        except ConnectionError:
            return b""

    def receive_all(self) -> bytes:
        """Everything, until the other side hangs up."""
        pieces = []
        while piece := self.receive():
            pieces.append(piece)
        return b"".join(pieces)


def status(answer: bytes) -> int:
    """Of a raw HTTP answer; 0 for none."""
    return int(answer.split()[1]) if answer else 0
