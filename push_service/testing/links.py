"""Whether a push service can reach a browser, by what its journal says. Used by browsers."""

import time

from push_service.journal import Event
from push_service.testing.journal import JournalClient

# Chromium drops the first connection of a new device some milliseconds after it has logged in, and
# opens the one that stays.
SETTLE_SECONDS = 0.25


class Links:
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
