"""API tokens: how a program proves whom it works for. The rules, without HTTP; only a token's hash
is stored, so it is shown once. Called by web and by the `token` command."""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.models import ApiToken, User

#: Recognized by those who look for secrets where none should be.
PREFIX = "pushlab_"
LABEL_LENGTH = 80
#: `last_used_at` is written at most this often (seconds).
USED_SECONDS = 60


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


def find(session: Session, token: str) -> tuple[ApiToken, User] | None:
    """The token and its user; None when it is unknown or revoked."""
    valid = ApiToken.token_hash == hash_token(token), ApiToken.revoked_at.is_(None)
    query = select(ApiToken, User).join(User, User.id == ApiToken.user_id).where(*valid)
    row = session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def needs_touch(found: ApiToken) -> bool:
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
