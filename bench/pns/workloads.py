"""The workloads W1 to W5, each a function of a running target that returns its figures. CPU-seconds
are those of the server's whole process tree; `client_share` is this process's CPU per second."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, sleep

from bench.measuring import Figures, quantile, resident_bytes
from bench.pns.fleet import Device, Fleet, Publisher
from bench.pns.ours import Pushlab
from bench.pns.target import Target

BODY = "x" * 150  # with what is around it a message has some 200 bytes
#: Seconds without a change of more than a tick that count as idle.
IDLE = 0.3


class Measured:
    """What a stretch of time cost; ends when the server has finished its work."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._server, self._client = target.cpu_seconds(), _own_cpu()
        self._begun = perf_counter()

    def stop_clock(self) -> None:
        self.seconds = perf_counter() - self._begun
        self._client = _own_cpu() - self._client

    def settle(self) -> None:
        """The work is over when everything that was acknowledged is stored as such."""
        self._target.settle()
        self.cpu = max(0.001, self._target.cpu_seconds() - self._server)

    def figures(self) -> Figures:
        return {
            "seconds": self.seconds,
            "cpu_seconds": self.cpu,
            "server_share": self.cpu / self.seconds,
            "client_share": self._client / self.seconds,
        }


@contextmanager
def measured(target: Target) -> Iterator[Measured]:
    one = Measured(target)
    yield one
    one.stop_clock()
    one.settle()


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def fleet_of(target: Target, on_frame: Callable[[Device, bytes], None]) -> Iterator[Fleet]:
    """All of the target's devices, connected."""
    fleet = Fleet(target.port)
    try:
        fleet.open_all(target.handshakes(), on_frame, is_ready=target.is_ready)
        yield fleet
    finally:
        fleet.close()


def _publisher(target: Target, fleet: Fleet) -> Publisher:
    publisher = target.publisher()
    fleet.add(publisher)
    return publisher


