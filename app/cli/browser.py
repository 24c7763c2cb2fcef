"""`./pushlab browser`: a real browser window, wired to the push service of the running lab."""

import os
import sys

import click

from app import config
from app.cli import instance
from app.cli.lab import has_display


@click.command()
@click.argument("name", type=click.Choice(["chromium", "firefox"]), required=False)
@click.argument("url", required=False)
def browser(name: str | None, url: str | None) -> None:
    """Open NAME (the one that is installed) at URL (the lab's first page)."""
    folder = config.load({**os.environ, "PUSHLAB_LAB": "true"}).instance_dir
    told = instance.running(folder)
    if not told.get("push_service"):
        raise click.ClickException("No laboratory is running here. Type:  ./pushlab lab")
    if not has_display():
        raise click.ClickException(
            "There is no display for a window. To see the steps without one:  ./pushlab walk"
        )
    arguments = [
        f"--running={folder / 'running.json'}",
        f"--profiles={folder / 'browsers'}",
        f"--url={url or told['url']}",
        *([f"--browser={name}"] if name else []),
    ]
    os.execv(sys.executable, [sys.executable, "-m", "e2e.browser", *arguments])  # noqa: S606
