"""The peers: `python -m bench.drops.peers flask-sock` or `flask-socketio`. A user's sockets get
what is published while they are there: that is what the libraries do by themselves."""

from gevent import monkey

if __name__ == "__main__":
    monkey.patch_all()

import json
import sys
from contextlib import suppress

from flask import Flask, request
from flask_sock import Sock
from gevent.pywsgi import WSGIHandler, WSGIServer
from simple_websocket import ConnectionClosed, Server


def flask_sock() -> Flask:
    """A route that keeps its sockets in a set, as in the library's documentation."""
    app = Flask(__name__)
    sock, sockets = Sock(app), set[Server]()

    @sock.route("/sock/<user>")  # type: ignore[untyped-decorator]
    def listen(socket: Server, user: str) -> None:
        sockets.add(socket)
        try:
            while True:
                socket.receive()
        finally:
            sockets.discard(socket)

    @app.post("/publish")
    def publish() -> str:
        for socket in list(sockets):
            with suppress(ConnectionClosed, OSError):
                socket.send(request.get_data(as_text=True))
        return ""

    return app


def flask_socketio() -> Flask:
    """A room per user."""
    from flask_socketio import SocketIO, join_room

    app = Flask(__name__)
    io, users = SocketIO(app, async_mode="gevent"), set[str]()

    @io.on("connect")  # type: ignore[untyped-decorator]
    def connect() -> None:
        users.add(request.args["user"])
        join_room(request.args["user"])

    @app.post("/publish")
    def publish() -> str:
        for user in users:
            io.emit("notification", request.get_json(), to=user)
        return ""

    return app


def _handler(name: str) -> type[WSGIHandler]:
    """Flask-SocketIO takes gevent-websocket where it is installed, and then nothing else."""
    if name != "flask-socketio":
        return WSGIHandler
    from geventwebsocket.handler import WebSocketHandler

    handler: type[WSGIHandler] = WebSocketHandler
    return handler


def main(name: str) -> None:
    app = {"flask-sock": flask_sock, "flask-socketio": flask_socketio}[name]()
    server = WSGIServer(("127.0.0.1", 0), app, log=None, handler_class=_handler(name))
    server.start()
    print(json.dumps({"port": server.server_port}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
