"""The opening handshake under flask-sock (RFC 6455 section 4.2). `Upgrade` takes the place of
simple_websocket's Server, which knows no Set-Cookie, keeps the request alive as long as the socket,
and loses bytes at a short write. Called by `pns.endpoint`.

A request that may not pass is refused before: flask-sock builds its Server, and so sends the 101,
before the route's function runs. When the route's function returns, the request is over for Flask
and for gunicorn (contexts left, database session ended), while the socket lives on with whoever
took it over.
"""

import base64
import binascii
import contextlib
import hashlib
from collections.abc import MutableMapping
from typing import Any

import flask_sock
from gevent import socket
from werkzeug.exceptions import MethodNotAllowed

from app.errors import MalformedRequest, Problem
from app.net.websocket import Limits, WebSocket

#: Section 1.3.
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#: In the environ: the answer that is to be sent, and that it was.
ANSWER = "pushlab.upgrade"
ANSWERED = "pushlab.upgraded"

Environ = MutableMapping[str, Any]


class UpgradeRequired(Problem):
    status = 426
    code = "upgrade-required"
    title = "This address speaks WebSocket version 13"
    #: Section 4.4, and RFC 9110 section 15.5.22.
    headers = {"Sec-WebSocket-Version": "13", "Upgrade": "websocket"}


def install() -> None:
    """Make flask-sock use `Upgrade`: it looks its Server up anew at every handshake."""
    flask_sock.Server = Upgrade


def prepare(environ: Environ, *, protocol: str, set_cookie: str) -> None:
    """Check the opening handshake and write its answer, to be sent when flask-sock asks for it.
    Raises a Problem, or MethodNotAllowed, for a handshake that this server cannot accept."""
    if environ.get("REQUEST_METHOD") != "GET":  # section 4.1
        raise MethodNotAllowed(["GET"])
    spoken = environ.get("SERVER_PROTOCOL"), environ.get("HTTP_SEC_WEBSOCKET_VERSION")
    if spoken != ("HTTP/1.1", "13"):
        raise UpgradeRequired()
    offered = environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "").split(",")
    if protocol not in (name.strip() for name in offered):
        raise MalformedRequest(f"Offer the sub-protocol {protocol}.")
    if type(environ.get("gunicorn.socket")) is not socket.socket:
        raise RuntimeError("WebSockets need gunicorn's gevent worker, with TLS ended before it")
    lines = (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_key(environ.get('HTTP_SEC_WEBSOCKET_KEY', ''))}",
        f"Sec-WebSocket-Protocol: {protocol}",
        f"Set-Cookie: {set_cookie}",
    )
    environ[ANSWER] = "\r\n".join((*lines, "", "")).encode("latin-1")


def is_answered(environ: Environ) -> bool:
    """The request was a handshake, and got its 101."""
    return ANSWERED in environ


def accept_key(key: str) -> str:
    """Section 4.2.2, step 5.4. Raises MalformedRequest unless the key is 16 bytes in base64."""
    try:
        nonce = base64.b64decode(key, validate=True)
    except binascii.Error:
        nonce = b""
    if len(nonce) != 16:
        raise MalformedRequest("Sec-WebSocket-Key must be 16 bytes in base64.")
    digest = hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


class Upgrade:
    """A handshake that was answered with 101, made by flask-sock for each request of its routes."""

    #: Tells flask-sock how to end the request without a second answer.
    mode = "gunicorn"

    def __init__(self, environ: Environ, **options: Any) -> None:
        self._sock: socket.socket = environ["gunicorn.socket"]
        with contextlib.suppress(OSError):  # the peer is gone: the reader will notice
            self._sock.sendall(environ[ANSWER])
        environ[ANSWERED] = True

    def take_over(self, limits: Limits | None = None) -> WebSocket:
        """The socket, out of the server's hands: gunicorn closes what is left, an empty shell."""
        return WebSocket(self._sock.detach(), limits)

    def close(self) -> None:
        """flask-sock calls this when the route's function returned; a socket that nobody took over
        is closed by gunicorn."""
