"""Stock Chromium and Firefox, wired to a push service of ours. Used by the fixtures and by tests.

    with sync_playwright() as playwright, Chromium(playwright, push_service, profile) as browser:
        browser.grant("http://127.0.0.1:8000")
        browser.page.goto("http://127.0.0.1:8000")  # a page that subscribes
        browser.wait_until_linked()  # from here on messages arrive at once
        browser.wait_for_notification(title="Hello")
        browser.relaunch()  # closed, and started again on the same profile

The browsers are those of the system (`PUSHLAB_CHROMIUM` and `PUSHLAB_FIREFOX` name others, see
programs); where there are none, Playwright's own. Playwright itself is brought by whoever calls.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self
from urllib.parse import urlsplit

from push_service.browser_wiring import chromium_flags, firefox_preferences
from push_service.journal import Event
from push_service.testing import programs
from push_service.testing.journal import JournalClient, JournalTimeoutError
from push_service.testing.notifications import Screen, ShownNotification

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, BrowserType, Page, Playwright

LINK_SECONDS = 40.0
NOTIFICATION_SECONDS = 20.0

# Chromium drops the first connection of a new device some milliseconds after it has logged in, and
# opens the one that stays.
SETTLE_SECONDS = 0.25


class PushService(Protocol):
    """What a browser has to know of its push service: a PushServiceProcess knows it."""

    @property
    def http(self) -> str:
        """Origin, such as `http://127.0.0.1:41237`."""

    @property
    def mcs(self) -> str:
        """Host and port of the MCS socket."""

    @property
    def spki(self) -> str:
        """Base64 of the SHA-256 of that socket's key."""

    @property
    def journal(self) -> JournalClient: ...


class PushBrowser:
    """A browser on a profile of its own; use `Chromium` or `Firefox`.

    `profile` is a folder; `origins` are those that may show notifications from the first moment
    on. `options` go to Playwright's `launch_persistent_context` (`headless`, `viewport`, ...): in
    Chromium push works in a persistent context only.
    """

    name: ClassVar[str]
    title: ClassVar[str]  # as the push service's journal calls it
    kind: ClassVar[programs.Kind]
    lock: ClassVar[str]  # the link in the profile that names the process

    def __init__(
        self,
        playwright: "Playwright",
        push_service: PushService,
        profile: Path,
        *,
        origins: Iterable[str] = (),
        **options: Any,
    ) -> None:
        self.profile = profile
        self._playwright = playwright
        self._push_service = push_service
        self._origins = list(origins)
        self._options = options
        self._context: BrowserContext | None = None
        self._mark = 0  # the push service's journal when we were launched
        self._user_agent: str | None = None

    def __enter__(self) -> Self:
        self.launch()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def context(self) -> "BrowserContext":
        """Playwright's context: a new one after each launch."""
        if self._context is None:
            raise RuntimeError(f"{self.title} is not running")
        return self._context

    @property
    def page(self) -> "Page":
        """The browser's first tab."""
        return self.context.pages[0] if self.context.pages else self.context.new_page()

    @property
    def pid(self) -> int:
        """The browser's main process, as the lock in the profile names it."""
        target = str((self.profile / self.lock).readlink())
        return int(target.replace("+", "-").rpartition("-")[2])

    def launch(self) -> None:
        """Start it. Origins that were granted notifications have them before a message can come."""
        self.profile.mkdir(parents=True, exist_ok=True)
        self._mark = self._push_service.journal.cursor()
        self._context = self._launch()

    def close(self) -> None:
        """End it as its user would. Harmless twice."""
        context, self._context = self._context, None
        if context is not None:
            context.close()

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        context, self._context = self.context, None
        with context.expect_event("close"):
            os.kill(self.pid, signal.SIGKILL)

    def relaunch(self) -> None:
        """Close it, if it runs, and start it again on the same profile."""
        self.close()
        self.launch()

    def grant(self, origin: str) -> None:
        """Let this origin show notifications, now and after each relaunch."""
        if origin not in self._origins:
            self._origins.append(origin)
        self.context.grant_permissions(["notifications"], origin=origin)

    def wait_until_linked(
        self, endpoint: str | None = None, *, timeout: float = LINK_SECONDS
    ) -> str:
        """Wait until the push service can reach this browser; the browser's name in its journal.

        Chromium opens the link with its first subscription, and `subscribe()` succeeds without it;
        Firefox opens it when it starts. Where several browsers use one push service, name one of
        this browser's endpoints. A link that broke within ten seconds of its beginning takes
        Chromium up to 30 s to mend. `timeout` is in seconds.

        Raises JournalTimeoutError.
        """
        links = _Links(self._push_service.journal, self.title, after=self._mark)
        links.only = self._find_user_agent(endpoint)
        if not links.wait(timeout):
            raise JournalTimeoutError(f"{self.title} is not linked after {timeout:g} s")
        self._user_agent = min(links.up)
        return self._user_agent

    def notifications(self) -> list[ShownNotification]:
        """What the site in the first tab shows now. Firefox closes a notification after 20 s."""
        return self._screen().shown()

    def wait_for_notification(
        self, *, timeout: float = NOTIFICATION_SECONDS, **match: object
    ) -> ShownNotification:
        """Wait until the site in the first tab shows such a notification.

        `match` names fields of ShownNotification and the values they must have: `title="Hello"`.
        `timeout` is in seconds. Raises NotificationError.
        """
        return self._screen().wait_for(match, timeout)

    def expect_no_notification(self, *, seconds: float = 1.0, **match: object) -> None:
        """Watch the site in the first tab for so long. Raises NotificationError at once when it
        shows such a notification.

        Time proves little. What is sent to one subscription arrives in order: send another one,
        wait for that, and then look with `seconds=0`.
        """
        self._screen().expect_none(match, seconds)

    def _screen(self) -> Screen:
        page = next((page for page in self.context.pages if page.url.startswith("http")), None)
        if page is None:
            raise RuntimeError(
                "only a page of the site can see its notifications: open one in this browser first"
            )
        return Screen(page, self._push_service.journal)

    def _find_user_agent(self, endpoint: str | None) -> str | None:
        if endpoint is None:
            return self._user_agent
        token = urlsplit(endpoint).path.rpartition("/")[2]
        created = self._push_service.journal.events("subscription.created", token=token)
        # The journal ends with the push service's process; what we once knew still holds.
        return created[0].user_agent if created else self._user_agent

    def _program(self, browser_type: "BrowserType") -> dict[str, Any]:
        """The options that choose the program; none when the caller has chosen."""
        if {"channel", "executable_path"} & self._options.keys():
            return {}
        own = Path(browser_type.executable_path)
        return programs.choose(self.kind, os.environ, shutil.which, own)

    def _launch(self) -> "BrowserContext":
        raise NotImplementedError


