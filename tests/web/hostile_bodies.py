"""Wrong bodies, made from the API's own description: every field of a body missing, of another
type, beyond its bounds, or hostile, and every object with a field that nobody knows."""

import copy
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

Json = dict[str, Any]
Place = tuple[str | int, ...]

#: One value of each type of JSON, and texts that parsers and databases stumble over.
VALUES: list[Any] = [
    None,
    True,
    7,
    -1,
    1.5,
    10**30,
    "",
    "text",
    "a\0b",
    "x" * 1_000_000,
    [],
    [[]],
    {},
    {"a": {}},
]
UNKNOWN = "unheard_of"


class Shape:
    """One schema of the description, with all those that it refers to."""

    def __init__(self, name: str, schemas: Json) -> None:
        self._schemas = schemas
        self.schema: Json = schemas[name]

    def least(self) -> Any:
        """A body with the required fields only, as right as the description knows."""
        return self._least(self.schema)

    def wrong(self, right: Json) -> Iterator[tuple[Place, Json]]:
        """Bodies that the description forbids, and the place that is at fault in each."""
        for place, value in self._spoiled(self.schema, right, ()):
            if not self.is_valid(value):
                yield place, value

    def is_valid(self, value: Any) -> bool:
        whole = {**self.schema, "components": {"schemas": self._schemas}}
        return bool(Draft202012Validator(whole).is_valid(value))

    def _spoiled(self, schema: Json, right: Any, place: Place) -> Iterator[tuple[Place, Any]]:
        """`right` with one thing changed, at every place below this one."""
        schema = self._resolved(schema)
        if "properties" in schema and isinstance(right, dict):
            yield from self._spoiled_object(schema, right, place)
        elif schema.get("type") == "array" and isinstance(right, list):
            for index, part in enumerate(right[:1]):
                for below, spoiled in self._spoiled(schema["items"], part, (*place, index)):
                    yield below, [spoiled, *right[1:]]
            yield place, right * (schema.get("maxItems", 0) + 1)

    def _spoiled_object(
        self, schema: Json, right: Json, place: Place
    ) -> Iterator[tuple[Place, Any]]:
        yield (*place, UNKNOWN), {**right, UNKNOWN: 1}
        for name, part in schema["properties"].items():
            here = (*place, name)
            yield here, {key: value for key, value in right.items() if key != name}
            for value in [*VALUES, *self._beyond(part)]:
                yield here, {**right, name: value}
            if name in right:
                for below, spoiled in self._spoiled(part, right[name], here):
                    yield below, {**copy.copy(right), name: spoiled}

    def _beyond(self, schema: Json) -> Iterator[Any]:
        """Just outside of the bounds."""
        for one in schema.get("anyOf", [schema]):
            bounds = self._resolved(one)
            if "maxLength" in bounds:
                yield "x" * (bounds["maxLength"] + 1)
            if "maximum" in bounds:
                yield bounds["maximum"] + 1

    def _resolved(self, schema: Json) -> Json:
        """Without a reference, and without the null that an optional field may be."""
        if "$ref" in schema:
            return self._resolved(self._schemas[schema["$ref"].rpartition("/")[2]])
        parts = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
        return self._resolved(parts[0]) if len(parts) == 1 else schema

    def _least(self, schema: Json) -> Any:
        schema = self._resolved(schema)
        for given in ("default", "const"):
            if given in schema:
                return schema[given]
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "object":
            names = schema.get("required", ())
            return {name: self._least(schema["properties"][name]) for name in names}
        if schema.get("type") == "array":
            return [self._least(schema["items"])] * schema.get("minItems", 0)
        if schema.get("type") in ("integer", "number"):
            return schema.get("minimum", 0)
        return schema.get("type") == "string" and "x" * max(1, schema.get("minLength", 1))
