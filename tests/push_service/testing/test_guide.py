"""Every block of code in docs/testing-your-own-app.md is run, where only the wheel is installed."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.push_service.testing.outside import ENVIRONMENT, Outside

pytestmark = pytest.mark.xdist_group("outside")

ROOT = Path(__file__).resolve().parents[3]
GUIDE = (ROOT / "docs" / "testing-your-own-app.md").read_text()

#: `language name` after the fence, and what is in it.
BLOCKS: dict[tuple[str, str], str] = {
    (language, name): text
    for language, name, text in re.findall(r"^```(\w*) ?(\S*)\n(.*?)^```$", GUIDE, re.M | re.S)
}
COROUTINE = "test_coroutine.py"  # needs pytest-asyncio
SECRET = "sixteen-or-more-characters"


def shell(name: str) -> str:
    return BLOCKS["sh", name]


def program(name: str) -> str:
    return str(ENVIRONMENT / "bin" / name)


def write(outside: Outside, language: str) -> None:
    for (its_language, name), text in BLOCKS.items():
        if its_language == language:
            (outside.project / name).write_text(text)


#
def test_every_block_is_tried() -> None:
    others = {name for language, name in BLOCKS if language not in ("python", "ini", "js")}
    assert others == {"install", "run", "start", "ready", "flags", "lab"}
    assert len(BLOCKS) == GUIDE.count("\n```") // 2


#
@pytest.mark.browser
@pytest.mark.parametrize(
    ("narrowed", "passed"),
    [
        (("-k", "devices or busy"), 2),
        pytest.param((), 5, marks=pytest.mark.slow),
    ],
    ids=["without a browser", "whole"],
)
def test_pytest_project_of_the_guide_is_green(
    outside: Outside, narrowed: tuple[str, ...], passed: int
) -> None:
    write(outside, "python")
    write(outside, "ini")
    arguments = shlex.split(shell("run"))[1:]
    run = outside.pytest("-W", "error", f"--ignore={COROUTINE}", *arguments, *narrowed)
    assert f"{passed} passed" in run.stdout, run.stdout


#
@pytest.mark.browser
@pytest.mark.slow
def test_session_browser_of_the_guide_works(outside: Outside) -> None:
    write(outside, "python")
    more = "conftest_of_a_big_suite"
    with (outside.project / "conftest.py").open("a") as conftest:
        conftest.write(f"\nfrom {more} import firefox, kept_firefox  # noqa\n")
    test = BLOCKS["python", "test_site.py"].replace("push_browser", "firefox")
    outside.write(test_first=test, test_second=test)
    run = outside.pytest(
        "-o", "push_service_shared=true", "--durations=0", "test_first.py", "test_second.py"
    )
    assert "2 passed" in run.stdout, run.stdout


#
@pytest.mark.browser
@pytest.mark.slow
def test_coroutine_of_the_guide_passes(outside: Outside) -> None:
    write(outside, "python")
    scope = "asyncio_default_fixture_loop_scope=function"
    run = outside.pytest("-o", scope, COROUTINE, beside=("asyncio",))
    assert "1 passed" in run.stdout, run.stdout


#
def test_install_commands_are_the_real_ones(wheel: Path) -> None:
    text = shell("install")
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)
    assert f"/dist/{wheel.name}" in text
    assert "\nwheel:" in (ROOT / "Makefile").read_text()


#
def test_options_of_the_guide_exist(outside: Outside) -> None:
    said = outside.pytest("--help").stdout
    options = re.findall(r"^\| `(--push-\w+)", GUIDE, re.M)
    assert options
    for option in options:
        assert option in said


@contextmanager
def started(outside: Outside) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """The push service as the guide starts it; its first line, and the environment for more."""
    path = f"{ENVIRONMENT / 'bin'}:{outside.environment()['PATH']}"
    environment = outside.environment(PATH=path, PUSHLAB_LAB_SECRET=SECRET)
    with subprocess.Popen(
        ["sh", "-c", shell("start")],
        cwd=outside.project,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        ready = json.loads(service.stdout.readline())
        yield ready, environment | {"PUSH_SERVICE": ready["http"]}
        service.stdin.close()
        assert service.wait(10) == 0


#
def test_push_service_starts_and_answers_as_the_guide_says(outside: Outside) -> None:
    with started(outside) as (ready, environment):
        assert ready.keys() == json.loads(BLOCKS["json", "ready"]).keys()
        flags = json.loads(_said(outside, "flags", environment))
        assert _shape(flags) == _shape(json.loads(BLOCKS["json", "flags"]))
        said = _said(outside, "lab", environment)
        assert '"times": 2' in said
        assert said.count('"cursor"') == 2


def _said(outside: Outside, block: str, environment: dict[str, str]) -> str:
    run = ["sh", "-ec", shell(block)]
    done = subprocess.run(
        run, cwd=outside.project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _shape(flags: dict[str, Any]) -> tuple[list[str], list[str]]:
    arguments = [argument.partition("=")[0] for argument in flags["chromium"]["args"]]
    return arguments, list(flags["firefox"]["prefs"])


#
@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_node_script_of_the_guide_delivers(outside: Outside, browser: str) -> None:
    write(outside, "js")
    _link_node_modules(outside)
    path = f"{ENVIRONMENT / 'bin'}:{outside.environment()['PATH']}"
    run = subprocess.run(
        ["node", "push.mjs", browser],
        cwd=outside.project,
        env=outside.environment(PATH=path),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert run.stdout == f"{browser} has shown: It is snowing\n", run.stderr


def _link_node_modules(outside: Outside) -> None:
    """Playwright's Python package brings the one for Node with it."""
    web_push = Path(sys.prefix) / "npm/node_modules/web-push"
    if not web_push.exists():
        pytest.skip("npm's web-push is missing: make setup")
    (playwright,) = ENVIRONMENT.glob("lib/python3*/site-packages/playwright/driver/package")
    modules = outside.project / "node_modules"
    modules.mkdir()
    (modules / "playwright").symlink_to(playwright)
    (modules / "web-push").symlink_to(web_push)
