"""One live connection of a browser: the window of what it was sent and has not acknowledged.

Made by the hub alone; the faces and sessions pull from it and acknowledge.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection as Transaction

from push_service import store
from push_service.cache import Cache
from push_service.database import Database
from push_service.faults import Faults
from push_service.model import Listener, Message, UserAgent
from push_service.reporter import Reporter

WINDOW = 64  # unacknowledged messages per connection
BATCH = 16  # messages per pull: what one slow socket may make us hold

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the hub and its connections work with."""

    database: Database
    reporter: Reporter
    faults: Faults
    clock: Callable[[], float]

    def run(
        self,
        work: Callable[Concatenate[Transaction, P], T],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        return self.database.run(work, *arguments, **named)


class Connection:
    """One live connection of a user agent. Made by `Hub.attach` only.

    One greenlet pulls, another acknowledges.
    """

    def __init__(
        self,
        parts: Parts,
        agent: UserAgent,
        listener: Listener,
        on_detach: Callable[["Connection", str], None],
    ) -> None:
        self.agent = agent
        self.listener = listener
        self._parts = parts
        self._on_detach = on_detach
        self._position = 0
        self._rewind = False
        self._dirty = True  # there may be something to pull
        self._unacknowledged: set[str] = set()  # message ids
        self._acknowledged: Cache[str, str] = Cache(2 * WINDOW)  # with tokens, for late nacks

    def pull(self) -> Sequence[Message]:
        """The next messages in order (at most BATCH); empty when there are none or the window is
        full. Each message comes once per connection. Call again until it is empty."""
        while self._dirty and (room := WINDOW - len(self._unacknowledged)) > 0:
            messages = self._next(min(room, BATCH))
            if fresh := [message for message in messages if self._is_due(message)]:
                self._unacknowledged.update(message.id for message in fresh)
                return fresh
        return ()

    def delivered(self, messages: Iterable[Message]) -> None:
        """The messages were written to the browser's socket (journal only)."""
        for message in messages:
            self._parts.reporter.delivered(message)

    def acknowledge(self, message_ids: Iterable[str], code: int | str) -> None:
        """The browser has these messages: they are removed. Returns when that is stored.
        `code` is Firefox's 100/101/102, or "stream"/"login" for Chromium. Unknown ids: ignored."""
        ids = list(dict.fromkeys(message_ids))
        removed = self._parts.run(store.acknowledge, self.agent.id, ids)
        # Looked at after the write, during which the other greenlet may have filled the window.
        full = len(self._unacknowledged) >= WINDOW
        for message_id in ids:
            self._unacknowledged.discard(message_id)
        for message_id, token in removed.items():
            self._acknowledged.put(message_id, token)
            self._parts.reporter.acknowledged(self.agent, message_id, token, code)
        if full:
            self.wake()

    def nacked(self, message_id: str, code: int) -> None:
        """Firefox's worker failed on a message it has already acknowledged (journal only)."""
        token = self._acknowledged.get(message_id)
        if token is not None:
            self._parts.reporter.nacked(self.agent, message_id, token, code)

    def wake(self) -> None:
        """There may be something to pull (again)."""
        self._dirty = True
        self.listener.wake()

    def rewind(self) -> None:
        """Look again at what was passed over."""
        self._rewind = True
        self.wake()

    def detach(self, why: str = "the socket closed") -> None:
        """The socket is gone. Harmless twice, and harmless when a newer one took over."""
        self._on_detach(self, why)

    def _next(self, count: int) -> list[Message]:
        if self._rewind:
            self._rewind = False
            self._position = 0
        # Before the query: what comes while it runs makes us dirty anew.
        self._dirty = False
        now = self._parts.clock()
        messages = self._parts.run(
            store.pull, self.agent.id, after=self._position, now=now, count=count
        )
        if messages:
            self._position = messages[-1].position
        if len(messages) == count:
            self._dirty = True
        return messages

    def _is_due(self, message: Message) -> bool:
        held = self._parts.faults.holds(message.subscription.token, message.draft.urgency)
        return not held and message.id not in self._unacknowledged
