"""`./pushlab lab`: the app and a push service of its own on this machine, with faults to switch
and a journal of everything. The way to learn, and what the end-to-end tests run on."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console

from app import config
from app.cli import house, instance
from app.cli.serve import tell_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="First line: what runs where, as JSON.")
@click.option("--restart/--no-restart", default=True, help="Start again what ended, or end too.")
@click.option("--open/--no-open", "open_browser", default=True, help="Open a wired browser.")
def lab(as_json: bool, restart: bool, open_browser: bool) -> None:
    """Run the laboratory. Everything stays on this machine; no internet is needed."""
    environment = lab_environment(os.environ)
    opens = open_browser and not as_json and has_display()

    def tell(told: dict[str, Any]) -> None:
        if as_json:
            tell_json(told)
        else:
            _tell_people(told, opens)
        if opens:
            _open_browser()

    house.keep(environment, tell, restart=restart)


def lab_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The given environment with what makes it a laboratory."""
    prepared = {**environment, "PUSHLAB_LAB": "true"}
    folder = config.load(prepared | {"PUSHLAB_PUSH_SERVICE": "vendors"}).instance_dir
    secret = config.read_or_make(folder / "lab-secret", lambda: secrets.token_urlsafe(32).encode())
    port = instance.ports(folder).get("push_service", 0)
    prepared.setdefault("PUSHLAB_PUSH_SERVICE_URL", f"http://127.0.0.1:{port}")
    return prepared | {
        "PUSHLAB_PUSH_SERVICE": "local",
        "PUSHLAB_LAB_SECRET": secret.decode(),
    }


def has_display() -> bool:
    """True where a browser window could be seen."""
    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _tell_people(told: dict[str, Any], opens: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"\n[bold]The laboratory is open:[/bold] [link]{told['url']}[/link]\n")
    console.print(f"  The push service listens on {told['push_service']['http']}. Any browser can")
    console.print("  show the page, but only one that is wired to this service gets its messages.")
    console.print(f"  {_way_to_see(opens)}\n")
    console.print(f"  Ctrl-C ends it; what you did is kept in {told['instance_dir']}\n")


def _way_to_see(opens: bool) -> str:
    if opens:
        return "Such a browser opens now."
    if has_display():
        return "For such a window, type:  [bold]./pushlab browser[/bold]"
    return (
        "There is no display for such a window here. To see the ten steps without one, type:\n\n"
        "    [bold]./pushlab walk --browser both[/bold]"
    )


def _open_browser() -> None:
    """In a process of its own: closing the window leaves the laboratory open."""
    subprocess.Popen([sys.executable, "-m", "app", "browser"], start_new_session=True)
