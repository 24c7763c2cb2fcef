"""`./pushlab push-service`: the push service alone, in this process's place; its own options."""

import os
import sys

import click


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def push_service(arguments: tuple[str, ...]) -> None:
    """Run the push service; `--help` lists its options."""
    os.execv(sys.executable, [sys.executable, "-m", "push_service", *arguments])  # noqa: S606
