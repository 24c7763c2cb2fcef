"""The caller's account (X-2): password, mute, export, the end of it. Everything here is for a
signed-in device; what compares passwords is limited like signing in."""

from typing import Annotated, Any

from flask import Blueprint, request
from pydantic import Field, JsonValue
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app import accounts, clock, devices, mute, personal_data
from app.devices import Ended
from app.errors import InvalidInput
from app.models import User
from app.web.api.body import Body, Text, read
from app.web.api.describe import NoContent, Time, takes
from app.web.api.devices import MuteBody
from app.web.budgets import address, current_budgets
from app.web.operators import refuse_names_of_operators
from app.web.services import current_services
from app.web.visitor import Visitor, find_visitor, require_visitor, sign_out, write_as

api = Blueprint("api_account", __name__)

#: Of any sensible length; which ones are good enough is said by `accounts`.
Password = Annotated[str, Field(max_length=1000)]


class KeepBody(Body):
    """What a guest chooses to become an account."""

    name: Annotated[Text, Field(max_length=200)]
    password: Password


class PasswordBody(Body):
    old_password: Password
    new_password: Password
    sign_out_others: bool = False


class DeleteBody(Body):
    """The account's name, typed, and the password; a guest has none and sends an empty one."""

    name: Annotated[Text, Field(max_length=200)]
    password: Password = ""


class AccountAnswer(TypedDict):
    """`muted_until` is for all devices of the account: null when they alert, and in the year 9999
    when the mute does not end by itself."""

    name: str
    guest: bool
    created_at: Time
    muted_until: Time | None


class ExportAnswer(TypedDict):
    """Everything about the caller but secrets, one entry per row."""

    exported_at: Time
    account: dict[str, JsonValue]
    sessions: list[dict[str, JsonValue]]
    devices: list[dict[str, JsonValue]]
    subscriptions: list[dict[str, JsonValue]]
    notifications: list[dict[str, JsonValue]]
    scheduled: list[dict[str, JsonValue]]
    tokens: list[dict[str, JsonValue]]
    answers: list[dict[str, JsonValue]]


@api.before_request
def spend_an_attempt() -> None:
    """One budget for all that compares passwords."""
    if request.method == "POST":
        visitor = find_visitor()
        whose = f"user {visitor.user_id}" if visitor else address()
        current_budgets().password.spend(whose)


@api.get("/account")
def show_account() -> AccountAnswer:
    """The caller's account."""
    visitor = require_visitor()
    with current_services().database.read() as session:
        return _public(session.get_one(User, visitor.user_id))


@api.post("/account")
@takes(KeepBody)
def keep_guest() -> AccountAnswer:
    """A guest becomes an account, and keeps devices, inbox and subscriptions."""
    visitor = require_visitor()
    body = read(KeepBody)
    refuse_names_of_operators(body.name)
    hashed = accounts.hash_password(body.password)

    def work(session: Session, user: User) -> AccountAnswer:
        accounts.keep_guest(session, user, body.name, hashed)
        return _public(user)

    return write_as(visitor, work)


@api.post("/account/password")
@takes(PasswordBody)
def change_password() -> NoContent:
    """Another password; the other devices may be signed out with it."""
    visitor = require_visitor()
    body = read(PasswordBody)
    new_hash = accounts.hash_password(body.new_password, "new_password")
    known_hash = _check_password(visitor, body.old_password, "old_password")

    def work(session: Session, user: User) -> list[Ended]:
        accounts.change_password(session, user, known_hash, new_hash)
        if not body.sign_out_others:
            return []
        return devices.sign_out_others(session, user.id, visitor.session_id)

    _announce(visitor, write_as(visitor, work))
    return "", 204


@api.put("/account/mute")
@takes(MuteBody)
def mute_account() -> AccountAnswer:
    """No alert on any of the caller's devices for a while: no push, no sound.

    What arrives meanwhile is in the inbox all the same."""
    visitor = require_visitor()
    return _mute(visitor, mute.end_of(read(MuteBody).seconds))


@api.delete("/account/mute")
def unmute_account() -> AccountAnswer:
    """They alert again, but for those that are muted themselves."""
    return _mute(require_visitor(), None)


@api.get("/account/export")
def export() -> ExportAnswer:
    """Everything about the caller, without secrets."""
    visitor = require_visitor()
    with current_services().database.read() as session:
        found: Any = personal_data.export(session, visitor.user_id)
    answer: ExportAnswer = found
    return answer


@api.post("/account/delete")
@takes(DeleteBody)
def delete_account() -> NoContent:
    """The account and everything of it, at once and for good. All its sockets close with 4003."""
    visitor = require_visitor()
    body = read(DeleteBody)
    if accounts.name_key(body.name) != accounts.name_key(visitor.name):
        raise InvalidInput.field("name", f"Type {visitor.name} to delete this account.")
    known_hash = None
    if not visitor.guest:
        known_hash = _check_password(visitor, body.password, "password")
    ended = write_as(visitor, lambda s, user: personal_data.delete_user(s, user, known_hash))
    for device in ended:
        current_services().announce(device)
    sign_out()
    return "", 204


def _check_password(visitor: Visitor, password: str, field: str) -> str | None:
    """The hash that the password fits; raises WrongPassword."""
    with current_services().database.read() as session:
        known_hash = accounts.password_hash_of(session, visitor.user_id)
    accounts.check_own_password(known_hash, password, field)
    return known_hash


def _mute(visitor: Visitor, until: float | None) -> AccountAnswer:
    def work(session: Session, user: User) -> AccountAnswer:
        mute.mute_user(session, user, until)
        return _public(user)

    answer = write_as(visitor, work)
    current_services().hint([visitor.user_id], "devices")
    return answer


def _announce(visitor: Visitor, ended: list[Ended]) -> None:
    services = current_services()
    for device in ended:
        services.announce(device)
    if ended:
        services.hint([visitor.user_id], "devices")


def _public(user: User) -> AccountAnswer:
    muted_until = mute.still(user.muted_until)
    return {
        "name": user.name,
        "guest": user.password_hash is None,
        "created_at": clock.iso(user.created_at),
        "muted_until": clock.iso(muted_until) if muted_until else None,
    }
