"""Users and their signed-in sessions: the rules, without HTTP. Called by web, devices, sweep."""

import secrets
import unicodedata
import uuid
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import cast

from sqlalchemy import Select, Table, and_, bindparam, delete, exists, or_, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from app import clock
from app.db import is_one_of
from app.errors import FieldError, InvalidInput, NameTaken, NotAGuest, SignedOut, WrongPassword
from app.models import ApiToken, AuthSession, ScheduledNotification, User

NAME_LENGTH = 32
#: Of a name folded for comparison: one letter may become three.
KEY_LENGTH = 64
PASSWORD_MIN = 8
PASSWORD_MAX = 128
#: `last_seen_at` is written at most this often, so that reading pages writes nothing.
SEEN_SECONDS = 60

USERS = cast(Table, User.__table__)
SESSIONS = cast(Table, AuthSession.__table__)
#: Built once: building a statement costs more than running it.
IDS_BY_KEY = select(USERS.c.name_key, USERS.c.id).where(is_one_of(USERS.c.name_key, "keys"))
LOCK = (
    select(USERS.c.id)
    .where(is_one_of(USERS.c.id, "of_users"))
    .order_by(USERS.c.id)
    .with_for_update(key_share=True)
)
TOUCH = (
    update(SESSIONS)
    .where(SESSIONS.c.session_id == bindparam("of_session"), SESSIONS.c.revoked_at.is_(None))
    .values(last_seen_at=bindparam("now"))
)


@lru_cache(maxsize=1)
def _no_user() -> str:
    """Compared when there is no such user, so that the answer takes as long as for a wrong one.
    Whoever compares asks for it before anything is known: the first comparison of a process, which
    has to make it, takes longer for everybody."""
    return generate_password_hash(secrets.token_hex(8))


def clean_name(name: str) -> str:
    """The name as it is stored and shown; raises InvalidInput saying what is wrong with it."""
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    if not 1 <= len(name) <= NAME_LENGTH or len(name_key(name)) > KEY_LENGTH:
        raise InvalidInput.field("name", f"Use 1 to {NAME_LENGTH} characters.")
    if not name.isprintable():
        raise InvalidInput.field("name", "Use letters, digits and signs that can be seen.")
    return name


def name_key(name: str) -> str:
    """What makes two spellings the same name."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def hash_password(password: str, field: str = "password") -> str:
    """Slow on purpose: never call it inside a transaction. Raises InvalidInput naming the field."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        reason = f"Use {PASSWORD_MIN} to {PASSWORD_MAX} characters."
        raise InvalidInput("", [FieldError(field, reason)])
    return generate_password_hash(password)


def sign_up(session: Session, name: str, password_hash: str | None, *, lab: bool) -> User:
    """A new user; raises NameTaken. Without a password hash it is a guest."""
    name = _free_name(session, name)
    run_id = new_run_id() if lab else None
    user = User(
        name=name,
        name_key=name_key(name),
        password_hash=password_hash,
        created_at=clock.now(),
        last_seq=0,
        run_id=run_id,
    )
    session.add(user)
    session.flush()
    return user


def _free_name(session: Session, name: str) -> str:
    """The name, cleaned; raises NameTaken."""
    name = clean_name(name)
    if session.scalar(select(User.id).where(User.name_key == name_key(name))):
        raise NameTaken(f"Somebody is called {name} already.", [FieldError("name", "Taken.")])
    return name


def sign_up_guest(session: Session, *, lab: bool) -> User:
    """One click in: a user with a made-up name and no password."""
    return sign_up(session, f"Guest {secrets.token_hex(4)}", None, lab=lab)


def find_by_name(session: Session, name: str) -> User | None:
    key = name_key(name)
    if not key.isprintable():  # nobody's, see clean_name; PostgreSQL refuses NUL
        return None
    return session.scalar(select(User).where(User.name_key == key))


def find_ids(connection: Connection, names: Sequence[Collection[str]]) -> list[dict[str, int]]:
    """For each collection, by name as it was written, the id of its user; names that nobody has
    are missing."""
    keys = {name: name_key(name) for some in names for name in some}
    printable = {key for key in keys.values() if key.isprintable()}  # see `find_by_name`
    rows = connection.execute(IDS_BY_KEY, {"keys": sorted(printable)})
    ids = {row.name_key: row.id for row in rows}
    return [{name: ids[keys[name]] for name in some if keys[name] in ids} for some in names]


def check_password(session: Session, name: str, password: str) -> User:
    """The user with that name and password; raises WrongPassword, telling nobody which is wrong."""
    no_user = _no_user()
    user = find_by_name(session, name)
    known = user.password_hash if user and user.password_hash else None
    if not check_password_hash(known or no_user, password) or known is None or user is None:
        raise WrongPassword()
    return user


