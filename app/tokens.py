"""API tokens: how a program proves whom it works for. The rules, without HTTP; only a token's hash
is stored, so it is shown once. Called by web and by the `token` command."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from app import clock
from app.db import is_one_of
from app.models import ApiToken, User

#: Recognized by those who look for secrets where none should be.
PREFIX = "pushlab_"
LABEL_LENGTH = 80
#: `last_used_at` is written at most this often (seconds).
USED_SECONDS = 60


TOKENS, USERS = cast(Table, ApiToken.__table__), cast(Table, User.__table__)
#: Built once: every request of a program begins with it.
FIND = (
    select(TOKENS.c.token_hash, TOKENS.c.id, TOKENS.c.last_used_at, USERS.c.id, USERS.c.name)
    .join_from(TOKENS, USERS)
    .where(
        is_one_of(TOKENS.c.token_hash, "of_hashes"),
        TOKENS.c.revoked_at.is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class Valid:
    """A token that is worth something, and the user it stands for."""

    id: int
    last_used_at: float | None
    user_id: int
    user_name: str


@dataclass(frozen=True, slots=True)
class Listed:
    """What may be told of a token."""

    id: int
    user: str
    label: str
    created_at: float
    last_used_at: float | None
    revoked_at: float | None


def create(session: Session, user_id: int, label: str) -> str:
    """A new token of that user; nobody can ask for it a second time."""
    token = PREFIX + secrets.token_urlsafe(32)
    session.add(
        ApiToken(
            user_id=user_id,
            label=label[:LABEL_LENGTH],
            token_hash=hash_token(token),
            created_at=clock.now(),
        )
    )
    return token


def hash_token(token: str) -> str:
    """The token has 256 random bits: unlike a password it needs no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def find(connection: Connection, tokens: list[str]) -> list[Valid | None]:
    """For each of them; None when it is unknown or revoked."""
    hashes = [hash_token(token) for token in tokens]
    rows = connection.execute(FIND, {"of_hashes": sorted(set(hashes))})
    found = {token_hash: Valid(*valid) for token_hash, *valid in rows}
    return [found.get(token_hash) for token_hash in hashes]


def needs_touch(found: Valid) -> bool:
    return clock.now() - (found.last_used_at or 0) > USED_SECONDS


def touch(session: Session, token_id: int) -> None:
    """The token was used."""
    found = session.get(ApiToken, token_id)
    if found is not None:
        found.last_used_at = clock.now()


def list_all(session: Session) -> list[Listed]:
    """Oldest first, the revoked ones too."""
    rows = session.execute(
        select(
            ApiToken.id,
            User.name,
            ApiToken.label,
            ApiToken.created_at,
            ApiToken.last_used_at,
            ApiToken.revoked_at,
        )
        .join(User, User.id == ApiToken.user_id)
        .order_by(ApiToken.id)
    )
    return [Listed(*row) for row in rows]


def revoke(session: Session, token_id: int) -> bool:
    """From now on it is worth nothing; False when there is no such token, or it was revoked."""
    found = session.get(ApiToken, token_id)
    if found is None or found.revoked_at is not None:
        return False
    found.revoked_at = clock.now()
    return True
