"""What the end-to-end tests stand on. All tests of one browser run in one test process, in one
laboratory, with one browser; each test has users and a device of its own. A test that must not
share takes `fresh_device`."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from e2e.browsers import BrowserPool
from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import CHECKOUT, Lab

#: Quick enough for tests: seconds for a request to the push service, and between two sweeps.
ENVIRONMENT = {
    "PUSHLAB_CACHE_ASSETS": "true",  # 60 requests less at each page but the first
    "PUSHLAB_PUSH_TIMEOUT": "3",
    "PUSHLAB_SWEEP_SECONDS": "1",
}

#: Milliseconds: a busy machine is slow, and what never happens is an exception.
expect.set_options(timeout=20_000)


def each_browser(*names: str) -> list[object]:
    """Parameters that keep the tests of one browser in one test process."""
    return [
        pytest.param(name, marks=[pytest.mark.browser, pytest.mark.xdist_group(name)])
        for name in names
    ]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The laboratory of this test process."""
    with Lab(tmp_path_factory.mktemp("lab"), environment=ENVIRONMENT) as lab:
        yield lab


@pytest.fixture(scope="session")
def browser_pool(
    push_playwright: Playwright, lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserPool]:
    pool = BrowserPool(push_playwright, lab, tmp_path_factory.mktemp("profiles"))
    yield pool
    pool.close()


@pytest.fixture(params=each_browser("chromium", "firefox"))
def browser_name(request: pytest.FixtureRequest) -> str:
    """The test runs once in each."""
    name: str = request.param
    return name


@pytest.fixture
def device(lab: Lab, browser_pool: BrowserPool, browser_name: str) -> Iterator[Device]:
    """A browser that may show notifications; nobody is signed in."""
    yield browser_pool.device(browser_name)
    lab.disarm_all()


@pytest.fixture
def second_device(browser_pool: BrowserPool, browser_name: str) -> Device:
    """Another one of the same kind."""
    return browser_pool.device(browser_name, 1)


@pytest.fixture
def fresh_device(
    lab: Lab, browser_pool: BrowserPool, browser_name: str, tmp_path: Path
) -> Iterator[Device]:
    """A browser on a profile of its own that may not show notifications yet."""
    browser = browser_pool.fresh(browser_name, str(tmp_path / "profile"), allowed=False)
    yield Device(lab, browser)
    browser.close()


@pytest.fixture
def somebody_else(lab: Lab) -> Visitor:
    """Another user, who needs no browser to write to the one in the browser."""
    return lab.guest()


@pytest.fixture
def sign_up(lab: Lab) -> Callable[[str], tuple[str, str]]:
    """Makes an account: name and password."""

    def make(name: str) -> tuple[str, str]:
        name, password = f"{name}-{os.urandom(4).hex()}", "correct horse battery"
        Visitor(lab.url).sign_up(name, password)
        return name, password

    return make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Keep a picture of what each browser showed when a test failed, and what is known of it."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.when == "call" and report.failed:
        for fixture, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Device):
                value.picture(_place_of_picture(f"{item.name}-{fixture}"))
                report.sections.append((f"black box: {fixture}", _told_by(value)))
    return report  # type: ignore[return-value]


def _told_by(device: Device) -> str:
    """A report that fails must not end the run."""
    try:
        return device.black_box.text()
    except Exception as error:
        return f"cannot be read: {error!r}"


def _place_of_picture(name: str) -> Path:
    folder = CHECKOUT / "test-results"
    folder.mkdir(exist_ok=True)
    return folder / (re.sub(r"\W+", "-", name) + ".png")
