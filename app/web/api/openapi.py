"""`GET /api/openapi.json`: the API as an OpenAPI 3.1 document. Nothing of it is written by hand: it
is read off the routes, what `describe.takes` says beside each view, the views' annotations and
docstrings, and the pydantic shapes."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from flask import Blueprint, Flask, current_app
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from app.errors import Problem
from app.web.api.describe import Caller, Description, Header, Number, description_of, takes
from app.web.problems import ProblemBody
from app.web.services import current_services

api = Blueprint("api_openapi", __name__)

Json = dict[str, Any]
View = Callable[..., Any]

VERSION = "1"
PREFIX = "/api/"
SCHEMAS = "#/components/schemas/{model}"

#: Who may call, as lists of schemes one of which is enough; an empty scheme stands for nobody's.
SECURITY: dict[Caller, list[Json]] = {
    "visitor": [{"session": []}],
    "program": [{"session": []}, {"token": []}],
    "anybody": [{}],
    "lab-user": [{"session": []}, {"labSecret": []}],
    "lab-secret": [{"labSecret": []}],
    "operator": [{"session": []}],
}


@dataclass(frozen=True, slots=True)
class Operation:
    """A route with one of its methods."""

    path: str
    method: str
    arguments: tuple[str, ...]
    endpoint: str
    view: View

    @property
    def description(self) -> Description:
        return description_of(self.view)

    @property
    def answers(self) -> list[tuple[str, Any]]:
        """Status and shape of what the view answers, by its annotation."""
        shape = get_type_hints(self.view, include_extras=True).get("return", Any)
        if get_origin(shape) is not tuple:
            return [("200", shape)]
        shape, status = get_args(shape)
        codes = get_args(status) if get_origin(status) is Literal else ("2XX",)
        return [(str(code), shape) for code in codes]


class _Schemas(GenerateJsonSchema):
    """Without the titles that pydantic makes of names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@api.get("/openapi.json")
@takes(caller="anybody")
def document() -> dict[str, Any]:
    """This description of the API, for programs."""
    return find_document()


def find_document() -> Json:
    """The running application's document; made at the first request, when every route is there."""
    kept = current_app.extensions
    if "openapi" not in kept:
        kept["openapi"] = build(current_app, current_services().settings.public_url)
    return cast(Json, kept["openapi"])


def build(app: Flask, public_url: str) -> Json:
    """The document of `app`'s routes below `/api/`."""
    operations = list(operations_of(app))
    schemas, definitions = _schemas(operations)
    paths: dict[str, Json] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pushlab", "version": VERSION, "description": _INTRODUCTION},
        "servers": [{"url": public_url}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": _security_schemes(app),
            "responses": {"Problem": _problem(schemas)},
        },
        "x-problems": _problems(),
    }


_INTRODUCTION = (
    "JSON in, JSON out. Every error is application/problem+json (RFC 9457) with a stable `type`, "
    "and names the fields that are at fault. Pages of other origins may not write."
)


def operations_of(app: Flask) -> Iterator[Operation]:
    """Every route and method of the API, by path."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(PREFIX)]
    for rule in sorted(rules, key=lambda rule: rule.rule):
        view = app.view_functions[rule.endpoint]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            names = tuple(sorted(rule.arguments))
            yield Operation(_path(rule), method.lower(), names, rule.endpoint, view)


def _path(rule: Rule) -> str:
    """`/api/devices/<connection_id>` as OpenAPI writes it: `/api/devices/{connection_id}`."""
    return re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule)


# -- shapes


def _schemas(operations: Iterable[Operation]) -> tuple[dict[Any, Json], Json]:
    """The schema of each shape, and the definitions that they refer to."""
    shapes: dict[Any, JsonSchemaMode] = {ProblemBody: "serialization"}
    for one in operations:
        shapes |= dict.fromkeys(one.description.bodies, "validation")
        shapes |= {shape: "serialization" for _, shape in one.answers if _is_json(shape)}
    found, together = TypeAdapter.json_schemas(
        [(shape, mode, TypeAdapter(shape)) for shape, mode in shapes.items()],
        ref_template=SCHEMAS,
        schema_generator=_Schemas,
    )
    schemas = {shape: schema for (shape, _), schema in found.items()}
    return schemas, together.get("$defs", {})


def _is_json(shape: Any) -> bool:
    """Texts are pages, or the empty body; responses are made by the view itself."""
    made_by_view = isinstance(shape, type) and issubclass(shape, (str, Response))
    return not made_by_view and get_origin(shape) is not Literal


# -- one operation


def _operation(one: Operation, schemas: dict[Any, Json]) -> Json:
    said = one.description
    summary, _, more = (inspect.getdoc(one.view) or one.view.__name__).partition("\n\n")
    operation: Json = {
        "operationId": one.endpoint.removeprefix("api_"),
        "tags": [one.endpoint.partition(".")[0].removeprefix("api_")],
        "summary": " ".join(summary.split()),
        "security": SECURITY[said.caller],
        "responses": {status: _answer(shape, schemas) for status, shape in one.answers},
    }
    if more:
        operation["description"] = more
    parameters = [*_path_parameters(one), *map(_query_parameter, said.query)]
    parameters += map(_header_parameter, said.headers)
    if parameters:
        operation["parameters"] = parameters
    if said.bodies:
        operation["requestBody"] = _request_body(said, schemas)
    for statuses in ("4XX", "5XX"):
        operation["responses"][statuses] = {"$ref": "#/components/responses/Problem"}
    return operation


def _path_parameters(one: Operation) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in one.arguments
    ]


def _query_parameter(number: Number) -> Json:
    schema = {"type": "integer", "minimum": 0, "maximum": number.most, "default": number.default}
    return {"name": number.name, "in": "query", "description": number.meaning, "schema": schema}


def _header_parameter(header: Header) -> Json:
    schema = {"type": "string", "minLength": 1, "maxLength": header.longest}
    return {"name": header.name, "in": "header", "description": header.meaning, "schema": schema}


def _request_body(said: Description, schemas: dict[Any, Json]) -> Json:
    shapes = [schemas[body] for body in said.bodies]
    schema = shapes[0] if len(shapes) == 1 else {"oneOf": shapes}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _answer(shape: Any, schemas: dict[Any, Json]) -> Json:
    if shape in schemas:
        content = {"application/json": {"schema": schemas[shape]}}
        return {"description": "Done.", "content": content}
    if shape is str:
        return {"description": "A page.", "content": {"text/html": {}}}
    return {"description": "Done; there is no body."}


def _problem(schemas: dict[Any, Json]) -> Json:
    content = {"application/problem+json": {"schema": schemas[ProblemBody]}}
    return {"description": "What is wrong, and what to do.", "content": content}


def _problems() -> list[Json]:
    """The catalogue of `app.errors`."""
    catalogue = sorted(Problem.__subclasses__(), key=lambda problem: problem.status)
    return [
        {"type": f"/problems/{one.code}", "status": one.status, "title": one.title}
        for one in catalogue
    ]


def _security_schemes(app: Flask) -> Json:
    return {
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": app.config["SESSION_COOKIE_NAME"],
            "description": "The cookie that signing in sets.",
        },
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token that `./pushlab token create` made.",
        },
        "labSecret": {
            "type": "http",
            "scheme": "bearer",
            "description": "The secret of the laboratory.",
        },
    }
