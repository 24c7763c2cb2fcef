"""http://HOST[:PORT]  Whoever has something to say tells the node itself, at its `node_uri`.

Guarantees: at most once; no order; what was answered was handled; a node that cannot be reached is
known within the timeout. No broker. URL: the address at which this process listens for rings and
which the others can reach; without a port it takes a free one. All processes need the same
PUSHLAB_SECRET_KEY: with it rings are signed.
"""

import logging
import threading
import uuid
from http import HTTPStatus
from urllib.parse import urlsplit

import urllib3

from app.bus.contract import BusError, Handler
from app.bus.envelope import Envelope
from app.net.private_listener import SIGNATURE, PrivateListener, sign

log = logging.getLogger(__name__)

#: Nodes with kept-alive connections, and connections to each.
NODES, PER_NODE = 256, 4
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 (compared)


class HttpBus:
    """Listens as soon as a node begins. A ring names its node in the body's first line, so that
    nothing signed for one incarnation means anything to another."""

    def __init__(self, url: str, secret: bytes) -> None:
        """ValueError: the URL names no address that others could reach."""
        parts = urlsplit(url)
        if not parts.hostname or parts.hostname in WILDCARDS or parts.path not in ("", "/"):
            raise ValueError(f"{url}: use http://HOST or http://HOST:PORT, as other nodes reach it")
        self._address = (parts.hostname, parts.port or 0)
        self._secret = secret
        self._handlers: dict[str, Handler] = {}
        self._listener: PrivateListener | None = None
        self._starting = threading.Lock()
        self._pools = urllib3.PoolManager(num_pools=NODES, maxsize=PER_NODE, retries=False)

    def start(self) -> None:
        """Nothing to connect to."""

    def stop(self) -> None:
        self._handlers.clear()
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        self._pools.clear()

    def subscribe(self, handler: Handler) -> str:
        node_uri = f"http://{self._listen()}/#{uuid.uuid4()}"
        self._handlers[node_uri] = handler
        return node_uri

    def unsubscribe(self, node_uri: str) -> None:
        self._handlers.pop(node_uri, None)

    def ring(self, node_uri: str, envelope: Envelope, timeout: float) -> None:
        body = node_uri.encode() + b"\n" + envelope.to_bytes()
        headers = {SIGNATURE: sign(self._secret, body)}
        where = node_uri.partition("#")[0]
        try:
            answer = self._pools.urlopen(
                "POST", where, body=body, headers=headers, timeout=timeout, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise BusError(f"{where} does not answer: {error}") from error
        if answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.GONE):
            raise BusError(f"{where} answers {answer.status}")

    def _listen(self) -> str:
        with self._starting:
            if self._listener is None:
                self._listener = PrivateListener(*self._address, self._secret, self._on_ring)
                self._listener.start()
            return self._listener.address

    def _on_ring(self, body: bytes) -> HTTPStatus:
        node_uri, _, data = body.partition(b"\n")
        handler = self._handlers.get(node_uri.decode(errors="replace"))
        if handler is None:
            return HTTPStatus.GONE
        handler(Envelope.from_bytes(data))
        return HTTPStatus.NO_CONTENT
