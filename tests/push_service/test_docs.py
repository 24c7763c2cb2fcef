"""docs/push-service.md says what the push service has, and has what it says."""

import re
from pathlib import Path

import click
import pytest

from push_service import autopush_face
from push_service.cli import command
from push_service.faults import FIELDS
from push_service.push_api import PATHS
from push_service.wire import errors
from push_service.wire.dialects import APPLE, DIALECTS, Dialect
from push_service.wire.errors import Error, Refusal
from tests.push_service.parts import Service
from tests.push_service.test_lab_face import Reader

TEXT = (Path(__file__).parents[2] / "docs/push-service.md").read_text()
CATALOGUE = [value for value in vars(errors).values() if isinstance(value, Error)]


def rows(title: str) -> list[list[str]]:
    """The cells of the table whose first column has this title."""
    _, _, rest = TEXT.partition(f"| {title} |")
    table = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def test_options_are_those_of_the_command() -> None:
    context = click.Context(command)
    options = {
        name
        for parameter in command.get_params(context)
        for name in parameter.opts
        if name.startswith("--")
    }
    assert {row[0].strip("` ") for row in rows("option")} == options
    assert [row[0].strip("` ") for row in rows("option")] == [
        parameter.opts[-1] for parameter in command.get_params(context)
    ]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_status_codes_are_those_of_the_dialects(dialect: Dialect) -> None:
    column = 1 + list(DIALECTS).index(dialect.name)
    documented = {row[column].strip()[:3] for row in rows("what is wrong")} - {"201", "acc"}
    possible = {str(dialect.render(Refusal(error)).status) for error in CATALOGUE}
    # What is answered before any subscription is known comes in Mozilla's dialect.
    assert documented == possible


def test_reasons_of_apples_dialect_are_documented() -> None:
    for error in CATALOGUE:
        reason = APPLE.render(Refusal(error)).body.decode().split('"')[3]
        assert reason == "MethodNotAllowed" or f"`{reason}`" in TEXT, reason


def test_close_codes_are_documented() -> None:
    names = ("NORMAL", "BREACH", "SLOW", "TOO_BIG", "RESTARTING", "TRY_LATER")
    codes = {str(getattr(autopush_face, name)) for name in names}
    assert {row[0] for row in rows("close code")} == codes | {"4774"}


def test_lab_routes_are_documented(service: Service) -> None:
    router = Reader(service).router
    served = {
        (method, prefix)
        for paths in (router._exact, router._free)
        for prefix, methods in paths.items()
        for method in methods
        if method != "OPTIONS"
    }
    documented = set()
    for row in rows("route"):
        *methods, path = row[0].strip("` ").split()
        documented |= {(method, path.partition("<")[0]) for method in methods}
    assert documented == served


def test_faults_and_their_fields_are_documented() -> None:
    documented = {row[0].strip("` "): set(re.findall(r"`(\w+)`", row[2])) for row in rows("fault")}
    assert documented == {name: set(fields) for name, fields in FIELDS.items()}


def test_endpoint_paths_are_documented() -> None:
    assert all(f"`{path}<token>`" in TEXT for path in PATHS)
