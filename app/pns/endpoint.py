"""`GET /pns`: who may open a WebSocket, and the cookie in the 101. Registered by web.

Nothing of the request outlives the handshake: the node takes the socket over and this route
returns, so the contexts are left and the database session is ended while the socket lives on."""

from collections.abc import Callable

from flask import Blueprint, Flask, g, request
from flask_sock import Sock
from werkzeug.http import dump_cookie

from app import metrics
from app.config import Settings
from app.errors import ForeignOrigin, Problem, SignedOut, TryAgain
from app.net import upgrade
from app.pns import wire
from app.pns.node import Node

PATH = "/pns"

#: The session id that the current request's signed cookie carries; None when there is none.
SessionId = Callable[[], str | None]


def cookie_name(settings: Settings) -> str:
    return f"pns_connection_id{settings.cookie_suffix}"


def register(app: Flask, node: Node, settings: Settings, session_id: SessionId) -> None:
    """Add the route. A connection id in the request's cookie is not even read: the session alone
    says which device this is, so somebody else's id is worth nothing (P-13)."""
    upgrade.install()
    blueprint, sock = Blueprint("pns", __name__), Sock()

    @blueprint.before_request
    def admit() -> None:
        try:
            check_in()
        except TryAgain:
            metrics.HANDSHAKES.labels("busy").inc()
            raise
        except Problem:
            metrics.HANDSHAKES.labels("refused").inc()
            raise
        metrics.HANDSHAKES.labels("admitted").inc()

    def check_in() -> None:
        if request.headers.get("Origin", "").lower() != settings.public_url:
            raise ForeignOrigin()
        signed_in = session_id()
        if signed_in is None:
            raise SignedOut()
        g.pns_admitted = node.admit(signed_in, request.headers.get("User-Agent", ""))
        cookie = _cookie(settings, g.pns_admitted.connection_id)
        upgrade.prepare(request.environ, protocol=wire.PROTOCOL, set_cookie=cookie)

    @sock.route(PATH, bp=blueprint)  # type: ignore[untyped-decorator]
    def pns(upgraded: upgrade.Upgrade) -> None:
        node.connect(upgraded.take_over, g.pns_admitted)

    app.register_blueprint(blueprint)


def _cookie(settings: Settings, connection_id: str) -> str:
    return dump_cookie(
        cookie_name(settings),
        connection_id,
        max_age=settings.device_retention,
        httponly=True,
        secure=settings.secure,
        samesite="Strict",
        sync_expires=False,  # Max-Age says it, and no date need be written for each handshake
    )
