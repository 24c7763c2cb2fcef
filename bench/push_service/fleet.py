"""Many devices and senders in one process, against one push service that may die on the way.

    python -m bench.push_service.fleet '{"url": "http://127.0.0.1:8000", "devices": 200,
                                         "messages": 20000, "senders": 16}'

It says on stdout, a JSON object a line, how many messages were accepted so far, and at last a
`Report`. Each device has one subscription, each subscription is served by one sender, in order.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from time import monotonic
from urllib.parse import urlsplit

from bench.push_service import device as devices
from bench.push_service import sender as senders
from bench.push_service.device import Device, DeviceSocket
from bench.push_service.sender import ApplicationServer

RETRY_SECONDS = 0.05
PROGRESS = 100  # accepted messages from one line of progress to the next


@dataclass(frozen=True)
class Plan:
    """`rate` is in messages per second; 0: as fast as the push service answers. Without `deliver`
    nobody subscribes, and messages go to `/push/<number>` of a server that only stores them."""

    url: str
    devices: int = 200
    messages: int = 20_000
    senders: int = 16
    rate: float = 0.0
    deliver: bool = True
    give_up_seconds: float = 20.0  # after the last message was posted


@dataclass(frozen=True)
class Report:
    """What became of the messages. Times in seconds, latencies in milliseconds."""

    accepted: int
    unanswered: int  # posted, but the push service died before it answered
    received: int
    lost: int  # accepted and never received
    unasked: int  # received, but neither accepted nor unanswered
    repeated: int
    twice: int
    disordered: int
    seconds: float
    client_cpu_seconds: float
    latencies_ms: list[float]  # from the first byte of the POST until the device had it


class Fleet:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        address = urlsplit(plan.url)
        self._plan = plan
        self._host, self._port = address.hostname or "", address.port or 80
        self._application = ApplicationServer()
        self._devices = [Device(number) for number in range(plan.devices)]
        self._accepted: dict[str, float] = {}  # message id -> when it was posted
        self._unanswered = 0
        self._count = 0
        self._finished = asyncio.Event()
        self._posted = False

    async def run(self) -> Report:
        keepers = await self._enter_all()
        _say(subscribed=len(keepers))
        began, cpu = monotonic(), _cpu_seconds()
        senders = self._plan.senders
        await asyncio.gather(*(self._send(number) for number in range(senders)))
        self._posted = True
        self._on_received()
        if self._plan.deliver:
            with suppress(TimeoutError):  # the report says what is missing
                await asyncio.wait_for(self._finished.wait(), self._plan.give_up_seconds)
        took, cpu = monotonic() - began, _cpu_seconds() - cpu
        for keeper in keepers:
            keeper.cancel()
        return self._report(took, cpu)

    # -- devices

    async def _enter_all(self) -> list[asyncio.Task[None]]:
        if not self._plan.deliver:
            for device in self._devices:
                device.endpoint = f"{self._plan.url}/push/{device.number}"
            return []
        sockets = await asyncio.gather(*(self._enter(device) for device in self._devices))
        pairs = zip(self._devices, sockets, strict=True)
        return [asyncio.create_task(self._keep(device, socket)) for device, socket in pairs]

    async def _enter(self, device: Device) -> DeviceSocket:
        socket = await devices.connect(device, self._host, self._port, self._on_received)
        await devices.subscribe(device, socket, self._application.key)
        return socket

    async def _keep(self, device: Device, socket: DeviceSocket) -> None:
        """Connect anew whenever the push service went away."""
        while True:
            await socket.lost
            try:
                socket = await devices.connect(device, self._host, self._port, self._on_received)
            except OSError:
                await asyncio.sleep(RETRY_SECONDS)

    def _on_received(self) -> None:
        if self._posted and self._missing() == 0:
            self._finished.set()

    def _missing(self) -> int:
        if sum(len(device.received) for device in self._devices) < len(self._accepted):
            return 1
        received = {one[0] for device in self._devices for one in device.received}
        return len(self._accepted.keys() - received)

    # -- senders

    async def _send(self, number: int) -> None:
        socket = await self._reach()
        began, plan = monotonic(), self._plan
        for turn, device in enumerate(self._turns(self._devices[number :: plan.senders])):
            if plan.rate:
                due = began + (turn * plan.senders + number) / plan.rate
                await asyncio.sleep(max(0.0, due - monotonic()))
            socket = await self._post(socket, device)
        socket.close()

    async def _post(self, socket: senders.SenderSocket, device: Device) -> senders.SenderSocket:
        """The connection to go on with."""
        self._count += 1
        request = self._application.build_request(device.endpoint, self._count)
        at = monotonic()
        try:
            answer = await socket.post(request)
        except ConnectionError:
            self._unanswered += 1
            return await self._reach()
        if answer.status != 201:
            raise AssertionError(f"the push service answers {answer.status}")
        self._accepted[answer.message_id] = at
        if len(self._accepted) % PROGRESS == 0:
            _say(accepted=len(self._accepted))
        return socket

    def _turns(self, share: list[Device]) -> Iterator[Device]:
        """The devices of a sender, over and over, until enough is accepted."""
        while True:
            for device in share:
                if len(self._accepted) + self._plan.senders > self._plan.messages:
                    return
                yield device

    async def _reach(self) -> senders.SenderSocket:
        while True:
            try:
                return await senders.connect(self._host, self._port)
            except OSError:
                await asyncio.sleep(RETRY_SECONDS)

    # -- the end

    def _report(self, took: float, cpu: float) -> Report:
        received = {one[0]: one[2] for device in self._devices for one in device.received}
        in_time = self._accepted.keys() & received.keys()
        return Report(
            accepted=len(self._accepted),
            unanswered=self._unanswered,
            received=len(received),
            lost=len(self._accepted.keys() - received.keys()),
            unasked=max(0, len(received.keys() - self._accepted.keys()) - self._unanswered),
            repeated=sum(device.repeated for device in self._devices),
            twice=sum(device.twice for device in self._devices),
            disordered=sum(_disorder(device) for device in self._devices),
            seconds=took,
            client_cpu_seconds=cpu,
            latencies_ms=sorted(1000 * (received[one] - self._accepted[one]) for one in in_time),
        )


def _say(**what: int) -> None:
    print(json.dumps(what), flush=True)


def _disorder(device: Device) -> int:
    """How many messages came after one that was posted later."""
    counts = [count for _, count, _ in device.received]
    return sum(later < earlier for earlier, later in pairwise(counts))


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _main(plan: Plan) -> Report:
    return await Fleet(plan).run()


if __name__ == "__main__":
    print(json.dumps({"report": asdict(asyncio.run(_main(Plan(**json.loads(sys.argv[1])))))}))
