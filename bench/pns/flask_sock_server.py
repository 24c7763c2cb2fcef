"""Plain flask-sock under gunicorn's gevent worker: what its documentation shows, with a map of who
is connected. `python -m bench.pns.flask_sock_server PORT`"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from collections import defaultdict  # noqa: E402

from flask import Flask, abort, request, session  # noqa: E402
from flask_sock import Sock  # noqa: E402
from gunicorn.app.base import BaseApplication  # noqa: E402
from simple_websocket import ConnectionClosed, Server  # noqa: E402

SECRET = "a secret for benches"
#: From here on it gets what is published.
GREETING = "hello"

app = Flask(__name__)
app.secret_key = SECRET
sock = Sock(app)
connected: dict[int, set[Server]] = defaultdict(set)


@app.before_request
def authenticate() -> None:
    if request.path == "/ws" and "user" not in session:
        abort(401)


@sock.route("/ws")  # type: ignore[untyped-decorator]
def receive(websocket: Server) -> None:
    mine = connected[session["user"]]
    mine.add(websocket)
    websocket.send(GREETING)
    try:
        while True:
            websocket.receive()
    finally:
        mine.discard(websocket)


@app.post("/publish/<int:user>")
def publish(user: int) -> dict[str, int]:
    message = request.get_data(as_text=True)
    for websocket in list(connected[user]):
        try:
            websocket.send(message)
        except ConnectionClosed:
            connected[user].discard(websocket)
    return {"devices": len(connected[user])}


class UnderGunicorn(BaseApplication):  # type: ignore[misc]
    def load_config(self) -> None:
        chosen: dict[str, object] = {"bind": f"127.0.0.1:{sys.argv[1]}", "worker_class": "gevent"}
        chosen |= {"worker_connections": 20_000, "loglevel": "warning", "keepalive": 60}
        chosen |= {"control_socket_disable": True, "backlog": 2048}
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return app


if __name__ == "__main__":
    UnderGunicorn().run()
