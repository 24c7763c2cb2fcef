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
from push_service.testing import programs
from push_service.testing.journal import JournalClient, JournalTimeoutError
from push_service.testing.links import Links
from push_service.testing.notifications import (
    ChromiumScreen,
    FirefoxScreen,
    NotificationError,
    Screen,
    ShownNotification,
)

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, BrowserType, Page, Playwright

LINK_SECONDS = 40.0
NOTIFICATION_SECONDS = 20.0


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
        self._screen: Screen | None = None
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
        began = time.time()
        self._context = self._launch()
        self._screen = self._watch(self._context, began)

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
        links = Links(self._push_service.journal, self.title, after=self._mark)
        links.only = self._find_user_agent(endpoint)
        if not links.wait(timeout):
            raise JournalTimeoutError(f"{self.title} is not linked after {timeout:g} s")
        self._user_agent = min(links.up)
        return self._user_agent

    def notifications(self) -> list[ShownNotification]:
        """What is on the screen now. In Firefox, what the site in the first tab shows; it closes a
        notification after 20 seconds."""
        return self._running_screen.shown()

    def wait_for_notification(
        self, *, timeout: float = NOTIFICATION_SECONDS, **match: object
    ) -> ShownNotification:
        """Wait until such a notification is on the screen.

        `match` names fields of ShownNotification and the values they must have: `title="Hello"`.
        `timeout` is in seconds. Raises NotificationError.
        """
        found = self._running_screen.find(match, timeout)
        if found is None:
            raise self._notification_error(f"no notification{_text(match)} within {timeout:g} s")
        return found

    def expect_no_notification(self, *, seconds: float = 1.0, **match: object) -> None:
        """Watch the screen for so long. Raises NotificationError at once when such a notification
        is there.

        Time proves little. What is sent to one subscription arrives in order: send another one,
        wait for that, and then look with `seconds=0`.
        """
        if self._running_screen.find(match, seconds) is not None:
            raise self._notification_error(f"there is a notification{_text(match)}")

    @property
    def _running_screen(self) -> Screen:
        if self._context is None or self._screen is None:
            raise RuntimeError(f"{self.title} is not running")
        return self._screen

    def _notification_error(self, what: str) -> NotificationError:
        shown = "\n".join(f"  {each}" for each in self.notifications()) or "  nothing"
        events = self._push_service.journal.events()[-10:]
        journal = "\n".join(f"  {event.kind}: {event.summary}" for event in events) or "  nothing"
        return NotificationError(
            f"{what}; on the screen:\n{shown}\nthe push service's journal ends with:\n{journal}"
        )

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

    def _watch(self, context: "BrowserContext", began: float) -> Screen:
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

    def _watch(self, context: "BrowserContext", began: float) -> Screen:
        return ChromiumScreen(context, began)

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

    def _watch(self, context: "BrowserContext", began: float) -> Screen:
        return FirefoxScreen(context)


BROWSERS: dict[str, type[PushBrowser]] = {"chromium": Chromium, "firefox": Firefox}


def _text(match: dict[str, object]) -> str:
    return "".join(f" {name}={value!r}" for name, value in match.items())
