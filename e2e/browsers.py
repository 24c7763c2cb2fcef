"""Browsers for the tests, launched once per test process and cleaned between tests: a fresh profile
costs seconds, and what a test leaves behind in an old one can be swept out in a tenth of one."""

from pathlib import Path

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Playwright

from e2e.device import QUIET_PAGE, Device
from e2e.lab import Lab
from push_service.testing.browsers import BROWSERS, PushBrowser

#: The session is ended at the server too: a late answer could bring a deleted cookie back.
FORGET = """async () => {
  const session = await fetch("/api/session").then((answer) => answer.json());
  if (session.connection_id) {
    await fetch(`/api/devices/${session.connection_id}`, { method: "DELETE" });
  }
  for (const registration of await navigator.serviceWorker.getRegistrations()) {
    const subscription = await registration.pushManager.getSubscription();
    await subscription?.unsubscribe();
    await registration.unregister();
  }
  const stores = await indexedDB.databases();
  await Promise.all(stores.map(({ name }) => new Promise((done) => {
    const deleting = indexedDB.deleteDatabase(name);
    deleting.onsuccess = deleting.onerror = deleting.onblocked = done;
  })));
  await Promise.all((await caches.keys()).map((name) => caches.delete(name)));
  localStorage.clear();
}"""


class BrowserPool:
    """Browsers of one lab by name and number: number 1 is a second device beside number 0."""

    def __init__(self, playwright: Playwright, lab: Lab, profiles: Path) -> None:
        self._playwright = playwright
        self._lab = lab
        self._profiles = profiles
        self._browsers: dict[tuple[str, int], PushBrowser] = {}

    def device(self, name: str, number: int = 0) -> Device:
        """A device that knows nothing of what was before; it may show notifications. No window of
        it is open, or one that shows the quiet page."""
        browser = self._browsers.get((name, number))
        if browser is None:
            browser = self.fresh(name, f"{name}-{number}", allowed=True)
            self._browsers[name, number] = browser
        else:
            self._sweep(browser)
        return Device(self._lab, browser)

    def fresh(self, name: str, profile: str, *, allowed: bool) -> PushBrowser:
        """A browser on a new profile; whoever calls closes it."""
        browser = BROWSERS[name](
            self._playwright,
            self._lab.push_service,
            self._profiles / profile,
            origins=[self._lab.url] if allowed else [],
        )
        browser.launch()
        return browser

    def close(self) -> None:
        for browser in self._browsers.values():
            browser.close()

    def _sweep(self, browser: PushBrowser) -> None:
        try:
            page = _only_page(browser)
        except (PlaywrightError, RuntimeError):  # the last test closed or killed it
            browser.relaunch()
            page = _only_page(browser)
        browser.context.set_offline(False)
        browser.context.unroute_all(behavior="ignoreErrors")
        page.goto(self._lab.url + QUIET_PAGE)
        page.evaluate(FORGET)
        browser.context.clear_cookies()


def _only_page(browser: PushBrowser) -> Page:
    """A new tab, the old ones closed: nothing that they had been told is left."""
    page = browser.context.new_page()
    for old in browser.context.pages:
        if old is not page:
            old.close()
    return page
