"""`./pushlab keys`: the VAPID keys, and how to replace one without losing a subscription."""

import click
from rich.console import Console
from rich.table import Table

from app import clock
from app.cli.services import open_services
from app.sending import rotation, vapid


@click.group()
def keys() -> None:
    """The VAPID keys, with which the app proves to push services who it is."""


@keys.command()
def show() -> None:
    """Which keys there are, and how many subscriptions depend on each. No private key is shown."""
    services = open_services()
    services.database.write(lambda session: vapid.register(session, services.vapid))
    with services.database.read() as session:
        known = rotation.list_keys(session)
    here = {pair.id for pair in services.vapid}
    table = Table("key", "state", "made", "subscriptions", "private key", "public key")
    for key in known:
        where = "here" if key.id in here else "[red]not here[/red]"
        count = str(key.subscriptions)
        made = clock.iso(key.created_at)[:10]
        table.add_row(key.id, key.state, made, count, where, key.public_key)
    Console(width=None if Console().is_terminal else 200).print(table)


@keys.command()
def rotate() -> None:
    """Make a new current key. The old one stays for its subscriptions; nothing is restarted."""
    services = open_services()
    old = services.vapid.current
    new = rotation.rotate(services.settings)
    services.database.write(lambda session: vapid.register(session, services.vapid))
    click.echo(f"The current key is {new.id} now; a running app has taken it up.")
    click.echo(f"{old.id} goes on signing for its subscriptions: each device replaces its own when")
    click.echo("its page is opened the next time. When none is left:  ./pushlab keys retire")


@keys.command()
def retire() -> None:
    """Delete the former keys that no subscription needs any more, and their files."""
    services = open_services()
    services.database.write(lambda session: vapid.register(session, services.vapid))
    gone = services.database.write(rotation.retire_unused)
    rotation.delete_files(services.settings, gone)
    for key_id in gone:
        click.echo(f"{key_id} is deleted.")
    with services.database.read() as session:
        former = [key for key in rotation.list_keys(session) if key.state == "retired"]
    for key in former:
        click.echo(f"{key.id} stays: it signs for {key.subscriptions} subscriptions.")
    if not gone and not former:
        click.echo("There is no former key.")
