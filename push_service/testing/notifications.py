"""What a browser shows, asked from a page of the site, which sees its own site's notifications.

No browser tells anybody when a notification appears, so whoever waits asks again and again. Used
by browsers.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from push_service.testing.journal import JournalClient

if TYPE_CHECKING:
    from playwright.sync_api import Page

POLL_MILLISECONDS = 50

_SHOWN = """async () => {
  const shown = [];
  for (const registration of await navigator.serviceWorker.getRegistrations()) {
    shown.push(...await registration.getNotifications());
  }
  return shown.map(({ title, body, tag, data }) => ({ title, body, tag, data }));
}"""


class NotificationError(AssertionError):
    """The awaited notification is not shown, or an unwanted one is; the text says what is, and
    what the push service did last."""


@dataclass(frozen=True)
class ShownNotification:
    """A notification on the screen. `data` is what the worker gave `showNotification()`."""

    title: str
    body: str
    tag: str
    data: Any


class Screen:
    """The notifications of one page's site, as they are now."""

    def __init__(self, page: "Page", journal: JournalClient) -> None:
        self._page = page
        self._journal = journal

    def shown(self) -> list[ShownNotification]:
        return [ShownNotification(**found) for found in self._page.evaluate(_SHOWN)]

    def wait_for(self, match: dict[str, object], timeout: float) -> ShownNotification:
        """The first that matches. Raises NotificationError."""
        found = self._find(match, timeout)
        if found is None:
            raise self._error(f"no notification{_text(match)} within {timeout:g} s")
        return found

    def expect_none(self, match: dict[str, object], seconds: float) -> None:
        """Watch for so long. Raises NotificationError as soon as one that matches is shown."""
        if self._find(match, seconds) is not None:
            raise self._error(f"a notification{_text(match)} is shown")

    def _find(self, match: dict[str, object], seconds: float) -> ShownNotification | None:
        deadline = time.monotonic() + seconds
        while True:
            for notification in self._shown_unless_leaving():
                if all(getattr(notification, name) == value for name, value in match.items()):
                    return notification
            if time.monotonic() > deadline:
                return None
            # Not time.sleep: the page's own events must go on being handled.
            self._page.wait_for_timeout(POLL_MILLISECONDS)

    def _shown_unless_leaving(self) -> list[ShownNotification]:
        from playwright.sync_api import Error

        try:
            return self.shown()
        except Error as error:
            if "Execution context was destroyed" in str(error):  # it goes to another page
                return []
            raise

    def _error(self, what: str) -> NotificationError:
        shown = "\n".join(f"  {each}" for each in self._shown_unless_leaving()) or "  nothing"
        events = self._journal.events()[-10:]
        journal = "\n".join(f"  {event.kind}: {event.summary}" for event in events) or "  nothing"
        return NotificationError(
            f"{what}; the browser shows:\n{shown}\nthe push service's journal ends with:\n{journal}"
        )


def _text(match: dict[str, object]) -> str:
    return "".join(f" {name}={value!r}" for name, value in match.items())
