"""`app-server`, hidden: one app process under gunicorn. Started by the supervisor, which holds the
listening socket: browsers wait a moment, instead of failing, while this process restarts."""

import sys
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from app import config, create_app, log, wiring
from app.cli import gunicorn_config
from app.config import ConfigError, Settings


class AppServer(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    """gunicorn, given its settings by us instead of a command line. The app brings the tables to
    what they should be; a node finds them so."""

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._settings = settings
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The app, made in the worker: nothing that runs may be carried over the fork."""
        prepare = wiring.migrate if "app" in self._settings.roles else wiring.check_tables
        try:
            app = create_app(self._settings)
            prepare(app)
        except ConfigError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(Arbiter.APP_LOAD_ERROR)
        return app


@click.command(hidden=True)
@click.option("--listen-fd", type=int, required=True, help="A listening socket to inherit.")
def app_server(listen_fd: int) -> None:
    """One app process; its settings are in the environment."""
    settings = config.load()
    log.configure(settings.log_format)
    AppServer(settings, gunicorn_config.options(f"fd://{listen_fd}")).run()
