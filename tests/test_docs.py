"""Documentation is code: what exists is documented, and what is documented exists."""

import ast
import re
from pathlib import Path

import pytest

from app import create_app
from app.cli import COMMANDS
from app.config import PREFIX, Settings, load
from app.faults import POINTS
from push_service import faults as push_service_faults

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENT = re.compile(r"\b[WPX]-\d+\b")


def read(name: str) -> str:
    return (ROOT / name).read_text()


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(rf"^\| `({PREFIX}\w+)`", read("docs/settings.md"), re.MULTILINE))
    assert documented == {PREFIX + name.upper() for name in Settings.model_fields}


def markdown_files() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (path.parent / target).exists(), target


def functions_of(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }


def test_feature_table_names_real_tests() -> None:
    """Each row of the README's feature table names at least one test, and that test is there."""
    for row in re.findall(r"^\| [WPX]-\d+ .*$", read("README.md"), re.MULTILINE):
        named = re.findall(r"\[`(test_\w+)`\]\(([\w/.]+)\)", row)
        assert named, row
        for test, path in named:
            assert test in functions_of(ROOT / path), f"{path} has no {test}"


def test_feature_table_tests_name_their_requirement() -> None:
    """A test that is said to prove W-9 says so itself."""
    for row in re.findall(r"^\| [WPX]-\d+ .*$", read("README.md"), re.MULTILINE):
        number = REQUIREMENT.search(row)
        assert number is not None
        for _, path in re.findall(r"\[`(test_\w+)`\]\(([\w/.]+)\)", row):
            assert re.search(rf"\b{number[0]}\b", read(path)), f"{path} does not name {number[0]}"


def test_every_dependency_has_its_reason() -> None:
    """`docs/architecture.md` says what each library of pyproject.toml does for us."""
    text = read("docs/architecture.md").lower()
    declared = re.findall(r'^  "([a-z0-9-]+)[\[>=<]', read("pyproject.toml"), re.MULTILINE)
    missing = [name for name in declared if name not in text and not name.startswith("types-")]
    assert not missing


def test_every_route_is_documented(tmp_path: Path) -> None:
    settings = load({}, instance_dir=tmp_path, lab=True)
    rules = {
        (method, rule.rule)
        for rule in create_app(settings).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    rows = re.findall(r"^\| `([A-Z ]+) (/\S*)`", read("docs/api.md"), re.MULTILINE)
    documented = {(method, path) for methods, path in rows for method in methods.split()}
    assert documented | {("GET", "/pns")} == rules


def test_every_command_is_documented() -> None:
    """The README lists each command of `./pushlab` and each target of make."""
    text = read("README.md")
    targets = re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE)
    shown = [f"`./pushlab {name}`" for name, entry in COMMANDS.items() if not entry.hidden]
    shown += [f"`make {target}`" for target in targets if target != "help"]
    assert [one for one in shown if one not in text] == []


def test_every_bench_is_documented() -> None:
    """Benches are never part of the tests: the docs say how to repeat them, and show the plots."""
    text, readme = read("docs/benchmarks.md"), read("README.md")
    programs = [*(ROOT / "bench").glob("*/__main__.py"), ROOT / "bench/plots.py"]
    names = [path.parent.name if path.stem == "__main__" else path.stem for path in programs]
    assert len(names) >= 4
    assert [one for one in names if f"python -m bench.{one}" not in text + readme] == []
    drawn = {path.name for path in (ROOT / "docs/images").glob("bench-*.svg")}
    assert drawn == set(re.findall(r"bench-[\w-]+\.svg", text))


# -- what was learned of browsers and failures

LINKED_TEST = re.compile(r"\[`(test_\w+)`\]\(\.\./([\w/.]+)\)")


def rows(name: str, first: str) -> list[str]:
    """The rows of a document's tables whose first cell looks like this."""
    return re.findall(rf"^\| {first} \|.*$", read(name), re.MULTILINE)


@pytest.mark.parametrize("name", ["docs/protocol.md", "docs/failures.md"])
def test_linked_tests_are_there(name: str) -> None:
    linked = LINKED_TEST.findall(read(name))
    assert linked
    for test, path in linked:
        assert test in functions_of(ROOT / path), f"{path} has no {test}"


def test_each_experiment_has_tests_that_name_it() -> None:
    experiments = rows("docs/protocol.md", r"E-\d+")
    assert [row.split()[1] for row in experiments] == [f"E-{number}" for number in range(1, 13)]
    for row in experiments:
        linked = LINKED_TEST.findall(row)
        assert linked, row
        for _, path in linked:
            assert re.search(rf"\b{row.split()[1]}\b", read(path)), f"{path}: {row}"


def test_states_of_a_message_are_those_of_the_journal() -> None:
    told = set(re.findall(r'"(message\.\w+)"', read("push_service/reporter.py")))
    states = rows("docs/protocol.md", r"`message\.\w+`")
    assert {row.split("`")[1] for row in states} == told
    assert all(LINKED_TEST.search(row) for row in states)


def test_each_failure_is_told() -> None:
    told = re.findall(r"^### (\d+)\. ", read("docs/failures.md"), re.MULTILINE)
    assert [int(number) for number in told] == list(range(1, 30))


def test_fault_points_in_the_failures_are_there() -> None:
    """App, client and push service: every switch that is named exists."""
    text = read("docs/failures.md")
    app = {row.split("`")[1] for row in rows("docs/failures.md", r"`\w+\.\w+`")}
    named = set(re.findall(r"`((?:subscribe|create|sender|node|ringer)\.\w+)`", text))
    client = set(re.findall(r"`(?:client|service-worker):([\w-]+)`", text))
    push_service = set(re.findall(r"`/lab/faults/(\w+)`", text))
    assert app == POINTS.keys()
    assert named <= app
    assert client
    assert client <= set(re.findall(r"^ \*   ([\w-]+) ", read("static/js/shared/faults.js"), re.M))
    assert push_service
    assert push_service <= set(push_service_faults.NAMES)
