"""`GET /api/docs`: the OpenAPI document as a page for people."""

import json
import re
from itertools import zip_longest
from typing import Any

from flask import Blueprint, render_template
from markupsafe import Markup

from app.web.api.describe import takes
from app.web.api.openapi import find_document

api = Blueprint("api_docs", __name__)

Json = dict[str, Any]


@api.get("/docs")
@takes(caller="anybody")
def page() -> str:
    """This description of the API, for people."""
    return render_template(
        "api.html", document=find_document(), in_words=in_words, names_of=names_of, prose=prose
    )


def prose(text: str) -> Markup:
    """Docstrings as HTML: what stands between backticks is code."""
    parts = re.split(r"`([^`]+)`", text)
    marked = [Markup("<code>{}</code>").format(part) for part in parts[1::2]]
    return Markup("").join(
        one for pair in zip_longest(parts[::2], marked, fillvalue="") for one in pair
    )


def names_of(schema: Json) -> list[str]:
    """The components that a schema refers to, itself and in its parts."""
    if "$ref" in schema:
        return [schema["$ref"].rpartition("/")[2]]
    parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    parts += [schema[key] for key in ("items", "additionalProperties") if _is_schema(schema, key)]
    return list(dict.fromkeys(name for part in parts for name in names_of(part)))


def _is_schema(schema: Json, key: str) -> bool:
    return isinstance(schema.get(key), dict)


def in_words(schema: Json) -> str:
    """`text, 1 to 200 characters, or null`."""
    parts = schema.get("anyOf") or schema.get("oneOf")
    if parts:
        return ", or ".join(in_words(part) for part in parts)
    words = [_kind(schema), _limits(schema)]
    if schema.get("default") is not None:
        words.append(f"default {_value(schema['default'])}")
    return ", ".join(word for word in words if word)


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        return str(names_of(schema)[0])
    if "enum" in schema:
        return "one of " + ", ".join(_value(one) for one in schema["enum"])
    if "const" in schema:
        return _value(schema["const"])
    if schema.get("type") == "array":
        return f"list of: {in_words(schema['items'])}" if "items" in schema else "list"
    if schema.get("format") == "date-time":
        return "time (RFC 3339, UTC)"
    return _KINDS.get(schema.get("type", ""), "any JSON")


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}


def _limits(schema: Json) -> str:
    for low, high, unit in (
        ("minLength", "maxLength", "characters"),
        ("minItems", "maxItems", "entries"),
        ("minimum", "maximum", ""),
    ):
        if high in schema:
            return f"{schema.get(low, 0)} to {schema[high]} {unit}".strip()
    return f"like {schema['pattern']}" if "pattern" in schema else ""


def _value(value: object) -> str:
    """As JSON writes it, texts without their quotes unless nothing else is left."""
    return value if isinstance(value, str) and value else json.dumps(value)
