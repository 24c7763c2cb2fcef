"""pytest fixtures of the harness; pytest loads this module through its entry point.

It imports nothing but pytest until a fixture is used. To test your own Web Push:

    def test_my_push(push_service, push_browser, my_site):
        push_browser.grant(my_site)
        push_browser.page.goto(my_site)
        ...
        push_browser.wait_until_linked()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Playwright

    from push_service.testing.browsers import PushBrowser
    from push_service.testing.push_service_process import PushServiceProcess
    from push_service.testing.virtual_device import VirtualDevice


@pytest.fixture
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServiceProcess]:
    """A push service of this test's own: HTTP, https, MCS and its journal."""
    from push_service.testing.push_service_process import PushServiceProcess

    with PushServiceProcess(tmp_path_factory.mktemp("push-service"), tls=True) as process:
        yield process


@pytest.fixture(scope="session")
def push_playwright(request: pytest.FixtureRequest) -> Iterator[Playwright]:
    """Playwright, synchronous: that of pytest-playwright where it is installed."""
    if request.config.pluginmanager.hasplugin("playwright"):
        yield request.getfixturevalue("playwright")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def push_origins() -> list[str]:
    """Origins that may show notifications in the browsers; override it with your site's."""
    return []


@pytest.fixture
def launch_push_browser(
    push_playwright: Playwright,
    push_service: PushServiceProcess,
    push_origins: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., PushBrowser]]:
    """Launches browsers: `launch_push_browser("firefox", **options of Playwright)`.

    Each has a profile of its own, and is closed when the test ends.
    """
    from push_service.testing.browsers import BROWSERS

    browsers: list[PushBrowser] = []

    def launch(name: str, **options: object) -> PushBrowser:
        profile = tmp_path_factory.mktemp(name)
        browser = BROWSERS[name](
            push_playwright, push_service, profile, origins=push_origins, **options
        )
        browser.launch()
        browsers.append(browser)
        return browser

    yield launch
    for browser in browsers:
        browser.close()


@pytest.fixture
def chromium(launch_push_browser: Callable[..., PushBrowser]) -> PushBrowser:
    """Chromium, wired to `push_service`."""
    return launch_push_browser("chromium")


@pytest.fixture
def firefox(launch_push_browser: Callable[..., PushBrowser]) -> PushBrowser:
    """Firefox, wired to `push_service`."""
    return launch_push_browser("firefox")


@pytest.fixture(params=["chromium", "firefox"])
def push_browser(
    request: pytest.FixtureRequest, launch_push_browser: Callable[..., PushBrowser]
) -> PushBrowser:
    """Each browser in turn: the test runs twice."""
    return launch_push_browser(request.param)


@pytest.fixture
def virtual_device(push_service: PushServiceProcess) -> Iterator[VirtualDevice]:
    """A device without a browser, connected to `push_service`."""
    from push_service.testing.virtual_device import VirtualDevice

    with VirtualDevice(push_service.http) as device:
        yield device
