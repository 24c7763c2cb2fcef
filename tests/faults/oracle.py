"""What must be true when the storm is over, judged from what the API answered, what each device
saw, and what is left in the database. Pure: a wrong world can be made by hand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Promised:
    """A notification that was answered 201, and the devices that its user had all the while from
    before the request: each of them has to get it."""

    notification_id: str
    user_id: int
    due_to: frozenset[str]


@dataclass(slots=True)
class Seen:
    """What one device was sent, in the order in which it showed it. `gone`: it signed out."""

    connection_id: str
    user_id: int
    shown: list[tuple[int, str]] = field(default_factory=list)
    gone: bool = False

    @property
    def ids(self) -> set[str]:
        return {notification_id for _seq, notification_id in self.shown}


@dataclass(frozen=True, slots=True)
class Left:
    """What the database says at the end: devices with the incarnation that holds them, how much is
    pending for whom, the numbers each user's notifications have, and who lives."""

    records: Mapping[str, str | None]
    pending: Mapping[str, int]
    numbers: Mapping[int, Sequence[int]]
    last_numbers: Mapping[int, int]
    living: frozenset[str]


def judge(promised: Sequence[Promised], seen: Mapping[str, Seen], left: Left) -> Iterator[str]:
    """A sentence for each broken promise; none, when all is well."""
    yield from _lost(promised, seen)
    for device in seen.values():
        yield from _out_of_order(device)
    yield from _left_over(seen, left)
    yield from _gaps(left)


def _lost(promised: Sequence[Promised], seen: Mapping[str, Seen]) -> Iterator[str]:
    for one in promised:
        for connection_id in one.due_to:
            device = seen[connection_id]
            if not device.gone and one.notification_id not in device.ids:
                yield f"{one.notification_id} never came to {connection_id}"


def _out_of_order(device: Seen) -> Iterator[str]:
    numbers = [seq for seq, _id in device.shown]
    if numbers != sorted(set(numbers)):
        yield f"{device.connection_id} showed something twice, or out of order: {numbers[:50]}"


def _left_over(seen: Mapping[str, Seen], left: Left) -> Iterator[str]:
    here = {connection_id for connection_id, device in seen.items() if not device.gone}
    for connection_id in left.records.keys() - here:
        yield f"{connection_id} is a ghost: nobody has this device"
    for connection_id in here - left.records.keys():
        yield f"{connection_id} has lost its record"
    for connection_id, node_uri in left.records.items():
        if node_uri is not None and node_uri not in left.living:
            yield f"{connection_id} is said to be held by {node_uri}, which is dead"
    for connection_id, count in left.pending.items():
        if count:
            yield f"{count} are still pending for {connection_id}"


def _gaps(left: Left) -> Iterator[str]:
    for user_id, numbers in left.numbers.items():
        if sorted(numbers) != list(range(1, left.last_numbers[user_id] + 1)):
            yield f"the numbers of user {user_id} have gaps: {sorted(numbers)[:50]}"
