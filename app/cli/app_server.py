"""`app-server`, hidden: one app process under gunicorn. Started by the supervisor, which holds the
listening socket: browsers wait a moment, instead of failing, while this process restarts."""

from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from app import config, create_app, log, wiring
from app.cli import gunicorn_config
from app.config import Settings
from app.web.services import Services


class AppServer(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    """gunicorn, given its settings by us instead of a command line."""

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._settings = settings
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        app = create_app(self._settings)
        wiring.migrate(app)
        services: Services = app.extensions["pushlab"]
        # The worker is forked from this process and must not share its database connections.
        services.database.engine.dispose()
        return app


@click.command(hidden=True)
@click.option("--listen-fd", type=int, required=True, help="A listening socket to inherit.")
def app_server(listen_fd: int) -> None:
    """One app process; its settings are in the environment."""
    settings = config.load()
    log.configure(settings.log_format)
    AppServer(settings, gunicorn_config.options(f"fd://{listen_fd}")).run()
