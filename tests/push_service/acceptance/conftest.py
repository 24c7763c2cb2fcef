"""What the acceptance experiments stand on: one push service, one site and one tapped browser for
all tests of a module, which follow one another as a browser's days do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from push_service.testing.push_service_process import PushServiceProcess
from tests.push_service.acceptance.site import FILES
from tests.push_service.acceptance.wiretap import Wiretap
from tests.push_service.sending import Sender
from tests.push_service.testing.site import Site, serve_site

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

    from push_service.testing.browsers import Chromium, Firefox


@pytest.fixture(scope="module")
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServiceProcess]:
    with PushServiceProcess(tmp_path_factory.mktemp("push-service")) as process:
        yield process


@pytest.fixture(scope="module")
def sender(push_service: PushServiceProcess) -> Sender:
    return Sender(push_service)


@pytest.fixture(scope="module")
def wiretap(push_service: PushServiceProcess) -> Iterator[Wiretap]:
    wiretap = Wiretap(push_service)
    yield wiretap
    wiretap.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve_site(FILES) as site:
        yield site


@pytest.fixture(scope="module")
def tapped_chromium(
    push_playwright: "Playwright",
    wiretap: Wiretap,
    site: Site,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator["Chromium"]:
    from push_service.testing.browsers import Chromium

    profile = tmp_path_factory.mktemp("chromium")
    with Chromium(push_playwright, wiretap, profile, origins=[site.url]) as browser:
        yield browser


@pytest.fixture(scope="module")
def tapped_firefox(
    push_playwright: "Playwright",
    wiretap: Wiretap,
    site: Site,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator["Firefox"]:
    from push_service.testing.browsers import Firefox

    profile = tmp_path_factory.mktemp("firefox")
    with Firefox(push_playwright, wiretap, profile, origins=[site.url]) as browser:
        yield browser
