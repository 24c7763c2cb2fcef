"""The peers: plain flask-sock, Flask-SocketIO, and the floor. Each check the same kind of signed
session cookie at the handshake; none looks anything up, stores anything, or waits for an ack."""

import json
import subprocess
import sys

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from bench.pns.fleet import Device
from bench.pns.target import Target, handshake, post

SECRET = "a secret for benches"


class Peer(Target):
    module: str
    path = "/ws"

    def start(self) -> "subprocess.Popen[bytes]":
        return self.run([sys.executable, "-m", self.module, str(self.port)])

    def handshakes(self) -> list[bytes]:
        app = Flask("signer")
        app.secret_key = SECRET
        signer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert signer is not None
        cookies = [f"session={signer.dumps({'user': user})}" for user in range(self.users)]
        return [
            handshake(self.port, self.path, {"Cookie": cookie})
            for cookie in cookies
            for _ in range(self.each)
        ]

    def request(self, user: int, body: str) -> bytes:
        return post(self.port, f"/publish/{user}", {}, json.dumps({"body": body}).encode())


class FlaskSock(Peer):
    name = "flask-sock"
    module = "bench.pns.flask_sock_server"

    def is_ready(self, device: Device, payload: bytes) -> bool:
        return payload == b"hello"


class SocketIO(Peer):
    name = "Flask-SocketIO"
    module = "bench.pns.socketio_server"
    path = "/socket.io/?EIO=4&transport=websocket"

    def is_ready(self, device: Device, payload: bytes) -> bool:
        """Engine.IO opens with `0`; we ask for the namespace with `40`, and `40` is the answer."""
        if payload.startswith(b"0"):
            device.send(b"40")
        return payload.startswith(b"40")

    def is_message(self, payload: bytes) -> bool:
        return payload.startswith(b"42")


class Floor(Peer):
    name = "floor: send() alone"
    module = "bench.pns.floor_server"
