"""One run: some devices on a bad network, and a publisher that does not care."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from time import monotonic

import gevent
from gevent.event import Event

from bench.drops.device import Device
from bench.drops.servers import Server

#: Seconds in which nothing more arrives, before what is missing counts as lost.
QUIET = 3.0


@dataclass
class Outcome:
    """Of all devices together. `came_again`: sent again by the server, and not shown again."""

    due: int
    delivered: int
    shown_twice: int
    out_of_order: int
    came_again: int
    drops: int

    @property
    def percent(self) -> float:
        return 100 * self.delivered / self.due

    def line(self) -> str:
        return (
            f"{self.percent:.1f} % of {self.due} delivered, {self.shown_twice} shown twice,"
            f" {self.out_of_order} out of order, {self.came_again} sent again, {self.drops} drops"
        )


def run(server: Server, *, devices: int, seconds: float, rate: int, seed: int) -> Outcome:
    """Drops and notifications for so long; then the network stays, until nothing more comes."""
    fleet = [Device(server.user(number), Random(f"{seed}/{number}")) for number in range(devices)]
    calm = Event()
    lives = [gevent.spawn(device.live, calm) for device in fleet]
    gevent.wait([device.known for device in fleet])
    count = int(seconds * rate)
    _publish(server, count, rate)
    calm.set()
    _wait_until_quiet(fleet, count)
    gevent.killall(lives)
    return _judge(fleet, count)


def _publish(server: Server, count: int, rate: int) -> None:
    """From a thread, whatever happens to the devices meanwhile."""
    begun = monotonic()
    for number in range(count):
        gevent.get_hub().threadpool.apply(server.publish, (number,))
        gevent.sleep(max(0.0, begun + (number + 1) / rate - monotonic()))


def _wait_until_quiet(fleet: list[Device], count: int) -> None:
    """Until everything is there, or nothing more comes."""
    seen, since = -1, monotonic()
    while (arrived := sum(len(device.shown) for device in fleet)) < count * len(fleet):
        if arrived != seen:
            seen, since = arrived, monotonic()
        elif monotonic() - since > QUIET:
            return
        gevent.sleep(0.1)


def _judge(fleet: list[Device], count: int) -> Outcome:
    screens = [Counter(device.shown) for device in fleet]
    steps = [step for device in fleet for step in pairwise(device.shown)]
    return Outcome(
        due=count * len(fleet),
        delivered=sum(map(len, screens)),
        shown_twice=sum(screen.total() - len(screen) for screen in screens),
        out_of_order=sum(one > other for one, other in steps),
        came_again=sum(device.came_again for device in fleet),
        drops=sum(device.drops for device in fleet),
    )
