"""Flask-SocketIO on gevent with gevent-websocket, as its documentation recommends; a room per user.
`python -m bench.pns.socketio_server PORT`"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from typing import Any  # noqa: E402

from flask import Flask, request, session  # noqa: E402
from flask_socketio import SocketIO, join_room  # noqa: E402

app = Flask(__name__)
app.secret_key = "a secret for benches"
socketio = SocketIO(app, async_mode="gevent", cors_allowed_origins="*")


@socketio.on("connect")  # type: ignore[untyped-decorator]
def connect(auth: Any = None) -> bool:
    if "user" not in session:
        return False
    join_room(str(session["user"]))
    return True


@app.post("/publish/<int:user>")
def publish(user: int) -> dict[str, int]:
    socketio.emit("notification", request.get_json(), to=str(user))
    return {"user": user}


if __name__ == "__main__":
    socketio.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_output=False)