class Chromium(PushBrowser):
    """Chromium, Chrome or a relative of theirs."""

    name = "chromium"
    title = "Chromium"
    kind = programs.CHROMIUM
    lock = "SingletonLock"

    def _launch(self) -> "BrowserContext":
        self._seed_permissions()
        push_service = self._push_service
        flags = chromium_flags(push_service.http, push_service.mcs, push_service.spki)
        options = {**self._options, "args": [*flags, *self._options.get("args", ())]}
        chromium = self._playwright.chromium
        return chromium.launch_persistent_context(
            self.profile, **self._program(chromium), **options
        )

    def _seed_permissions(self) -> None:
        """Write them into the profile, as if the user had given them.

        What Playwright grants lasts until the browser ends. A message that comes before it is
        granted again makes Chromium destroy the subscription.
        """
        file = self.profile / "Default" / "Preferences"
        preferences = json.loads(file.read_text()) if file.exists() else {}
        node = preferences
        for name in ("profile", "content_settings", "exceptions", "notifications"):
            node = node.setdefault(name, {})
        for origin in self._origins:
            node[f"{origin},*"] = {"setting": 1}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(preferences))


class Firefox(PushBrowser):
    """Firefox, as released or with extended support."""

    name = "firefox"
    title = "Firefox"
    kind = programs.FIREFOX
    lock = "lock"

    def _launch(self) -> "BrowserContext":
        preferences = firefox_preferences(self._push_service.http)
        preferences |= self._options.get("firefox_user_prefs", {})
        options = {**self._options, "firefox_user_prefs": preferences}
        firefox = self._playwright.firefox
        context = firefox.launch_persistent_context(
            self.profile, **self._program(firefox), **options
        )
        for origin in self._origins:  # Firefox writes them into the profile
            context.grant_permissions(["notifications"], origin=origin)
        return context


BROWSERS: dict[str, type[PushBrowser]] = {"chromium": Chromium, "firefox": Firefox}


class _Links:
    """Which connections of a browser stand, by what the journal says. `only`: this user agent's."""

    def __init__(self, journal: JournalClient, title: str, *, after: int) -> None:
        self.up: set[str] = set()
        self.only: str | None = None
        self._journal = journal
        self._title = title
        self._cursor = after
        self._new_device = False

    def wait(self, timeout: float) -> bool:
        """Until one stands that is likely to last; False when the time is up first."""
        for event in self._journal.events(after=self._cursor):
            self._see(event)
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            if self.up and not (self._new_device and self._follow(SETTLE_SECONDS)):
                return True
            self._follow(left)
        return False

    def _follow(self, timeout: float) -> bool:
        """Read on until something has changed; False when nothing has in that time."""
        before = set(self.up)
        for event in self._journal.follow(after=self._cursor, timeout=timeout):
            self._see(event)
            if self.up != before:
                return True
        return False

    def _see(self, event: Event) -> None:
        self._cursor = event.id
        if event.detail.get("browser") != self._title or event.user_agent is None:
            return
        if self.only not in (None, event.user_agent):
            return
        match event.kind:
            case "device.checked_in":
                self._new_device = True
            case "user_agent.connected":
                self.up.add(event.user_agent)
            case "user_agent.disconnected":
                self.up.discard(event.user_agent)
