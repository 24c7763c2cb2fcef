"""Reads the app's journal (client, service worker, app server) and waits for what shall happen.
The push service's own is read by `push_service.testing.journal`."""

import time
from bisect import bisect_right
from collections.abc import Callable
from threading import Event as Pause
from typing import Any, TypeVar

from e2e.http import Visitor

T = TypeVar("T")
#: Seconds between two looks at first. What has taken long may be seen a little later: a busy
#: machine gets busier when it is asked often.
LOOK = 0.05
LATER = 0.15  # of the time that it has taken
SELDOM = 0.5


class DidNotHappenError(AssertionError):
    """The awaited thing did not come; the text says what came instead."""


def wait_until(look: Callable[[], T | None], what: str, timeout: float = 10.0) -> T:
    """What `look` returns, once that is not None or False. Raises DidNotHappenError."""
    begin = time.monotonic()
    pause = Pause()
    while not (found := look()):
        passed = time.monotonic() - begin
        if passed > timeout:
            raise DidNotHappenError(f"{what}: not within {timeout:g} s")
        pause.wait(min(max(LOOK, LATER * passed), SELDOM))
    return found


class AppJournal:
    """The journal of a lab, of all its runs; the lab secret opens it. What was read once is kept:
    events are only ever added."""

    def __init__(self, url: str, secret: str) -> None:
        self._visitor = Visitor(url, bearer=secret)
        self._known: list[dict[str, Any]] = []

    def cursor(self) -> int:
        """A mark: pass it as `after`, and only what happens from here on counts."""
        self._read_on()
        return self._last_id

    def events(
        self, kind: str | None = None, *, after: int = 0, **match: object
    ) -> list[dict[str, Any]]:
        """What has happened, in order. `match` names fields of the event or of its `detail`."""
        self._read_on()
        begin = bisect_right(self._known, after, key=lambda event: int(event["id"]))
        return [event for event in self._known[begin:] if _matches(event, kind, match)]

    def wait_for(
        self, kind: str, *, after: int = 0, timeout: float = 30.0, **match: object
    ) -> dict[str, Any]:
        """The first such event, which may be in the journal already. Raises DidNotHappenError."""
        return self.wait_for_count(1, kind, after=after, timeout=timeout, **match)[0]

    def wait_for_count(
        self, count: int, kind: str, *, after: int = 0, timeout: float = 30.0, **match: object
    ) -> list[dict[str, Any]]:
        """At least `count` such events. Raises DidNotHappenError."""

        def look() -> list[dict[str, Any]] | None:
            found = self.events(kind, after=after, **match)
            return found if len(found) >= count else None

        try:
            return wait_until(look, kind, timeout)
        except DidNotHappenError as error:
            happened = self.events(after=after)[-30:]
            seen = [f"  {event['kind']}: {event['summary']}" for event in happened]
            raise DidNotHappenError(
                f"{error} {match or ''}; the app's journal has:\n"
                + "\n".join(seen or ["  nothing"])
            ) from None

    @property
    def _last_id(self) -> int:
        return int(self._known[-1]["id"]) if self._known else 0

    def _read_on(self) -> None:
        """Page by page, since one answer is limited."""
        while events := self._page(self._last_id):
            self._known += events

    def _page(self, after: int) -> list[dict[str, Any]]:
        answer = self._visitor.call("GET", f"/api/lab/journal?after={after}")
        if answer.status != 200:
            raise DidNotHappenError(f"the app's journal answers {answer.status}: {answer.text}")
        events: list[dict[str, Any]] = answer.json()["events"]
        return events


def _matches(event: dict[str, Any], kind: str | None, match: dict[str, object]) -> bool:
    if kind is not None and event["kind"] != kind:
        return False
    return all(_value(event, name) == value for name, value in match.items())


def _value(event: dict[str, Any], name: str) -> object:
    value = event.get(name)
    return value if value is not None else (event["detail"] or {}).get(name)
