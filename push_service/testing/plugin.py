"""pytest fixtures of the harness; pytest loads this module through its entry point.

It imports nothing but pytest until a fixture is used. To test your own Web Push:

    def test_my_push(push_service, push_browser, my_site):
        push_browser.grant(my_site)
        push_browser.page.goto(my_site)
        ...
        push_browser.wait_until_linked()
        ...
        push_browser.wait_for_notification(title="Hello")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Playwright

    from push_service.testing.browsers import PushBrowser
    from push_service.testing.push_service_process import PushServiceProcess
    from push_service.testing.virtual_device import VirtualDevice

NAMES = ("chromium", "firefox")

NO_PLAYWRIGHT = (
    "This fixture drives a browser with Playwright, which is not installed here. "
    "Type:  pip install 'pushlab[browsers]'"
)


# -- options


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pushlab", "Web Push in stock browsers")
    group.addoption(
        "--push-browser",
        action="append",
        choices=NAMES,
        help="Test in this browser only; may be given twice. Default: push_browsers.",
    )
    group.addoption("--push-headed", action="store_true", help="Show the browsers' windows.")
    parser.addini("push_browsers", "the browsers to test in", type="args", default=list(NAMES))
    parser.addini(
        "push_service_shared",
        "one push service for all tests of a process, reset before each, instead of one per test",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    unknown = set(config.getini("push_browsers")) - set(NAMES)
    if unknown:
        raise pytest.UsageError(
            f"push_browsers names {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}"
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `push_browser` would do in a browser that is not wanted."""
    wanted = _wanted_browsers(config)
    left_out = [item for item in items if _parameter(item) not in (None, *wanted)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _wanted_browsers(config: pytest.Config) -> list[str]:
    wanted: list[str] = config.getoption("--push-browser") or config.getini("push_browsers")
    return wanted


def _parameter(item: pytest.Item) -> object:
    call = getattr(item, "callspec", None)
    return call.params.get("push_browser") if call else None


def _headed(config: pytest.Config) -> bool:
    """Our own option, or pytest-playwright's."""
    return bool(config.getoption("--push-headed") or config.getoption("--headed", default=False))


# -- the push service


@pytest.fixture(scope="session")
def shared_push_service(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[PushServiceProcess]:
    """One push service for the whole test process; whoever shares it calls its `reset()`."""
    from push_service.testing.push_service_process import PushServiceProcess

    with PushServiceProcess(tmp_path_factory.mktemp("push-service"), tls=True) as process:
        yield process


@pytest.fixture
def push_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PushServiceProcess]:
    """A push service of this test's own: HTTP, https, MCS and its journal.

    With `push_service_shared = true` in pytest's configuration it is `shared_push_service`, reset:
    half a second less per test, for big suites.
    """
    from push_service.testing.push_service_process import PushServiceProcess

    if request.config.getini("push_service_shared"):
        shared: PushServiceProcess = request.getfixturevalue("shared_push_service")
        shared.reset()
        yield shared
        return
    with PushServiceProcess(tmp_path_factory.mktemp("push-service"), tls=True) as process:
        yield process


@pytest.fixture
def push_environment(
    push_service: PushServiceProcess, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Puts `push_service.environment` into this process's environment: an application that runs
    in it, or is started by the test, sends to `push_service` what it would send to Google."""
    for name, value in push_service.environment.items():
        monkeypatch.setenv(name, value)
    return push_service.environment


# -- browsers


def _playwright_scope(fixture_name: str, config: pytest.Config) -> Literal["session", "function"]:
    """While Playwright runs, its event loop counts as the thread's running one, and no coroutine
    can be run beside it. So where there are tests that are coroutines, it runs for a test only."""
    plugins = config.pluginmanager
    alone = plugins.hasplugin("playwright") or not plugins.hasplugin("asyncio")
    return "session" if alone else "function"


@pytest.fixture(scope=_playwright_scope)
def push_playwright(request: pytest.FixtureRequest) -> Iterator[Playwright]:
    """Playwright, synchronous: that of pytest-playwright where it is installed.

    A thread can run it once only: if your tests start it themselves, override this with yours.
    Its scope is the session, and with pytest-asyncio the test.
    """
    if request.config.pluginmanager.hasplugin("playwright"):
        yield request.getfixturevalue("playwright")
        return
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail(NO_PLAYWRIGHT, pytrace=False)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def push_origins() -> list[str]:
    """Origins that may show notifications in the browsers; override it with your site's."""
    return []


@pytest.fixture
def launch_push_browser(
    request: pytest.FixtureRequest,
    push_playwright: Playwright,
    push_service: PushServiceProcess,
    push_origins: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., PushBrowser]]:
    """Launches browsers: `launch_push_browser("firefox", **options of Playwright)`.

    Each has a profile of its own, and is closed when the test ends.
    """
    from push_service.testing.browsers import BROWSERS
    from push_service.testing.programs import BrowserMissingError

    browsers: list[PushBrowser] = []

    def launch(name: str, **options: object) -> PushBrowser:
        options.setdefault("headless", not _headed(request.config))
        browser = BROWSERS[name](
            push_playwright,
            push_service,
            tmp_path_factory.mktemp(name),
            origins=push_origins,
            **options,
        )
        try:
            browser.launch()
        except BrowserMissingError as error:
            pytest.fail(str(error), pytrace=False)
        browsers.append(browser)
        return browser

    yield launch
    for browser in browsers:
        browser.close()


@pytest.fixture
def chromium(
    request: pytest.FixtureRequest, launch_push_browser: Callable[..., PushBrowser]
) -> PushBrowser:
    """Chromium, wired to `push_service`."""
    return _launch_if_wanted(request.config, launch_push_browser, "chromium")


@pytest.fixture
def firefox(
    request: pytest.FixtureRequest, launch_push_browser: Callable[..., PushBrowser]
) -> PushBrowser:
    """Firefox, wired to `push_service`."""
    return _launch_if_wanted(request.config, launch_push_browser, "firefox")


@pytest.fixture(params=NAMES)
def push_browser(
    request: pytest.FixtureRequest, launch_push_browser: Callable[..., PushBrowser]
) -> PushBrowser:
    """Each browser in turn: the test runs twice."""
    return launch_push_browser(request.param)


def _launch_if_wanted(
    config: pytest.Config, launch: Callable[..., PushBrowser], name: str
) -> PushBrowser:
    wanted = _wanted_browsers(config)
    if name not in wanted:
        pytest.skip(f"this run tests in {' and '.join(wanted)} only")
    return launch(name)


# -- devices without a browser


@pytest.fixture
def connect_virtual_device(
    push_service: PushServiceProcess,
) -> Iterator[Callable[[], VirtualDevice]]:
    """Makes any number of them: `devices = [connect_virtual_device() for _ in range(200)]`."""
    from push_service.testing.virtual_device import VirtualDevice

    devices: list[VirtualDevice] = []

    def connect() -> VirtualDevice:
        device = VirtualDevice(push_service.http)
        device.connect()
        devices.append(device)
        return device

    yield connect
    for device in devices:
        device.disconnect()


@pytest.fixture
def virtual_device(connect_virtual_device: Callable[[], VirtualDevice]) -> VirtualDevice:
    """A device without a browser, connected to `push_service`."""
    return connect_virtual_device()
