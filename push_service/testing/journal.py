"""Reads a push service's journal: what happened there, and waits for what shall happen.

Used by PushServiceProcess and by tests, on plain threads. While one thread waits, Playwright's
synchronous interface delivers no events in that thread; browsers carry on regardless.
"""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from push_service.journal import Event


class JournalTimeoutError(AssertionError):
    """The awaited event did not come; the text lists what did."""


#: How long the push service may take to answer at all.
CONNECT_SECONDS = 10.0


class JournalClient:
    """The journal of the push service at `url` (`http://host:port`), started with `--lab`.

    `secret` is the lab secret, or a run token that limits what is seen. Whoever names no cursor
    sees what came after `beginning`.
    """

    def __init__(self, url: str, secret: str, *, beginning: int = 0) -> None:
        self._address = urlsplit(url).netloc
        self._secret = secret
        self._beginning = beginning

    def cursor(self) -> int:
        """A mark: pass it as `after`, and only what happens from here on counts."""
        return int(self._fetch(0)["cursor"])

    def events(self, kind: str | None = None, *, after: int = 0, **match: object) -> list[Event]:
        """What has happened, in order.

        `match` names fields of the event, or entries of its `detail`, and the values they must
        have: `events("message.acknowledged", token=token, code=101)`.
        """
        return [event for event in self._all(after) if _matches(event, kind, match)]

    def wait_for(
        self, kind: str, *, after: int = 0, timeout: float = 10.0, **match: object
    ) -> Event:
        """The first such event, which may be in the journal already. `timeout` in seconds.

        Raises JournalTimeoutError.
        """
        for event in self.follow(after=after, timeout=timeout):
            if _matches(event, kind, match):
                return event
        seen = "\n".join(f"  {event.kind}: {event.summary}" for event in self._all(after)[-30:])
        wanted = "".join(f" {name}={value!r}" for name, value in match.items())
        raise JournalTimeoutError(
            f"no {kind}{wanted} within {timeout:g} s; the push service's journal has:\n"
            + (seen or "  nothing")
        )

    def follow(self, *, after: int = 0, timeout: float = 10.0) -> Iterator[Event]:
        """All events above `after`, as they come, until `timeout` seconds have passed."""
        deadline = time.monotonic() + timeout
        with closing(self._connect()) as connection:
            response = self._request(connection, after, "text/event-stream")
            while (left := deadline - time.monotonic()) > 0:
                connection.sock.settimeout(max(left, 0.001))  # 0 would mean: do not wait at all
                try:
                    line = response.readline()
                except TimeoutError:
                    return
                if not line:
                    raise ConnectionError("the push service ended the journal's stream")
                if line.startswith(b"data: "):  # "data:" alone is an `alive`
                    yield Event(**json.loads(line[5:]))

    def _all(self, after: int) -> list[Event]:
        """Page by page, since one answer is limited."""
        found: list[Event] = []
        while True:
            page = self._fetch(after)
            found += [Event(**event) for event in page["events"]]
            if not page["events"]:
                return found
            after = found[-1].id

    def _fetch(self, after: int) -> dict[str, Any]:
        with closing(self._connect()) as connection:
            response = self._request(connection, after, "application/json")
            page: dict[str, Any] = json.load(response)
            return page

    def _connect(self) -> HTTPConnection:
        return HTTPConnection(self._address, timeout=CONNECT_SECONDS)

    def _request(self, connection: HTTPConnection, after: int, accept: str) -> HTTPResponse:
        headers = {"Authorization": f"Bearer {self._secret}", "Accept": accept}
        after = after or self._beginning
        connection.request("GET", f"/lab/journal?after={after}", headers=headers)
        response = connection.getresponse()
        if response.status != 200:
            raise HTTPException(f"the journal answers {response.status}: {response.read()!r}")
        return response


def _matches(event: Event, kind: str | None, match: dict[str, object]) -> bool:
    if kind is not None and event.kind != kind:
        return False
    return all(_value(event, name) == value for name, value in match.items())


def _value(event: Event, name: str) -> object:
    return getattr(event, name) if hasattr(event, name) else event.detail.get(name)
