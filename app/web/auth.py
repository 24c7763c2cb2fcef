"""The pages to sign up, sign in, look in as a guest and sign out."""

from collections.abc import Callable

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from app import accounts
from app.errors import Problem
from app.models import User
from app.web import visitor
from app.web.budgets import address, current_budgets
from app.web.operators import refuse_names_of_operators
from app.web.services import current_services

Answer = Response | str | tuple[str, int]

pages = Blueprint("auth", __name__)


class CredentialsForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF carries no types
    """Name and password; the rules for both are in `accounts`, which says them in words."""

    name = StringField("Name", [InputRequired("Type a name.")])
    password = PasswordField("Password", [InputRequired("Type a password.")])

    def show(self, problem: Problem) -> None:
        """Put the problem beside the field it is about."""
        for error in problem.errors:
            self[error.field].errors = [*self[error.field].errors, error.reason]
        if not problem.errors:
            self.form_errors.append(problem.detail or problem.title)


class ButtonForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF carries no types
    """A form that is only a button, with its CSRF token."""


def limit(app: Flask) -> None:
    """To be called before the CSRF check is made, so that guesses without its token count too."""

    @app.before_request
    def spend_an_attempt() -> None:
        if request.method == "POST" and request.blueprint == pages.name:
            current_budgets().sign_in.spend(f"{request.endpoint} {address()}")


@pages.route("/signup", methods=["GET", "POST"])
def signup() -> Answer:
    return _credentials_page("signup.html", _sign_up)


@pages.route("/login", methods=["GET", "POST"])
def login() -> Answer:
    return _credentials_page("login.html", _check_password)


@pages.post("/guest")
def guest() -> Answer:
    """In with one click: a user of its own, without a password."""
    services = current_services()
    lab = services.settings.lab
    user = services.database.write(lambda s: accounts.sign_up_guest(s, lab=lab))
    return _enter(user)


@pages.post("/logout")
def logout() -> Answer:
    visitor.sign_out()
    return redirect(url_for("pages.home"), 303)


def _credentials_page(template: str, find_user: Callable[[str, str], User]) -> Answer:
    form = CredentialsForm()
    if not form.validate_on_submit():
        return render_template(template, form=form), 422 if form.is_submitted() else 200
    try:
        user = find_user(str(form.name.data), str(form.password.data))
    except Problem as problem:
        form.show(problem)
        return render_template(template, form=form), problem.status
    return _enter(user)


def _sign_up(name: str, password: str) -> User:
    services = current_services()
    refuse_names_of_operators(name)
    hashed = accounts.hash_password(password)
    lab = services.settings.lab
    return services.database.write(lambda s: accounts.sign_up(s, name, hashed, lab=lab))


def _check_password(name: str, password: str) -> User:
    with current_services().database.read() as session:
        return accounts.check_password(session, name, password)


def _enter(user: User) -> Answer:
    """Sign in; whoever was signed in in this browser before is signed out first."""
    visitor.sign_out()
    opened = current_services().database.write(lambda s: accounts.open_session(s, user.id))
    visitor.sign_in(user, opened)
    return redirect(_next_page(), 303)


def _next_page() -> str:
    """Where the visitor wanted to go: a path of ours only, never another site. Browsers drop tabs
    and line ends, so nothing that cannot be printed is in it."""
    wanted = request.args.get("next", "")
    inside = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if inside and wanted.isprintable() else url_for("pages.home")
