"""schemathesis against the whole application: what the API's own description makes up, right and
wrong, gets an answer that the description allows."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks
from sqlalchemy import Engine

from app import create_app
from app.config import Settings, load
from app.db import Model
from app.sending import vapid
from app.web.api.openapi import find_document
from tests import postgres
from tests.web.conftest import ENDPOINT, Browser

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def app(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Flask]:
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_app")
        return
    engine: Engine = request.getfixturevalue("postgres_engine")
    postgres.empty(engine, Model.metadata)
    url = engine.url.render_as_string(hide_password=False)
    made = create_app(load({}, **{**settings.model_dump(), "database_url": url}))
    services = made.extensions["pushlab"]
    services.database.write(lambda session: vapid.register(session, services.vapid))
    yield made
    services.database.engine.dispose()


def strict(schema: Any) -> Any:
    """The same description, but nothing may be in an answer that it does not name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: strict(part) for name, part in schema.items()}
    if closed.get("type") == "object" and "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def answers(app: Flask, caller: Browser, known: dict[str, str]) -> None:
    """Ask every operation, with right requests and wrong ones; `known` ids stand in for made-up
    ones half of the time."""
    with app.app_context():
        app.extensions["openapi"] = strict(find_document())
    schema = openapi.from_wsgi("/api/openapi.json", app)
    schema.config.generation.update(with_security_parameters=False)
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = caller.client.get_cookie(name)
    cookies = {name: cookie.value} if cookie else {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        modes = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]

        @settings(
            max_examples=max(15, settings().max_examples // 20),
            suppress_health_check=list(HealthCheck),
        )
        @given(st.one_of(modes), st.booleans())
        def ask(case: Case[Any], with_known: bool) -> None:
            for name in set(case.path_parameters) & set(known) if with_known else ():
                case.path_parameters[name] = known[name]
            case.call_and_validate(cookies=cookies, checks=CHECKS)

        ask()


def test_every_answer_to_a_visitor_is_as_described(app: Flask) -> None:
    visitor, other = Browser(app.test_client()), Browser(app.test_client())
    visitor.sign_up("Ada")
    other.submit("/login", name="Ada", password="correct horse")
    device = other.subscribe().get_json()["connection_id"]
    visitor.subscribe(endpoint=ENDPOINT + "2")
    notification = visitor.send(body="there").get_json()["notification_id"]
    answers(app, visitor, {"connection_id": device, "notification_id": notification})


@pytest.mark.slow
def test_every_answer_to_a_stranger_is_as_described(app: Flask) -> None:
    answers(app, Browser(app.test_client()), {})
