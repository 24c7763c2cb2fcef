"""Who calls the part of the API that programs may use too: a signed-in device, or a program with a
token of its user's (RFC 6750). A token sends notifications and reads its user's; no more."""

from dataclasses import dataclass

from flask import Blueprint, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from app import tokens
from app.errors import InvalidToken
from app.web.services import current_services
from app.web.visitor import Visitor, require_visitor

#: Tokens that nobody has, tried from one address.
WRONG_TOKENS = "60 per minute"


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
    database = current_services().database
    found = database.read_together(tokens.find, token)
    if found is None:
        raise InvalidToken()
    if tokens.needs_touch(found):
        database.write(lambda writing: tokens.touch(writing, found.id))
    return Program(found.user_id, found.user_name)


def limit_programs(limiter: Limiter, blueprint: Blueprint, per_minute: int) -> None:
    """Each token has its own budget; guessing has one per address."""
    budget = limiter.shared_limit(
        f"{per_minute} per minute", "token", key_func=_token_key, exempt_when=_is_no_program
    )
    guesses = limiter.shared_limit(
        WRONG_TOKENS,
        "wrong-token",
        key_func=get_remote_address,
        exempt_when=_is_no_program,
        deduct_when=_is_unauthorized,
    )
    budget(blueprint)
    guesses(blueprint)


def _token_key() -> str:
    return f"token:{tokens.hash_token(bearer_token() or '')}"


def _is_no_program() -> bool:
    return bearer_token() is None


def _is_unauthorized(response: Response) -> bool:
    return response.status_code == 401
