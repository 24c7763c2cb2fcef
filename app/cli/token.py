"""`./pushlab token`: tokens with which programs use the API in a user's name."""

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from app import accounts, clock, tokens
from app.cli.services import open_services
from app.errors import Problem

#: No password hashes to this, so nobody signs in as a service account.
NO_PASSWORD = "!"  # noqa: S105 - that is the point
_HOW_TO_USE = """\
Keep it: it is not stored and cannot be shown again. To use it:
  curl {url}/api/notifications -H 'Authorization: Bearer TOKEN' \\
    -H 'Content-Type: application/json' -d '{{"to": "NAME", "title": "Hello"}}'"""


@click.group()
def token() -> None:
    """Tokens with which programs send notifications through the API."""


@token.command()
@click.argument("user")
@click.option("--label", default="", help="What it is for; shown by `list`.")
@click.option("--new-user", is_flag=True, help="Make the user: an account that nobody signs in to.")
def create(user: str, label: str, *, new_user: bool) -> None:
    """Make a token that acts as USER, and print it: this once."""
    services = open_services()

    def work(session: Session) -> str:
        found = accounts.find_by_name(session, user)
        if new_user:
            lab = services.settings.lab
            found = accounts.sign_up(session, user, NO_PASSWORD, lab=lab)
        if found is None:
            raise click.ClickException(
                f"Nobody is called {user}. For a service account of that name type:\n"
                f"  ./pushlab token create '{user}' --new-user"
            )
        return tokens.create(session, found.id, label)

    try:
        made = services.database.write(work)
    except Problem as problem:
        raise click.ClickException(problem.detail or problem.title) from None
    click.echo(made)
    click.echo(_HOW_TO_USE.format(url=services.settings.public_url), err=True)


@token.command("list")
def list_tokens() -> None:
    """All tokens: whose they are, and when they were used last."""
    with open_services().database.read() as session:
        known = tokens.list_all(session)
    table = Table("id", "user", "label", "made", "last used", "state")
    for one in known:
        state = "revoked" if one.revoked_at else "valid"
        table.add_row(
            str(one.id), one.user, one.label, _day(one.created_at), _day(one.last_used_at), state
        )
    Console().print(table)


@token.command()
@click.argument("token_id", type=int)
def revoke(token_id: int) -> None:
    """End the token with the id that `list` shows; requests with it are refused from now on."""
    if not open_services().database.write(lambda session: tokens.revoke(session, token_id)):
        raise click.ClickException(f"There is no valid token {token_id}: see ./pushlab token list")
    click.echo(f"Token {token_id} is revoked.")


def _day(moment: float | None) -> str:
    return clock.iso(moment)[:10] if moment else "never"
