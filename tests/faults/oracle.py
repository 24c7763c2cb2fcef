"""What must be true when the storm is over, judged from what the API answered, what each device
saw, and what is left in the database. Pure: a wrong world can be made by hand."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Promised:
    """A notification that was answered 201, and the devices that its user had all the while from
    before the request: each of them has to get it. `by_ring`: it was made while no node swept."""

    notification_id: str
    user_id: int
    due_to: frozenset[str]
    by_ring: bool = False


@dataclass(slots=True)
class Seen:
    """What one device was sent, in the order in which it showed it. `gone`: it signed out."""

    connection_id: str
    user_id: int
    shown: list[tuple[int, str]] = field(default_factory=list)
    gone: bool = False
    #: The incarnation that said hello last.
    node: str | None = None
    #: Numbers that came a second time, or behind a later one, on one connection.
    repeated: list[int] = field(default_factory=list)
    #: Incarnations that sent it away since its record did not name them any more.
    let_go_by: list[str] = field(default_factory=list)
    told_expired: int = 0
    #: What came while no node swept.
    rung: frozenset[str] = frozenset()
    #: What came by Web Push; None: it has no push subscription.
    pushed: set[str] | None = None

    @property
    def ids(self) -> set[str]:
        return {notification_id for _seq, notification_id in self.shown}

    def has_by_push(self, notification_id: str) -> bool:
        """False when that is still to be wished for."""
        return self.gone or self.pushed is None or notification_id in self.pushed


@dataclass(frozen=True, slots=True)
class Record:
    """A device in the registry: the incarnation that holds it, the user's newest `seq` when it was
    made, and how many expired notifications it was not told of yet."""

    node_uri: str | None
    since: int = 0
    expired_count: int = 0

    @property
    def node(self) -> str | None:
        """As a hello names it."""
        return self.node_uri and re.split("[/#]", self.node_uri)[-1]


@dataclass(frozen=True, slots=True)
class Left:
    """What the database says at the end: devices, the numbers that are pending for them, the
    numbers each user's notifications have, and who lives. `expired` by user and number; the storm
    itself let them expire."""

    records: Mapping[str, Record]
    pending: Mapping[str, Sequence[int]]
    numbers: Mapping[int, Sequence[int]]
    last_numbers: Mapping[int, int]
    living: frozenset[str]
    expired: Mapping[tuple[int, int], str] = field(default_factory=dict)


def judge(promised: Sequence[Promised], seen: Mapping[str, Seen], left: Left) -> Iterator[str]:
    """A sentence for each broken promise; none, when all is well."""
    here = {one: device for one, device in seen.items() if not device.gone}
    yield from _lost(promised, here, frozenset(left.expired.values()))
    for device in seen.values():
        yield from _out_of_order(device)
        yield from _let_go(device, left.living)
    yield from _gaps(left)
    yield from _ghosts(here, left)
    for one in here.keys() & left.records.keys():
        yield from _stale(here[one], left)
        yield from _account(here[one], left)


def _lost(
    promised: Sequence[Promised], here: Mapping[str, Seen], expired: frozenset[str]
) -> Iterator[str]:
    shown = {connection_id: device.ids for connection_id, device in here.items()}
    for one in promised:
        due = [] if one.notification_id in expired else [here[c] for c in one.due_to if c in here]
        for device in due:
            where = f"{one.notification_id} never came to {device.connection_id}"
            if one.notification_id not in shown[device.connection_id]:
                yield where
            if not device.has_by_push(one.notification_id):
                yield f"{where} by Web Push"
            if one.by_ring and one.notification_id not in device.rung:
                yield f"{one.notification_id} came to {device.connection_id} by no ring"


def _out_of_order(device: Seen) -> Iterator[str]:
    numbers = [seq for seq, _id in device.shown]
    if numbers != sorted(set(numbers)):
        yield f"{device.connection_id} showed something twice, or out of order: {numbers[:50]}"
    if device.repeated:
        yield f"{device.connection_id} got numbers again on one connection: {device.repeated[:50]}"


def _let_go(device: Seen, living: frozenset[str]) -> Iterator[str]:
    """A node that others took for dead has begun anew since: no name of it lives on."""
    names = {Record(node_uri).node for node_uri in living}
    for node in device.let_go_by:
        if node in names:
            yield f"{device.connection_id} lost its record although {node} lives and held it"


def _gaps(left: Left) -> Iterator[str]:
    for user_id, last in left.last_numbers.items():
        expired = {seq for user, seq in left.expired if user == user_id}
        all_numbers = expired.union(left.numbers.get(user_id, ()))
        if sorted(all_numbers) != list(range(1, last + 1)):
            yield f"the numbers of user {user_id} have gaps: {sorted(all_numbers)[:50]}"


def _ghosts(here: Mapping[str, Seen], left: Left) -> Iterator[str]:
    for connection_id in left.records.keys() - here.keys():
        yield f"{connection_id} is a ghost: nobody has this device"
    for connection_id in here.keys() - left.records.keys():
        yield f"{connection_id} has lost its record"


def _stale(device: Seen, left: Left) -> Iterator[str]:
    record = left.records[device.connection_id]
    if record.node_uri is not None and record.node_uri not in left.living:
        yield f"{device.connection_id} is said to be held by {record.node_uri}, which is dead"
    if record.node != device.node:
        yield f"{device.connection_id} talks to {device.node}; its record says {record.node}"


def _account(device: Seen, left: Left) -> Iterator[str]:
    """Created = acknowledged + pending + expired, for this device."""
    record = left.records[device.connection_id]
    created = set(range(record.since + 1, left.last_numbers[device.user_id] + 1))
    acknowledged = {seq for seq, _id in device.shown}
    pending = set(left.pending.get(device.connection_id, ()))
    lost = created - acknowledged - pending
    expired = {seq for user_id, seq in left.expired if user_id == device.user_id}
    if pending:
        yield f"{len(pending)} are still pending for {device.connection_id}"
    told = device.told_expired + record.expired_count
    if not lost <= expired:
        yield (
            f"{device.connection_id}: {len(created)} created, but {len(acknowledged)} acknowledged"
            f" + {len(pending)} pending + {len(lost & expired)} expired"
        )
    elif len(lost) > told:
        yield f"{device.connection_id} lost {len(lost)} to expiry, and was told of {told}"
