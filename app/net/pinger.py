"""One sweeper pings all sockets of a process. Owned by `pns.node`."""

import gevent

from app.net.websocket import WebSocket

#: Sockets between two looks at the other greenlets.
YIELD_EVERY = 200


class Pinger:
    """Every `interval` seconds each silent socket gets a Ping; a socket that stays silent for two
    intervals is dead and is ended."""

    def __init__(self, interval: float = 25.0) -> None:
        self._interval = interval
        self._sockets: set[WebSocket] = set()
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def add(self, websocket: WebSocket) -> None:
        self._sockets.add(websocket)

    def discard(self, websocket: WebSocket) -> None:
        self._sockets.discard(websocket)

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None

    def sweep(self) -> None:
        """One turn over all sockets."""
        for number, websocket in enumerate(list(self._sockets), 1):
            websocket.ping()
            if number % YIELD_EVERY == 0:
                gevent.sleep(0)

    def _run(self) -> None:
        while True:
            gevent.sleep(self._interval)
            self.sweep()
