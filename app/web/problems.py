"""Every error as one thing: a catalogue entry, rendered as RFC 9457 problem+json for programs and
as a page for people. Registered by `web.register`."""

from typing import Any, NotRequired

from flask import Flask, Response, current_app, render_template, request
from gunicorn.http.errors import ParseException
from sqlalchemy.exc import OperationalError
from typing_extensions import TypedDict
from werkzeug.exceptions import BadHost, HTTPException

from app import log
from app.errors import MalformedRequest, Problem, TryAgain

logger = log.get("web")


class FieldProblem(TypedDict):
    """`notifications.3.title`, and what to do about it."""

    field: str
    reason: str


class ProblemBody(TypedDict):
    """RFC 9457. `type` is stable, `title` says the same in words, `detail` tells this very case."""

    type: str
    title: str
    status: int
    detail: NotRequired[str]
    errors: NotRequired[list[FieldProblem]]


def register(app: Flask) -> None:
    app.register_error_handler(Problem, on_problem)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(ParseException, on_broken_body)
    app.register_error_handler(OperationalError, on_database_away)
    app.register_error_handler(Exception, on_unexpected)


def on_problem(problem: Problem) -> Response:
    response = _answer(problem.status, problem.code, problem.title, problem.detail, problem.errors)
    response.headers.update(problem.headers)
    return response


def on_http_error(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse by themselves: unknown address, wrong method, too large."""
    status = error.code or 500
    if error.response is not None and isinstance(error.response, Response):
        return error.response
    response = _answer(status, _slug(error.name), error.name, error.description or "")
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def on_broken_body(error: Exception) -> Response:
    """gunicorn looks at the chunks of a body only when somebody reads it."""
    return on_problem(MalformedRequest(f"{error}."))


def on_database_away(error: OperationalError) -> Response:
    """It restarts, or is busy for longer than we try: nothing was stored, and it will be back."""
    logger.error("the database does not answer", path=request.path, reason=str(error.orig))
    return on_problem(TryAgain("The database does not answer. Nothing was half done."))


def on_unexpected(error: Exception) -> Response:
    """A fault of ours: the log gets all of it, the caller a sentence."""
    logger.error("request failed", path=request.path, exc_info=error)
    if current_app.testing:
        raise error
    detail = "It is in our log. Nothing was half done: you can try again."
    return _answer(500, Problem.code, Problem.title, detail)


def _answer(status: int, code: str, title: str, detail: str, errors: Any = ()) -> Response:
    if wants_json():
        return _problem_json(status, code, title, detail, errors)
    page = render_template("error.html", status=status, title=title, detail=detail, code=code)
    return Response(page, status)


def wants_json() -> bool:
    """The API always answers JSON, and so does what programs alone read, a process without pages,
    and everything to a Host that is none: no page with its links can be made for it."""
    no_page = "pages" not in current_app.blueprints
    no_page = no_page or isinstance(request.routing_exception, BadHost)
    return no_page or request.path.startswith("/api/") or request.path in ("/pns", "/metrics")


def _problem_json(status: int, code: str, title: str, detail: str, errors: Any) -> Response:
    body: ProblemBody = {"type": f"/problems/{code}", "title": title, "status": status}
    if detail and detail != title:
        body["detail"] = detail
    if errors:
        body["errors"] = [{"field": one.field, "reason": one.reason} for one in errors]
    response = Response(current_app.json.dumps(body), status)
    response.content_type = "application/problem+json"
    return response


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")
