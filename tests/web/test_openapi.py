"""The document that describes the API: valid, whole, and true."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from app.errors import Problem
from app.web.api import docs, openapi
from tests.web.conftest import Browser

Json = dict[str, Any]
API = Path(openapi.__file__).parent


@pytest.fixture
def document(stranger: Browser) -> Json:
    found: Json = stranger.client.get("/api/openapi.json").get_json()
    return found


def test_document_is_valid(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document, cls=OpenAPIV31SpecValidator)


def test_every_route_of_the_api_is_described(app: Flask, document: Json) -> None:
    described = {
        (method.upper(), path) for path in document["paths"] for method in document["paths"][path]
    }
    routes = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    assert described == routes


def test_every_operation_says_what_it_does_and_answers(app: Flask) -> None:
    for one in openapi.operations_of(app):
        assert one.view.__doc__, f"{one.view.__name__} has no docstring"
        for status, shape in one.answers:
            assert status != "2XX", f"{one.view.__name__}: name the statuses in a Literal"
            assert "dict[str, Any]" not in str(shape).replace("typing.", "") or one.view in LOOSE


#: The document describes itself only as far as the specification of OpenAPI does.
LOOSE = (openapi.document,)


def bodies_read(path: Path) -> set[tuple[str, str]]:
    """Which view reads which shapes, by its source: `read(Shape)` and `check(Shape, …)`."""
    return {
        (view.name, str(ast.unparse(call.args[0])))
        for view in ast.parse(path.read_text()).body
        if isinstance(view, ast.FunctionDef)
        for call in ast.walk(view)
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("read", "check")
    }


@pytest.mark.parametrize("path", sorted(API.glob("*.py")), ids=lambda path: path.stem)
def test_body_that_a_view_reads_is_described(app: Flask, path: Path) -> None:
    described = {
        (one.view.__name__, body.__name__)
        for one in openapi.operations_of(app)
        if one.view.__module__.endswith(f".{path.stem}")
        for body in one.description.bodies
    }
    if path.stem != "body":
        assert described == bodies_read(path)


def test_problems_are_those_of_the_catalogue(document: Json) -> None:
    named = {problem["type"] for problem in document["x-problems"]}
    assert named == {f"/problems/{one.code}" for one in Problem.__subclasses__()}


def test_page_shows_every_operation_and_shape(stranger: Browser, document: Json) -> None:
    page = stranger.client.get("/api/docs").get_data(as_text=True)
    ids = set(re.findall(r' id="([^"]+)"', page))
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert {one["operationId"] for one in operations} <= ids
    assert set(re.findall(r'href="#([^"]+)"', page)) <= ids
    assert "/problems/endpoint-of-another-session" in page


def test_prose_marks_code_and_escapes() -> None:
    assert docs.prose("a `b<` & c") == "a <code>b&lt;</code> &amp; c"
    assert docs.prose("`b`") == "<code>b</code>"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 200}, "text, 1 to 200 characters"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "whole number, or null"),
        (
            {"type": "array", "items": {"$ref": "#/a/b/Thing"}, "maxItems": 5},
            "list of: Thing, 0 to 5 entries",
        ),
        ({"enum": ["a", "b"], "type": "string", "default": "a"}, "one of a, b, default a"),
        ({"type": "string", "default": ""}, 'text, default ""'),
        ({"type": "string", "pattern": "^x$"}, "text, like ^x$"),
        ({}, "any JSON"),
    ],
)
def test_schema_is_put_into_words(schema: Json, words: str) -> None:
    assert docs.in_words(schema) == words
