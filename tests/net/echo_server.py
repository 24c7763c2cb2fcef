"""Two WebSocket routes that echo, under one gunicorn: `/stock` on flask-sock's own Server, `/ours`
on `app.net`. Run by test_rfc6455: `python -m tests.net.echo_server FD`."""

from gevent import monkey

if __name__ == "__main__":
    monkey.patch_all()

import sys
from functools import partial
from typing import Any

import flask_sock
import gevent
from flask import Flask, request
from gunicorn.app.base import BaseApplication

from app.net import upgrade
from app.net.framing import encode_text_frame
from app.net.websocket import Limits, WebSocket
from app.web import problems

PROTOCOL = "echo"
LIMIT = Limits().message_characters


def make_app() -> Flask:
    app, sock, stock = Flask("echo"), flask_sock.Sock(), flask_sock.Server
    app.config["SOCK_SERVER_OPTIONS"] = {"subprotocols": PROTOCOL, "max_message_size": LIMIT}
    problems.register(app)

    def choose(environ: dict[str, Any], **options: Any) -> Any:
        server = upgrade.Upgrade if environ["PATH_INFO"] == "/ours" else stock
        return server(environ, **options)

    flask_sock.Server = choose

    @app.before_request
    def prepare() -> None:
        if request.path == "/ours":
            upgrade.prepare(request.environ, protocol=PROTOCOL, set_cookie="a=b")

    @sock.route("/ours")  # type: ignore[untyped-decorator]
    def ours(upgraded: upgrade.Upgrade) -> None:
        websocket = upgraded.take_over()
        gevent.spawn(websocket.serve, partial(echo, websocket))

    @sock.route("/stock")  # type: ignore[untyped-decorator]
    def stock_route(server: Any) -> None:
        while True:
            server.send(server.receive())

    sock.init_app(app)
    return app


def echo(websocket: WebSocket, text: str) -> None:
    websocket.send(encode_text_frame(text))


class Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    def load_config(self) -> None:
        self.cfg.set("bind", f"fd://{sys.argv[1]}")
        self.cfg.set("worker_class", "gevent")
        self.cfg.set("loglevel", "critical")
        self.cfg.set("graceful_timeout", 1)
        self.cfg.set("control_socket_disable", True)

    def load(self) -> Flask:
        return make_app()


if __name__ == "__main__":
    sys.argv[0] = "echo"
    Gunicorn().run()
