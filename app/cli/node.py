"""`./pushlab node`: one PNS node under gunicorn, of any number behind one proxy. It shares
database, bus and secret key with the app whose part it is."""

import json
import os
import socket

import click

from app import config, log
from app.cli import gunicorn_config
from app.cli.app_server import AppServer
from app.config import Settings

BACKLOG = 1024


@click.command()
@click.option("--json", "as_json", is_flag=True, help="First line: where it listens, as JSON.")
def node(as_json: bool) -> None:
    """Hold WebSockets; settings come from the environment (PUSHLAB_...)."""
    settings = config.load({**os.environ, "PUSHLAB_ROLES": "node"})
    log.configure(settings.log_format)
    listener = listen(settings)
    url = f"http://{settings.host}:{listener.getsockname()[1]}"
    click.echo(json.dumps({"url": url}) if as_json else f"A node of {settings.public_url} at {url}")
    AppServer(settings, gunicorn_config.options(f"fd://{listener.fileno()}")).run()


def listen(settings: Settings) -> socket.socket:
    """The node's port, taken before gunicorn starts: it would try for seconds."""
    try:
        return socket.create_server((settings.host, settings.port), backlog=BACKLOG)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise click.ClickException(
            f"Cannot listen on {where}: {error.strerror}. Take another PUSHLAB_PORT; 0: any."
        ) from None
