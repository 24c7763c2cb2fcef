"""Who asks: Flask-Login over our own sessions table. The cookie carries the session's id alone, so
revoking the row signs that device out for good."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from flask import Flask, g, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import generate_csrf
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.orm import Session

from app import accounts, devices
from app.errors import SignedOut
from app.models import AuthSession, User
from app.web.services import current_services

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in device. What Flask-Login asks of a user object, and what our views need."""

    session_id: str
    user_id: int
    name: str
    guest: bool
    run_id: str | None
    last_seq: int

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.session_id


class Sessions(SecureCookieSessionInterface):
    """Flask's, with one signer for all requests: the key stays the same."""

    @lru_cache(maxsize=1)  # noqa: B019 (there is one, as long as the application)
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        return super().get_signing_serializer(app)


def register(app: Flask) -> None:
    app.session_interface = Sessions()
    manager = LoginManager(app)
    manager.session_protection = None  # a phone changes its address all the time
    manager.login_view = "auth.login"
    manager.login_message = None
    manager.user_loader(load)


def load(session_id: str) -> Visitor | None:
    """The visitor of a live session; None signs the browser out."""
    database = current_services().database
    with database.read() as reading:
        found = accounts.find_live_session(reading, session_id)
    if found is None:
        return None
    if accounts.needs_touch(found[0].last_seen_at):
        database.write(lambda writing: accounts.touch_sessions(writing.connection(), [session_id]))
        session.modified = True  # the cookie's days begin anew too
    return _visitor(*found)


def _visitor(opened: AuthSession, user: User) -> Visitor:
    return Visitor(
        session_id=opened.session_id,
        user_id=user.id,
        name=user.name,
        guest=user.password_hash is None,
        run_id=user.run_id,
        last_seq=user.last_seq,
    )


def find_visitor() -> Visitor | None:
    user = current_user._get_current_object()  # the proxy itself changes at sign-out
    return user if isinstance(user, Visitor) else None


def session_id_of_cookie() -> str | None:
    """What Flask-Login would look up, for the WebSocket handshake, which does so by itself: it
    needs little of a visitor, and a thousand devices come at once."""
    return session.get("_user_id")


def require_visitor() -> Visitor:
    """The visitor, or SignedOut: every API view that is somebody's begins with it."""
    visitor = find_visitor()
    if visitor is None:
        with_token = "Authorization" in request.headers
        raise SignedOut("A token is of no use here: this is for signed-in devices." * with_token)
    return visitor


def write_as(visitor: Visitor, work: Callable[[Session, User], T]) -> T:
    """Run `work` in a transaction that holds the lock of the visitor's user. Raises SignedOut when
    a sign-out, or the account's deletion, was faster."""

    def locked(session: Session) -> T:
        _, user = accounts.lock_session(session, visitor.session_id)
        return work(session, user)

    return current_services().database.write(locked, users=[visitor.user_id])


def sign_in(user: User, opened: AuthSession) -> None:
    """Put the new session into the cookie; whoever was signed in here must be out already.

    The secret of its forms is in it from the beginning, so that no older cookie is without."""
    session.clear()
    session.permanent = True
    login_user(_visitor(opened, user))
    g.pop("csrf_token", None)  # this request's form had the former one
    generate_csrf()


def sign_out() -> None:
    """End the visitor's session, if there is one, and close its sockets."""
    visitor = find_visitor()
    logout_user()
    session.clear()
    if visitor is None:
        return
    services = current_services()
    ended = services.database.write(lambda s: devices.sign_out(s, visitor.session_id))
    services.announce(ended)
