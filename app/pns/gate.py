"""Lets handshakes through at a bounded rate: when a node died, all its devices come at once. A part
of `pns.node`."""

import math
import time
from collections.abc import Callable

import gevent

from app.errors import TryAgain


class Gate:
    """`rate` per second, after `burst` that need not wait. Whose turn would come later than in
    `patience` seconds is sent away: another node may have room.

    Those whose turns come within the same `portion` of a second go together, at its end: what they
    ask the database for is then shared, and a handshake costs a fifth less."""

    def __init__(
        self,
        rate: float = 1000.0,
        burst: int = 500,
        patience: float = 2.0,
        portion: float = 0.05,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 1 / rate
        self._saved = burst * self._interval
        self._patience = patience
        self._portion = portion
        self._now = now
        self._next = 0.0

    def enter(self) -> None:
        """Returns when it is the caller's turn. Raises TryAgain."""
        wait = self.take_turn()
        if wait > 0:
            gevent.sleep(wait)

    def take_turn(self) -> float:
        """How many seconds the caller has to wait for its turn. Raises TryAgain."""
        now = self._now()
        turn = max(self._next, now - self._saved)
        if turn - now > self._patience:
            raise TryAgain("Too many devices connect at once: come back in a moment.")
        self._next = turn + self._interval
        return self._end_of_portion(turn) - now if turn > now else 0.0

    def _end_of_portion(self, moment: float) -> float:
        return math.ceil(moment / self._portion) * self._portion
