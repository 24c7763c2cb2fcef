"""The contestants as processes: what they get, what they tell. Used by the benches of sending."""

import contextlib
import json
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.measuring import Figures
from bench.web_push.receiver import Receiver

WEB_PUSH = Path(sys.prefix) / "npm/node_modules/web-push"
PYTHON = [sys.executable, "-m"]


def make_plan(
    receiving: Receiver, subscriptions: int, payload: int, at_once: int
) -> dict[str, Any]:
    """As `contestant.Plan`, but for the folder, which each has for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return {
        "url": receiving.url,
        "ca": str(receiving.ca),
        "private_key": _encode(key.private_numbers().private_value.to_bytes(32)),
        "public_key": _point(key),
        "payload": "x" * payload,
        "subscriptions": [_subscription(receiving.url, n) for n in range(subscriptions)],
        "at_once": at_once,
    }


def _subscription(url: str, number: int) -> dict[str, Any]:
    keys = {"p256dh": _point(ec.generate_private_key(ec.SECP256R1())), "auth": _encode(b"a" * 16)}
    return {"endpoint": f"{url}/push/lab_{number}", "expirationTime": None, "keys": keys}


def _point(key: ec.EllipticCurvePrivateKey) -> str:
    return _encode(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _encode(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


class Contestant:
    """A process that sends everything once for each line that it is given."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._read()

    def send_all(self, receiving: Receiver) -> Figures:
        assert self._process.stdin is not None
        used = receiving.cpu_seconds()
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        told = self._read()
        thousands = told["sent"] / 1000
        return {
            "cpu_seconds_per_1000": told["cpu_seconds"] / thousands,
            "sends_per_second": told["sent"] / told["seconds"],
            "cpu_share": told["cpu_seconds"] / told["seconds"],
            "receiver_cpu_share": (receiving.cpu_seconds() - used) / told["seconds"],
        }

    def _read(self) -> Figures:
        assert self._process.stdout is not None
        told: Figures = json.loads(self._process.stdout.readline())
        return told


@contextlib.contextmanager
def start_contestant(
    name: str, command: list[str], plan: dict[str, Any], folder: Path
) -> Iterator[Contestant]:
    """Ready to send; ended with the block."""
    own = folder / name.replace(" ", "-")
    own.mkdir()
    of_node = command[0] == "node"
    if not of_node:
        plan = {key: value for key, value in plan.items() if key != "public_key"}
        plan["folder"] = str(own)
    (own / "plan.json").write_text(json.dumps(plan))
    arguments = [str(own / "plan.json"), *([str(WEB_PUSH)] if of_node else [])]
    with subprocess.Popen(
        [*command, *arguments], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Contestant(process)
        finally:
            process.terminate()
