"""Which part of what is published reaches a device whose network drops again and again, and how
much of it is shown twice: `python -m bench.drops`. The same devices, with drops by the same seed,
on pushlab and on two peers."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from bench.drops import servers
from bench.drops.run import run
from bench.drops.servers import Server

RESULTS = Path("bench/results/drops.json")
SERVERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "pushlab": servers.pushlab,
    "Flask-SocketIO": servers.flask_socketio,
    "plain flask-sock": servers.flask_sock,
}


@click.command()
@click.option("--devices", default=8, show_default=True)
@click.option(
    "--seconds", default=30.0, show_default=True, help="How long drops and messages go on."
)
@click.option(
    "--rate", default=20, show_default=True, help="Notifications a second, to each device."
)
@click.option("--seed", default=1, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def main(output: Path, **plan: Any) -> None:
    """Measure what arrives under repeated drops."""
    results = {}
    for name, start in SERVERS.items():
        with start() as server:
            results[name] = run(server, **plan)
        click.echo(f"{name}: {results[name].line()}")
    report = {"plan": plan, "results": {name: vars(one) for name, one in results.items()}}
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
