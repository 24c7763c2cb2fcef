"""Named fault switches (W-12). Any layer above calls `reach("point")` where a process may die or
fail: before or after a commit, a send, a ring. Outside lab mode, and while a point is not armed,
that does nothing.

A switch is on in one process (`arm`), or in whichever process of a lab comes there first: then it
is a file of the point's name in a folder that they share, which says `crash` or `hold`."""

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["crash", "fail", "hold"]

#: Every point there is, and what has happened when a process comes there.
POINTS: dict[str, str] = {
    "subscribe.before_store": "POST /api/subscribe arrived and nothing is stored yet",
    "subscribe.after_store": "the subscription is stored; the page does not know yet",
    "create.before_commit": "a notification is in its transaction, not yet committed",
    "create.after_commit": "a notification is committed; nobody was told yet",
    "create.after_ring": "its nodes are rung, or will be; the caller was not answered yet",
    "schedule.after_commit": "what was due became a notification; nobody was told yet",
    "expire.after_commit": "expired notifications are gone, and counted as lost",
    "signout.after_commit": "a device is signed out; the node that holds it was not told yet",
    "ringer.before_ring": "a ring waits for a node; nothing was sent yet",
    "ringer.after_ring": "the bus has taken the ring",
    "sender.before_send": "an outbox row is claimed and committed; nothing was sent yet",
    "sender.after_send": "the push service answered; the outcome is not stored yet",
    "sender.after_store": "the outcome is stored; nobody was told yet",
    "node.after_begin": "the incarnation has its row; it does not beat or sweep yet",
    "node.after_register": "the handshake made the device's record; no 101 was sent yet",
    "node.after_take_over": "the record is this node's; nothing was read or said yet",
    "node.after_ring": "a ring arrived; nothing was read yet",
    "node.before_send": "pending rows were read; nothing is written to the socket yet",
    "node.after_send": "a notification was written to the socket; no acknowledgement yet",
    "node.before_ack": "an acknowledgement arrived; the pending row is still there",
    "node.after_ack": "the acknowledged rows are gone",
    "node.after_release": "a device that left is offline",
    "node.before_sweep": "a sweep begins",
    "node.after_sweep": "the sweep found rows that nobody rang for; they are not read yet",
    "node.after_beat": "a heartbeat is committed",
    "node.after_end_silent": "silent nodes were ended, and their devices are offline",
}

#: Seconds between two looks whether a `hold` that is a file is over.
LOOK = 0.02


class InjectedFault(RuntimeError):
    """What an armed `fail` point raises."""


@dataclass(slots=True)
class Armed:
    """A switch that is on. `times` counts down; None means until disarmed."""

    kind: Kind
    times: int | None
    released: threading.Event


class Faults:
    """The switches of one process. `folder`: where those of all processes are."""

    def __init__(self, *, enabled: bool, folder: Path | None = None) -> None:
        self._enabled = enabled
        self._folder = folder if enabled else None
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
        if self._folder is not None:
            _reach_shared(self._folder / point)
        if not self._armed:
            return
        armed = self._armed.get(point)
        if armed is None:
            return
        self._count_down(point, armed)
        if armed.kind == "crash":
            _crash()
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


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _reach_shared(switch: Path) -> None:
    """A crash is for one process: the one that can take the file away. A hold is for all."""
    try:
        kind = switch.read_text()
        if kind == "crash":
            switch.unlink()
            _crash()
    except FileNotFoundError:
        return
    while kind == "hold" and switch.exists():
        time.sleep(LOOK)


#: Where no lab is.
OFF = Faults(enabled=False)
