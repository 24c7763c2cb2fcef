"""`./pushlab db`: the database's tables. `serve` and `lab` upgrade by themselves."""

import click

from app import config, create_app


@click.group()
def db() -> None:
    """The database's tables."""


@db.command()
def upgrade() -> None:
    """Bring the tables to what this version expects."""
    from app import wiring

    settings = config.load()
    wiring.migrate(create_app(settings))
    click.echo("The tables are up to date.")
