"""Measures Web Push sending: `python -m bench.web_push`.

Each contestant is a process of its own and sends the same payload to the same subscriptions over
TLS. Rounds of all follow each other, because the machine drifts; the medians count, and the ratios
are taken within each round. Main figure: CPU-seconds of the sending process per 1000 messages.
"""

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.measuring import Figures, machine, save
from bench.measuring import medians as medians_of
from bench.web_push.receiver import Receiver, receiver

RESULTS = Path("bench/results/web_push.json")
WEB_PUSH = Path(sys.prefix) / "npm/node_modules/web-push"
PYTHON = [sys.executable, "-m"]
CONTESTANTS = {
    "pushlab": [*PYTHON, "bench.web_push.ours"],
    "pushlab, outbox included": [*PYTHON, "bench.web_push.our_sender"],
    "pywebpush, requests session": [*PYTHON, "bench.web_push.pywebpush_session"],
    "pywebpush, aiohttp session": [*PYTHON, "bench.web_push.pywebpush_async"],
    "node web-push, keep-alive agent": ["node", "bench/web_push/node_web_push.cjs"],
}
OURS = "pushlab"


@click.command()
@click.option("--subscriptions", default=1000, show_default=True)
@click.option("--payload", default=200, show_default=True, help="Bytes before encryption.")
@click.option("--at-once", default=50, show_default=True, help="Requests under way at once.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def main(subscriptions: int, payload: int, at_once: int, rounds: int, output: Path) -> None:
    """Measure sending beside its peers."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receiving = stack.enter_context(receiver(folder))
        plan = _plan(receiving, folder, subscriptions, payload, at_once)
        running = {
            name: stack.enter_context(_contestant(name, command, plan, folder))
            for name, command in CONTESTANTS.items()
        }
        for contestant in running.values():
            contestant.send_all(receiving)  # connections are open, code is warm
        found = [
            {name: contestant.send_all(receiving) for name, contestant in running.items()}
            for _ in range(rounds)
        ]
    medians = {name: medians_of([one[name] for one in found]) for name in CONTESTANTS}
    for name, figures in medians.items():
        figures["ratio_to_ours"] = statistics.median(_ratio(one, name) for one in found)
    chosen = {"subscriptions": subscriptions, "payload": payload, "at_once": at_once}
    report = {"machine": machine(), "plan": chosen, "medians": medians, "rounds": found}
    save(report, output)
    _tell(medians)


def _plan(
    receiving: Receiver, folder: Path, subscriptions: int, payload: int, at_once: int
) -> dict[str, Any]:
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
def _contestant(
    name: str, command: list[str], plan: dict[str, Any], folder: Path
) -> Iterator[Contestant]:
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


def _ratio(found: dict[str, Figures], name: str) -> float:
    return found[name]["cpu_seconds_per_1000"] / found[OURS]["cpu_seconds_per_1000"]


def _tell(medians: dict[str, Figures]) -> None:
    click.echo("| sender | CPU-s per 1000 | ratio | sends/s | its CPU share | receiver's |")
    click.echo("|---|---|---|---|---|---|")
    for name, one in medians.items():
        shown = f"{one['cpu_seconds_per_1000']:.3f} | {one['ratio_to_ours']:.2f} | "
        shown += f"{one['sends_per_second']:,.0f} | {one['cpu_share']:.2f} | "
        click.echo(f"| {name} | {shown}{one['receiver_cpu_share']:.2f} |")


if __name__ == "__main__":
    main()
