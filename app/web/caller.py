"""Who calls the part of the API that programs may use too: a signed-in device, or a program with a
token of its user's (RFC 6750). A token sends notifications and reads its user's; no more."""

from dataclasses import dataclass

from flask import request

from app import tokens
from app.errors import InvalidToken
from app.web.budgets import address, current_budgets
from app.web.services import current_services
from app.web.visitor import Visitor, require_visitor


@dataclass(frozen=True, slots=True)
class Program:
    """The user that a token stands for."""

    user_id: int
    name: str


Caller = Visitor | Program


def require_caller() -> Caller:
    """Raises SignedOut, or InvalidToken when there is a token that is worth nothing."""
    token = bearer_token()
    return require_visitor() if token is None else _find_program(token)


def bearer_token() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _find_program(token: str) -> Program:
    """Each token has its own budget; guessing has one per address."""
    database, budgets = current_services().database, current_budgets()
    token_hash = tokens.hash_token(token)
    budgets.wrong_token.require(address())
    budgets.token.require(token_hash)
    found = database.read_together(tokens.find, token)
    if found is None:
        budgets.wrong_token.spend(address())
        raise InvalidToken()
    budgets.token.spend(token_hash)
    if tokens.needs_touch(found):
        database.write(lambda writing: tokens.touch(writing, found.id))
    return Program(found.user_id, found.user_name)
