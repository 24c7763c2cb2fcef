"""The pytest plugin in projects that are not ours: nothing but the wheel is installed there."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.push_service.testing.outside import ENVIRONMENT, Outside
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("outside")

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "starlette"

PUSH = """
def test_push(push_service, virtual_device):
    subscription = virtual_device.subscribe()
    assert subscription.endpoint.startswith(push_service.http)
    assert push_service.journal.events("subscription.created", token=subscription.token)
"""


def outcome(run: subprocess.CompletedProcess[str]) -> str:
    """The last line that pytest says."""
    assert run.stdout, run.stderr
    return run.stdout.strip().splitlines()[-1].strip("= ")


#
@pytest.mark.browser
def test_example_tests_its_own_push(outside: Outside) -> None:
    shutil.copytree(EXAMPLE, outside.project, dirs_exist_ok=True)
    run = outside.pytest("-q")
    assert outcome(run).startswith("4 passed"), run.stdout
    source = outside.python("-c", "import push_service; print(push_service.__file__)").stdout
    assert Path(source).is_relative_to(ENVIRONMENT)


#
@pytest.mark.slow
def test_example_type_checks_against_the_wheel(outside: Outside) -> None:
    shutil.copytree(EXAMPLE, outside.project, dirs_exist_ok=True)
    python = str(ENVIRONMENT / "bin/python")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "tests"]
    run = subprocess.run(command, cwd=outside.project, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


#
def test_fixtures_are_there_without_any_configuration(outside: Outside) -> None:
    outside.write(test_mine=PUSH)
    (outside.project / "app").mkdir()  # their own package of that name is none of our business
    (outside.project / "app" / "__init__.py").touch()
    run = outside.pytest("-W", "error")
    assert outcome(run).startswith("1 passed"), run.stdout


#
def test_plugin_imports_nothing_until_a_fixture_is_used(outside: Outside) -> None:
    outside.write(
        test_mine=PUSH,
        conftest="""
import sys
before = set(sys.modules)
def pytest_collection_finish():
    print("LOADED", *sorted(name for name in sys.modules if name.startswith("push_service")))
    heavy = "cryptography", "gevent", "http_ece", "playwright", "sqlalchemy", "urllib.request"
    print("HEAVY", *(name for name in heavy if name in sys.modules))
""",
    )
    said = outside.pytest("--collect-only", "-s").stdout.splitlines()
    assert "LOADED push_service push_service.testing push_service.testing.plugin" in said
    assert [line.strip() for line in said if line.startswith("HEAVY")] == ["HEAVY"]


#
def test_every_fixture_is_explained(outside: Outside) -> None:
    said = outside.pytest("--fixtures").stdout
    ours = said[said.index("fixtures defined from push_service.testing.plugin") :]
    for fixture in (
        "push_service",
        "shared_push_service",
        "push_environment",
        "push_browser",
        "chromium",
        "firefox",
        "launch_push_browser",
        "push_origins",
        "push_playwright",
        "virtual_device",
        "connect_virtual_device",
    ):
        assert f"\n{fixture} " in ours
    assert "no docstring" not in ours


#
@pytest.mark.browser
@pytest.mark.slow
def test_plugin_gets_on_with_pytest_asyncio(outside: Outside) -> None:
    outside.write(
        test_mine="""
import asyncio
import pytest

@pytest.mark.asyncio
async def test_before(push_service):
    await asyncio.sleep(0)
    assert push_service.journal.events() == []

def test_browser(firefox):
    firefox.page.goto("about:blank")

@pytest.mark.asyncio
async def test_after(virtual_device):
    assert await asyncio.to_thread(virtual_device.subscribe)
"""
    )
    scope = "asyncio_default_fixture_loop_scope=function"
    run = outside.pytest("-W", "error", "-o", scope, beside=("asyncio",))
    assert outcome(run).startswith("3 passed"), run.stdout


#
@pytest.mark.browser
@pytest.mark.slow
def test_plugin_gets_on_with_pytest_playwright_and_xdist(outside: Outside) -> None:
    outside.write(
        test_mine=PUSH
        + """
def test_browser(firefox, playwright, push_playwright):
    firefox.page.goto("about:blank")
    assert push_playwright is playwright
"""
    )
    run = outside.pytest("-n2", beside=("base_url", "playwright", "xdist"))
    assert outcome(run).startswith("2 passed"), run.stdout


#
def test_shared_push_service_is_one_and_reset(outside: Outside) -> None:
    outside.write(
        test_mine="""
pids = set()

def see(push_service, device):
    assert push_service.journal.events("subscription.created") == []
    device.subscribe()
    pids.add(push_service.pid)

