"""What a browser shows. Used by browsers.

A page can ask with `getNotifications()`. Firefox answers that at any time. Chromium, asked while a
notification is just being shown, forgets it: the notification stays on the screen, but no page will
ever see it again. So Chromium is not asked; its developer tools tell.
"""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, CDPSession, Page

POLL_MILLISECONDS = 50

_SERVICE = {"service": "notifications"}
_RECORD = {**_SERVICE, "shouldRecord": True}

_GET_NOTIFICATIONS = """async () => {
  const shown = [];
  for (const registration of await navigator.serviceWorker.getRegistrations()) {
    shown.push(...await registration.getNotifications());
  }
  return shown.map(({ title, body, tag }) => ({ title, body, tag, origin: location.origin }));
}"""


class NotificationError(AssertionError):
    """The awaited notification is not shown, or an unwanted one is; the text says what is, and
    what the push service did last."""


@dataclass(frozen=True)
class ShownNotification:
    """A notification on the screen, of the site `origin`."""

    title: str
    body: str
    tag: str
    origin: str


class Screen(ABC):
    """The notifications of one browser, from its launch to its end."""

    @abstractmethod
    def shown(self) -> list[ShownNotification]:
        """Those that are shown now."""

    @abstractmethod
    def wait(self) -> None:
        """For a moment in which the browser may go on, and Playwright's events are handled."""

    def find(self, match: dict[str, object], seconds: float) -> ShownNotification | None:
        """The first that matches; None when there has been none for so long."""
        deadline = time.monotonic() + seconds
        while True:
            for notification in self.shown():
                if all(getattr(notification, name) == value for name, value in match.items()):
                    return notification
            if time.monotonic() > deadline:
                return None
            self.wait()


class FirefoxScreen(Screen):
    """Asks a page: one of the site must be open."""

    def __init__(self, context: "BrowserContext") -> None:
        self._context = context

    def shown(self) -> list[ShownNotification]:
        from playwright.sync_api import Error

        try:
            found: list[dict[str, str]] = self._page.evaluate(_GET_NOTIFICATIONS)
        except Error as error:
            if "context was destroyed" in str(error):  # it is on its way to another page
                return []
            raise
        return [ShownNotification(**each) for each in found]

    def wait(self) -> None:
        self._page.wait_for_timeout(POLL_MILLISECONDS)

    @property
    def _page(self) -> "Page":
        for page in self._context.pages:
            if page.url.startswith("http"):
                return page
        raise RuntimeError(
            "in Firefox only a page of the site sees its notifications: open one in a tab first"
        )


class ChromiumScreen(Screen):
    """Listens to the developer tools. `since` is when the browser was launched: the record is kept
    with the profile, and what was shown before is on the screen no more."""

    def __init__(self, context: "BrowserContext", since: float) -> None:
        self._context = context
        self._since = since
        self._shown: list[ShownNotification] = []
        self._attach()

    def shown(self) -> list[ShownNotification]:
        if self._page.is_closed():
            self._attach()
        self._session.send("BackgroundService.setRecording", _RECORD)  # what came until now is in
        return list(self._shown)

    def wait(self) -> None:
        self._page.wait_for_timeout(POLL_MILLISECONDS)

    def _attach(self) -> None:
        """By any tab; the record begins anew with what it has seen since `since`."""
        pages = self._context.pages
        self._page: Page = pages[0] if pages else self._context.new_page()
        self._session: CDPSession = self._context.new_cdp_session(self._page)
        self._shown.clear()
        self._session.on("BackgroundService.backgroundServiceEventReceived", self._on_event)
        self._session.send("BackgroundService.setRecording", _RECORD)
        self._session.send("BackgroundService.startObserving", _SERVICE)

    def _on_event(self, told: dict[str, Any]) -> None:
        event = told["backgroundServiceEvent"]
        if event["timestamp"] < self._since:
            return
        text = {entry["key"]: entry["value"] for entry in event["eventMetadata"]}
        url = urlsplit(event["origin"])
        origin, tag = f"{url.scheme}://{url.netloc}", event["instanceId"]
        match event["eventName"]:
            case "Notification displayed":
                if tag:  # it takes the place of the one before (Notifications API §2.7)
                    self._remove(origin, tag)
                self._shown.append(ShownNotification(text["Title"], text["Body"], tag, origin))
            case "Notification closed":
                self._remove(origin, tag)

    def _remove(self, origin: str, tag: str) -> None:
        """Those without a tag are alike to Chromium: the oldest goes."""
        for notification in self._shown:
            if (notification.origin, notification.tag) == (origin, tag):
                self._shown.remove(notification)
                return
