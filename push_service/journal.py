"""What happened, in order, kept in memory for whoever learns or tests. `reporter` writes, the lab
face reads.

The journal outlives nothing: it is evidence about this process. Event numbers never fall, also
across restarts (they start at the time of day in microseconds), so a reader's cursor stays valid.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

HISTORY = 5000


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal. `step` is the place in the ten-step workflow, where it has one."""

    id: int
    at: float
    actor: str
    kind: str
    step: int | None
    token: str | None
    user_agent: str | None
    message_id: str | None
    summary: str
    detail: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Journal:
    """The last `history` events, and a way to wait for the next one."""

    def __init__(self, clock: Callable[[], float] = time.time, history: int = HISTORY) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=history)
        self._cursor = int(clock() * 1_000_000)
        self._news = threading.Condition()

    def write(
        self,
        kind: str,
        summary: str,
        *,
        step: int | None = None,
        token: str | None = None,
        user_agent: str | None = None,
        message_id: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> Event:
        with self._news:
            self._cursor += 1
            event = Event(
                id=self._cursor,
                at=self._clock(),
                actor="push-service",
                kind=kind,
                step=step,
                token=token,
                user_agent=user_agent,
                message_id=message_id,
                summary=summary,
                detail=detail or {},
            )
            self._events.append(event)
            self._news.notify_all()
        return event

    @property
    def cursor(self) -> int:
        """The number of the newest event; `after(cursor)` gives what comes later."""
        return self._cursor

    def after(self, cursor: int, limit: int = 500) -> list[Event]:
        """The oldest kept events above the cursor, at most `limit`."""
        newer = self._cursor - cursor
        if newer <= 0:
            return []
        # Numbers have no gaps, so the place in the deque is known without a search.
        start = max(0, len(self._events) - newer)
        return list(islice(self._events, start, start + limit))

    def wait(self, cursor: int, timeout: float) -> bool:
        """Until there is an event above the cursor; False when the time is up first."""
        with self._news:
            # Not `_cursor`: a reader may bring its cursor from before a restart, below our first.
            return self._news.wait_for(lambda: self._last() > cursor, timeout)

    def _last(self) -> int:
        return self._events[-1].id if self._events else 0