def test_one(push_service, virtual_device):
    see(push_service, virtual_device)

def test_two(push_service, connect_virtual_device):
    for device in [connect_virtual_device() for _ in range(3)]:
        device.subscribe()
    push_service.reset()
    see(push_service, device)
    assert len(pids) == 1
"""
    )
    run = outside.pytest("-o", "push_service_shared=true")
    assert outcome(run).startswith("2 passed"), run.stdout


#
def test_environment_is_put_in_place_for_the_test(outside: Outside) -> None:
    outside.write(
        test_mine="""
import os, urllib.request

def test_mine(push_environment, virtual_device):
    token = virtual_device.subscribe().token
    url = f"https://fcm.googleapis.com/fcm/send/{token}"
    urllib.request.urlopen(urllib.request.Request(url, headers={"TTL": "5"}, method="POST"))
    assert virtual_device.receive().data is None

def test_after():
    assert "HTTPS_PROXY" not in os.environ
"""
    )
    run = outside.pytest()
    assert outcome(run).startswith("2 passed"), run.stdout


CHOICE = """
def test_each(push_browser): pass
def test_chromium(chromium): pass
"""


#
@pytest.mark.parametrize(
    "choice",
    ["--push-browser=firefox", pytest.param("-opush_browsers=firefox", marks=pytest.mark.slow)],
)
def test_browser_is_chosen(outside: Outside, choice: str) -> None:
    outside.write(test_mine=CHOICE)
    said = outside.pytest("--collect-only", "-q", choice).stdout
    assert "test_each[firefox]" in said
    assert "test_each[chromium]" not in said
    run = outside.pytest("-rs", "-k", "test_chromium", choice)
    assert "this run tests in firefox only" in run.stdout


#
@pytest.mark.browser
@pytest.mark.slow
def test_windows_are_shown_on_request(outside: Outside) -> None:
    outside.write(test_mine=CHOICE)
    run = outside.pytest("-k", "test_chromium", "--push-headed")
    assert "headed browser without having a XServer" in run.stdout


#
def test_unknown_browser_is_refused(outside: Outside) -> None:
    run = outside.pytest("-opush_browsers=opera chromium")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "push_browsers names opera; there are chromium, firefox" in run.stderr


#
@pytest.mark.slow
def test_missing_browser_says_what_to_type(outside: Outside, tmp_path: Path) -> None:
    outside.write(test_mine=CHOICE)
    nowhere = str(tmp_path / "empty")
    run = outside.pytest(PATH=nowhere, PLAYWRIGHT_BROWSERS_PATH=nowhere)
    assert "apt-get install chromium  or:  playwright install chromium" in run.stdout
    assert "apt-get install firefox-esr  or:  playwright install firefox" in run.stdout
    assert "Traceback" not in run.stdout


#
def test_missing_playwright_says_what_to_type(outside: Outside) -> None:
    outside.write(test_mine=CHOICE, conftest="import sys; sys.modules['playwright'] = None")
    run = outside.pytest()
    assert "pip install 'pushlab[browsers]'" in run.stdout
    assert "Traceback" not in run.stdout


#
@pytest.mark.slow
@pytest.mark.browser
def test_playwrights_own_chromium_is_launched_as_such(outside: Outside, tmp_path: Path) -> None:
    """The system's program, put where Playwright would install its own."""
    ask = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
    )
    browsers = str(tmp_path / "browsers")
    own = Path(outside.python("-c", ask, PLAYWRIGHT_BROWSERS_PATH=browsers).stdout.strip())
    own.parent.mkdir(parents=True)
    own.symlink_to(str(shutil.which("chromium")))
    shutil.copytree(EXAMPLE, outside.project, dirs_exist_ok=True)
    run = outside.pytest(
        "-k", "chromium", PUSHLAB_CHROMIUM="playwright", PLAYWRIGHT_BROWSERS_PATH=browsers
    )
    assert outcome(run).startswith("1 passed"), run.stdout


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


#
def test_killed_pytest_takes_the_push_service_with_it(outside: Outside) -> None:
    outside.write(
        test_mine="""
import signal

def test_mine(push_service):
    print("PID", push_service.pid, flush=True)
    signal.pause()
"""
    )
    command = [str(ENVIRONMENT / "bin/python"), *outside.pytest_command("-s")]
    with subprocess.Popen(
        command, cwd=outside.project, env=outside.environment(), stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        pid = next(int(line.split()[-1]) for line in run.stdout if "PID" in line)
        run.send_signal(signal.SIGKILL)
    until(lambda: not is_running(pid))  # nobody's child any more: there is nothing to wait on