def keep_guest(session: Session, user: User, name: str, password_hash: str) -> None:
    """A guest becomes an account and keeps everything: devices, inbox, subscriptions. The caller
    holds the user lock. Raises NotAGuest, NameTaken."""
    if user.password_hash is not None:
        raise NotAGuest()
    if name_key(name) != user.name_key:
        user.name = _free_name(session, name)
        user.name_key = name_key(user.name)
    user.password_hash = password_hash
    session.flush()


def forget_guests(session: Session, user_ids: Collection[int]) -> None:
    """Those of them that are guests without any session; one that a program works for, or that
    others still wait to hear from, stays."""
    needed_by = (AuthSession.user_id, ApiToken.user_id, ScheduledNotification.creator_id)
    needed = or_(*(exists().where(column == User.id) for column in needed_by))
    lock_users(session.connection(), user_ids)
    statement = delete(User).where(User.id.in_(user_ids), User.password_hash.is_(None), ~needed)
    session.execute(statement, execution_options={"synchronize_session": False})


def password_hash_of(session: Session, user_id: int) -> str | None:
    """None for a guest."""
    return session.scalar(select(User.password_hash).where(User.id == user_id))


def check_own_password(known_hash: str | None, password: str, field: str) -> None:
    """Raises WrongPassword naming the field. Slow on purpose: never call it inside a transaction;
    what follows compares the hash again, since somebody may have changed it in the meantime."""
    no_user = _no_user()
    if not check_password_hash(known_hash or no_user, password) or known_hash is None:
        raise _not_your_password(field)


def change_password(session: Session, user: User, known_hash: str | None, new_hash: str) -> None:
    """`known_hash` is what the old password was compared with. The caller holds the user lock."""
    check_unchanged(user, known_hash, "old_password")
    user.password_hash = new_hash
    session.flush()


def check_unchanged(user: User, known_hash: str | None, field: str) -> None:
    """Raises WrongPassword when another change was faster."""
    if user.password_hash != known_hash:
        raise _not_your_password(field)


def _not_your_password(field: str) -> WrongPassword:
    return WrongPassword("", [FieldError(field, "That is not your password.")])


def new_run_id() -> str:
    return str(uuid.uuid4())


def start_run(session: Session, user_id: int) -> str:
    """A new codelab run: from now on the user's events belong to it."""
    user = session.get_one(User, user_id)
    user.run_id, user.run_began_at = new_run_id(), clock.now()
    return user.run_id


def run_began_at(session: Session, user_id: int) -> float:
    """Seconds since the epoch."""
    user = session.get_one(User, user_id)
    return user.created_at if user.run_began_at is None else user.run_began_at


def open_session(session: Session, user_id: int) -> AuthSession:
    """Sign in: a new session, which is a new device. Raises WrongPassword when the user was deleted
    a moment ago."""
    now = clock.now()
    lock_users(session.connection(), [user_id])
    if session.get(User, user_id) is None:
        raise WrongPassword()
    opened = AuthSession(
        session_id=secrets.token_urlsafe(32), user_id=user_id, created_at=now, last_seen_at=now
    )
    session.add(opened)
    session.flush()
    return opened


def find_live_session(session: Session, session_id: str) -> tuple[AuthSession, User] | None:
    """The session with that id and its user, unless it was revoked."""
    row = session.execute(_live(session_id)).one_or_none()
    return (row[0], row[1]) if row else None


def _live(session_id: str) -> Select[AuthSession, User]:
    live = and_(AuthSession.session_id == session_id, AuthSession.revoked_at.is_(None))
    return select(AuthSession, User).join(User, User.id == AuthSession.user_id).where(live)


def lock_session(session: Session, session_id: str) -> tuple[AuthSession, User]:
    """The live session and its user, whose records nobody else touches until the commit. Raises
    SignedOut: a sign-out that was faster wins, and so does a deletion of the account."""
    found = find_live_session(session, session_id)
    if found is None:
        raise SignedOut()
    lock_users(session.connection(), [found[1].id])
    again = session.execute(
        _live(session_id), execution_options={"populate_existing": True}
    ).one_or_none()
    if again is None:
        raise SignedOut()
    return again[0], again[1]


def needs_touch(last_seen_at: float) -> bool:
    return clock.now() - last_seen_at > SEEN_SECONDS


def touch_sessions(connection: Connection, session_ids: Collection[str]) -> None:
    """These sessions were used: their thirty days begin anew. In the order of ids, so that
    processes do not wait for each other."""
    now = clock.now()
    rows = [{"of_session": one, "now": now} for one in sorted(session_ids)]
    if rows:
        connection.execute(TOUCH, rows)


def lock_users(connection: Connection, user_ids: Iterable[int]) -> None:
    """Whoever touches a user's records takes this lock first, in the order of ids, so that commit
    order is `seq` order and nothing deadlocks. SQLite has one writer and needs no lock."""
    if connection.dialect.name != "sqlite":
        connection.execute(LOCK, {"of_users": sorted(set(user_ids))}).all()
