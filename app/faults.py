"""Named fault switches (W-12). Any layer above calls `reach("point")` where a process may die or
fail; outside lab mode, and while a point is not armed, that does nothing."""

import os
import signal
import threading
from dataclasses import dataclass
from typing import Literal

Kind = Literal["crash", "fail", "hold"]

#: Every point there is, and what has happened when a process comes there.
POINTS: dict[str, str] = {
    "subscribe.before_store": "POST /api/subscribe arrived and nothing is stored yet",
    "create.before_commit": "a notification is in its transaction, not yet committed",
    "create.after_commit": "a notification is committed; nobody was told yet",
    "sender.before_send": "an outbox row is claimed and committed; nothing was sent yet",
    "sender.after_send": "the push service answered; the outcome is not stored yet",
    "node.before_send": "pending rows were read; nothing is written to the socket yet",
    "node.after_send": "a notification was written to the socket; no acknowledgement yet",
    "node.before_ack": "an acknowledgement arrived; the pending row is still there",
}


class InjectedFault(RuntimeError):
    """What an armed `fail` point raises."""


@dataclass(slots=True)
class Armed:
    """A switch that is on. `times` counts down; None means until disarmed."""

    kind: Kind
    times: int | None
    released: threading.Event


class Faults:
    """The switches of one process."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._armed: dict[str, Armed] = {}

    def arm(self, point: str, kind: Kind = "fail", times: int | None = 1) -> None:
        """Switch `point` on. KeyError: there is no such point; RuntimeError: not in lab mode."""
        if not self._enabled:
            raise RuntimeError("faults can be armed in lab mode only")
        if point not in POINTS:
            raise KeyError(point)
        self.disarm(point)
        self._armed[point] = Armed(kind, times, threading.Event())

    def disarm(self, point: str) -> None:
        """Switch `point` off and let go whoever is held there."""
        armed = self._armed.pop(point, None)
        if armed:
            armed.released.set()

    def armed(self) -> dict[str, Armed]:
        return dict(self._armed)

    def reach(self, point: str) -> None:
        """Called by the code at `point`: does what was armed there, mostly nothing."""
        if not self._armed:
            return
        armed = self._armed.get(point)
        if armed is None:
            return
        self._count_down(point, armed)
        if armed.kind == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif armed.kind == "hold":
            armed.released.wait()
        else:
            raise InjectedFault(f"fault {point} is switched on")

    def _count_down(self, point: str, armed: Armed) -> None:
        if armed.times is None or armed.kind == "hold":
            return
        armed.times -= 1
        if armed.times <= 0:
            self._armed.pop(point, None)
