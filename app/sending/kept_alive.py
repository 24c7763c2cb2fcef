"""Connections between two requests, so that the next one to the same origin needs no handshake.
Called by transport, from many threads or greenlets at a time."""

import threading
import time
from collections import OrderedDict, deque

from app.sending.connection import Connection, Origin

#: Origins whose connections are kept.
ORIGINS = 64
#: One that was idle for longer is not used: most servers have closed it by then (seconds).
IDLE_SECONDS = 60.0

#: The connections of one origin, the one used last at the end, each with the time of that.
Idle = deque[tuple[float, Connection]]


class KeptAlive:
    """At most `per_origin` idle connections for each of the origins that were used last."""

    def __init__(self, per_origin: int) -> None:
        self._per_origin = per_origin
        self._idle: OrderedDict[Origin, Idle] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, origin: Origin) -> Connection | None:
        """One that may still be open; it is the caller's now."""
        with self._lock:
            idle = self._idle.get(origin)
            if not idle:
                return None
            since, connection = idle.pop()
        if time.monotonic() - since < IDLE_SECONDS:
            return connection
        connection.close()
        return None

    def give(self, origin: Origin, connection: Connection) -> None:
        """Keep one whose last answer was read to its end."""
        too_many: list[tuple[float, Connection]] = []
        with self._lock:
            idle = self._idle.setdefault(origin, deque())
            self._idle.move_to_end(origin)
            idle.append((time.monotonic(), connection))
            if len(idle) > self._per_origin:
                too_many.append(idle.popleft())
            if len(self._idle) > ORIGINS:
                too_many += self._idle.popitem(last=False)[1]
        _close(too_many)

    def close(self) -> None:
        with self._lock:
            all_of_them = [one for idle in self._idle.values() for one in idle]
            self._idle.clear()
        _close(all_of_them)


def _close(connections: list[tuple[float, Connection]]) -> None:
    for _since, connection in connections:
        connection.close()