class Receiving:
    """Counts deliveries, times them, and acknowledges as the target's client does."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.count = 0
        self.posted_at = 0.0
        self.latencies: list[float] = []

    def on_frame(self, device: Device, payload: bytes) -> None:
        if self._target.is_message(payload):
            self.count += 1
            self.latencies.append(perf_counter() - self.posted_at)
            self._target.acknowledge(device, payload)

    def percentiles(self) -> Figures:
        return _percentiles(self.latencies)


def _percentiles(seconds: list[float]) -> Figures:
    ordered = sorted(seconds)
    return {"p50_ms": quantile(ordered, 0.5) * 1e3, "p99_ms": quantile(ordered, 0.99) * 1e3}


def fan_out(target: Target, messages: int) -> Figures:
    """W1, and W1a where the target is durable: one user with many devices, in lock-step."""
    receiving = Receiving(target)
    with fleet_of(target, receiving.on_frame) as fleet:
        publisher = _publisher(target, fleet)
        _lock_step(target, fleet, publisher, receiving, 2)
        receiving.latencies.clear()
        with measured(target) as one:
            _lock_step(target, fleet, publisher, receiving, messages)
    deliveries = messages * target.each
    share = {"deliveries_per_cpu_second": deliveries / one.cpu}
    return share | receiving.percentiles() | one.figures()


def _lock_step(
    target: Target, fleet: Fleet, publisher: Publisher, receiving: Receiving, messages: int
) -> None:
    for _ in range(messages):
        expected = receiving.count + target.each
        receiving.posted_at = perf_counter()
        publisher.post(target.request(0, BODY), lambda: None)
        if not fleet.until(lambda: receiving.count >= expected):  # noqa: B023
            raise RuntimeError(f"{target.name}: {expected - receiving.count} were not delivered")


def one_by_one(target: Target, publishers: int, notifications: int) -> Figures:
    """W2: each POST is for one user, all of whose devices get it; latency until the last has."""
    notifications *= target.repeat
    posting = Posting(target, notifications)
    with fleet_of(target, posting.on_frame) as fleet:
        posting.know(fleet.devices)
        lines = [_publisher(target, fleet) for _ in range(publishers)]
        with measured(target) as one:
            for publisher in lines:
                posting.post_next(publisher)
            if not fleet.until(lambda: posting.missing == 0):
                raise RuntimeError(f"{target.name}: {posting.missing} were not delivered")
    return {
        "publishes_per_cpu_second": notifications / one.cpu,
        "publishes_per_second": notifications / one.seconds,
        **posting.percentiles(),
        **one.figures(),
    }


class Posting:
    """Notifications to one user after the other, and who still waits for which."""

    def __init__(self, target: Target, notifications: int) -> None:
        self._target = target
        self._requests = [target.request(user, BODY) for user in range(target.users)]
        self._left = iter(range(notifications))
        self._user_of: dict[Device, int] = {}
        self._posted = [0.0] * target.users
        self._devices_left = [0] * target.users
        self.missing = notifications
        self._latencies: list[float] = []

    def know(self, devices: list[Device]) -> None:
        """They were opened at once, so they are known by what they were opened with."""
        self._user_of = {device: device.number // self._target.each for device in devices}

    def post_next(self, publisher: Publisher) -> None:
        number = next(self._left, None)
        if number is not None:
            user = number % self._target.users
            self._posted[user] = perf_counter()
            self._devices_left[user] += self._target.each
            publisher.post(self._requests[user], lambda: self.post_next(publisher))

    def on_frame(self, device: Device, payload: bytes) -> None:
        if not self._target.is_message(payload):
            return
        self._target.acknowledge(device, payload)
        user = self._user_of[device]
        self._devices_left[user] -= 1
        if self._devices_left[user] % self._target.each == 0:
            self.missing -= 1
            self._latencies.append(perf_counter() - self._posted[user])

    def percentiles(self) -> Figures:
        return _percentiles(self._latencies)


def many_per_call(target: Pushlab, calls: int, at_once: int) -> Figures:
    """W2, many notifications in one POST."""
    receiving = Receiving(target)
    with fleet_of(target, receiving.on_frame) as fleet:
        publisher = _publisher(target, fleet)
        with measured(target) as one:
            for call in range(calls):
                start = call * at_once % target.users
                request = target.request_many(range(start, start + at_once), BODY)
                publisher.post(request, lambda: None)
                expected = (call + 1) * at_once * target.each
                if not fleet.until(lambda: receiving.count >= expected):  # noqa: B023
                    raise RuntimeError("not all were delivered")
    return {"notifications_per_cpu_second": calls * at_once / one.cpu} | one.figures()


def memory(target: Target) -> Figures:
    """W3: bytes per idle connection."""
    before = resident_bytes(target.process.pid)
    with fleet_of(target, lambda device, payload: None):
        sleep(IDLE)
        grown = resident_bytes(target.process.pid) - before
    return {"bytes_per_connection": grown / (target.users * target.each)}


def handshakes(target: Target) -> Figures:
    """W4: open all, 64 under way at once. Devices are known, as they are after their first day."""
    fleet = Fleet(target.port)
    with measured(target) as one:
        fleet.open_all(target.handshakes(), lambda device, payload: None, is_ready=target.is_ready)
    fleet.close()
    return {"handshakes_per_cpu_second": target.users * target.each / one.cpu} | one.figures()


def storm(target: Target, notifications: int, *, kill: bool = False) -> Figures:
    """W5: all hang up, notifications are created, all come back at once. With `kill` the server is
    killed (SIGKILL) and started again before they do."""
    receiving = Receiving(target)
    fleet = Fleet(target.port)
    fleet.open_all(target.handshakes(), receiving.on_frame, is_ready=target.is_ready)
    fleet.drop_devices()
    publisher = _publisher(target, fleet)
    for _ in range(notifications):
        publisher.post(target.request(0, BODY), lambda: None)
        fleet.until(lambda: publisher.idle)
    if kill:
        fleet.close()
        target.kill_and_restart()
        fleet = Fleet(target.port)
    wanted = notifications * target.each
    with measured(target) as one:
        fleet.open_all(
            target.handshakes(), receiving.on_frame, is_ready=target.is_ready, at_once=target.each
        )
        patience = 20.0 if target.durable else 0.5
        fleet.until(lambda: receiving.count >= wanted, patience)
    fleet.close()
    lost = max(0, wanted - receiving.count)
    return {"lost": lost, "repeated": max(0, receiving.count - wanted)} | one.figures()
