"""Who is an operator: an account that `PUSHLAB_OPERATORS` names. In a laboratory where that names
nobody it is whoever is signed in, as with the fault switches; programs show a token instead."""

import hmac

from app.accounts import name_key
from app.config import Settings
from app.errors import FieldError, NameTaken, OperatorsOnly, OperatorToken
from app.web.caller import bearer_token
from app.web.services import current_services
from app.web.visitor import Visitor, find_visitor, require_visitor

#: A page of people's, so it says what its reader can do.
HOW_TO_BECOME_ONE = (
    "You are signed in as {name}, who is no operator. Sign in with an account that"
    " PUSHLAB_OPERATORS names, or have yours named there and the app restarted."
)


def is_operator(visitor: Visitor | None) -> bool:
    """A guest never is where operators are named: a name alone proves nothing."""
    settings = current_services().settings
    if visitor is None:
        return False
    if not settings.operators:
        return settings.lab
    return not visitor.guest and name_key(visitor.name) in _names(settings)


def require_operator() -> Visitor:
    """Raises SignedOut, OperatorsOnly."""
    visitor = require_visitor()
    if not is_operator(visitor):
        raise OperatorsOnly(HOW_TO_BECOME_ONE.format(name=visitor.name))
    return visitor


def require_operator_or_token() -> None:
    """For `/metrics`. Raises OperatorToken, OperatorsOnly."""
    token = bearer_token()
    if token is not None:
        if not _is_ours(token):
            raise OperatorToken("This token is not PUSHLAB_METRICS_TOKEN.")
    elif find_visitor() is None:
        raise OperatorToken("Send Authorization: Bearer and what PUSHLAB_METRICS_TOKEN says.")
    else:
        require_operator()


def refuse_names_of_operators(name: str) -> None:
    """Whoever has the name has the office: it can be taken only while no setting names it. Raises
    NameTaken."""
    if name_key(name) in _names(current_services().settings):
        raise NameTaken("That name is an operator's.", [FieldError("name", "Taken.")])


def _names(settings: Settings) -> set[str]:
    return {name_key(name) for name in settings.operators}


def _is_ours(token: str) -> bool:
    settings = current_services().settings
    secrets = (settings.metrics_token, settings.lab_secret if settings.lab else None)
    given = token.encode("utf-8", "replace")
    known = [one.get_secret_value().encode() for one in secrets if one is not None]
    return any(hmac.compare_digest(given, one) for one in known)
