"""The commands of `./pushlab`, one file each. A command's file is imported when it is called, so
that `doctor` also runs where half of the others could not."""

import importlib
import os
from typing import NamedTuple

import click

from app import log
from app.config import ConfigError


class Entry(NamedTuple):
    """Where a command lives, and its line in `./pushlab --help`."""

    place: str
    help: str
    hidden: bool = False


COMMANDS = {
    "lab": Entry("app.cli.lab:lab", "The laboratory: app and local push service on this machine."),
    "serve": Entry("app.cli.serve:serve", "The app; browsers use their vendors' push services."),
    "node": Entry("app.cli.node:node", "A PNS node alone: WebSockets, and no pages."),
    "sender": Entry("app.cli.sender:sender", "A sender alone: Web Push, and no port."),
    "push-service": Entry("app.cli.push_service:push_service", "The push service alone."),
    "walk": Entry("app.cli.walk:walk", "All ten steps in a stock, headless browser."),
    "browser": Entry("app.cli.browser:browser", "A browser window wired to the running lab."),
    "doctor": Entry("app.cli.doctor:doctor", "What is missing, and what to type."),
    "keys": Entry("app.cli.keys:keys", "The VAPID keys: show, rotate, retire."),
    "token": Entry("app.cli.token:token", "Tokens for programs that use the API."),
    "db": Entry("app.cli.db:db", "The database's tables."),
    "app-server": Entry("app.cli.app_server:app_server", "One app process.", hidden=True),
}


class Commands(click.Group):
    """Finds commands in `COMMANDS` and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, entry in COMMANDS.items() if not entry.hidden]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, name = entry.place.split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise click.ClickException(str(error)) from None


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Web Push and the Push Notification Service, to run, to watch and to break.

    Settings come from the environment (PUSHLAB_...): see docs/settings.md.
    """
    os.umask(0o077)  # what is made here, the database among it, is nobody else's
    log.configure("text")
