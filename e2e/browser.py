"""`./pushlab browser`: a window of a stock browser, wired to the running lab's push service, with a
profile that is kept. Run as `python -m e2e.browser`; ends when the window is closed."""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

import click
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

from e2e.lab import LabPushService
from push_service.testing.browsers import BROWSERS


@click.command()
@click.option("--browser", type=click.Choice(["chromium", "firefox"]))
@click.option("--running", type=click.Path(path_type=Path), required=True)
@click.option("--profiles", type=click.Path(path_type=Path), required=True)
@click.option("--url", required=True)
@click.option("--headless", is_flag=True, hidden=True, help="For tests: a window nobody sees.")
def main(browser: str | None, running: Path, profiles: Path, url: str, headless: bool) -> None:
    told = json.loads(running.read_text())
    secret = Path(told["lab_secret_file"]).read_text()
    name = browser or installed()
    with sync_playwright() as playwright:
        window = BROWSERS[name](
            playwright,
            LabPushService(told["push_service"], secret),
            profiles / name,
            headless=headless,
            no_viewport=True,
            chromium_sandbox=os.geteuid() != 0,  # which root cannot have
        )
        window.launch()
        with suppress(PlaywrightError):  # the user may close the window at any moment
            window.page.goto(url)
            window.context.wait_for_event("close", timeout=0)
        with suppress(PlaywrightError):
            window.close()


def installed() -> str:
    """The first browser that is on this machine."""
    for name, browser in BROWSERS.items():
        if any(map(shutil.which, browser.kind.programs)):
            return name
    raise click.ClickException("Neither Chromium nor Firefox is installed. Type:  make setup")


if __name__ == "__main__":
    main()
