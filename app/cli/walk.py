"""`./pushlab walk`: the ten steps, in the process that drives the browsers."""

import os
import sys

import click


@click.command()
@click.option(
    "--browser",
    type=click.Choice(["chromium", "firefox", "both"]),
    default="both",
    show_default=True,
    help="Which stock browser walks.",
)
@click.option("--json", "as_json", is_flag=True, help="A list of steps instead of lines.")
def walk(browser: str, as_json: bool) -> None:
    """All ten steps from key to notification, for real, on free ports and throw-away data."""
    arguments = [f"--browser={browser}", *(["--json"] if as_json else [])]
    os.execv(sys.executable, [sys.executable, "-m", "e2e.walk", *arguments])  # noqa: S606
