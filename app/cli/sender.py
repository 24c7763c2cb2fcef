"""`./pushlab sender`: hands over what is in the outbox, and turns what was scheduled into
notifications. Any number on PostgreSQL, one on SQLite."""

import os
import signal

import click
import gevent
from gevent.event import Event

from app import config, create_app, log, wiring
from app.cli.garbage import spare_the_loaded


@click.command()
def sender() -> None:
    """Send; settings come from the environment (PUSHLAB_...)."""
    settings = config.load({**os.environ, "PUSHLAB_ROLES": "sender"})
    log.configure(settings.log_format)
    app = create_app(settings)
    wiring.check_tables(app)
    asked_to_stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, asked_to_stop.set)
    wiring.start(app)
    spare_the_loaded()
    click.echo(f"A sender of {settings.public_url}")
    asked_to_stop.wait()
    wiring.stop(app)
