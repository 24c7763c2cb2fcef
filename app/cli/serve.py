"""`./pushlab serve`: the app with everything in one process, kept running by the supervisor."""

import json
import os
from typing import Any

import click

from app.cli import house


@click.command()
@click.option("--json", "as_json", is_flag=True, help="First line: what runs where, as JSON.")
@click.option("--restart/--no-restart", default=True, help="Start again what ended, or end too.")
def serve(as_json: bool, restart: bool) -> None:
    """Serve the app; settings come from the environment (PUSHLAB_...)."""
    house.keep(dict(os.environ), tell_json if as_json else _tell, restart=restart)


def tell_json(told: dict[str, Any]) -> None:
    """One line for programs."""
    print(json.dumps(told), flush=True)


def _tell(told: dict[str, Any]) -> None:
    click.echo(f"pushlab serves {told['url']}  (Ctrl-C ends it)")
