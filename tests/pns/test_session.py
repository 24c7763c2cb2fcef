"""One connection's state, against a model of its pending rows: no socket, no clock, no database."""

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pns.session import WINDOW, PnsSession, Pulled, Row
from app.pns.wire import Ack


def row(seq: int) -> Row:
    return Row(f"n{seq}", seq)


@dataclass
class Device:
    """A device's pending rows, and the session that delivers them."""

    pending: list[int] = field(default_factory=list)
    expired: int = 0
    received: list[int] = field(default_factory=list)
    replayed: list[dict[str, object]] = field(default_factory=list)

    def connect(self) -> PnsSession:
        last_seq = max(self.pending, default=0)
        return PnsSession("c", last_seq=last_seq, expired_count=self.expired)

    def pull(self, session: PnsSession) -> list[int]:
        """One turn, as the puller does it; returns what was sent."""
        if not session.is_due:
            return []
        want = session.wants()
        found = [seq for seq in self.pending if seq > want.after][: want.limit]
        read_to = found[-1] if found else want.after
        pulled = Pulled(tuple(map(row, found)), len(found) == want.limit, read_to)
        behind = session.on_pulled(pulled)
        self.received += found
        if behind:
            self.replayed.append(json.loads(behind))
        return found

    def acknowledge(self, session: PnsSession, *seqs: int) -> list[int]:
        gone = [row.seq for row in session.on_ack(Ack(tuple(f"n{seq}" for seq in seqs))).rows]
        self.pending = [seq for seq in self.pending if seq not in gone]
        return gone


def numbers(count: int) -> list[int]:
    return list(range(1, count + 1))


def test_new_connection_pulls_from_the_first_pending_row() -> None:  # P-9
    device = Device(pending=[3, 5, 9])
    assert device.pull(device.connect()) == [3, 5, 9]


def test_nothing_pending_is_replayed_at_once() -> None:  # P-9
    device = Device()
    device.pull(device.connect())
    assert device.replayed == [{"type": "replayed", "sent": 0, "expired": 0}]


def test_window_bounds_what_is_on_its_way() -> None:  # P-11
    device = Device(pending=numbers(200))
    session = device.connect()
    assert device.pull(session) == numbers(WINDOW)
    assert device.pull(session) == []
    device.acknowledge(session, 1, 2, 3)
    assert device.pull(session) == [65, 66, 67]


def test_ring_during_a_pull_is_not_lost() -> None:  # P-8
    device = Device()
    session = device.connect()
    session.wants()
    session.dirty = True  # the ring
    due_during = session.is_due
    session.on_pulled(Pulled())
    assert (due_during, session.is_due) == (False, True)  # one pull at a time, then another


def test_rows_that_stand_for_nothing_are_read_over() -> None:  # P-11
    session = Device().connect()
    session.wants()
    session.on_pulled(Pulled((), more=True, read_to=64))
    assert (session.is_due, session.wants().after) == (True, 64)


def test_acknowledged_rows_not_yet_deleted_do_not_come_twice() -> None:  # P-11
    device = Device(pending=[1, 2])
    session = device.connect()
    device.pull(session)
    session.on_ack(Ack(("n1", "n2")))  # the delete is still waiting for its batch
    session.dirty = True
    assert device.pull(session) == []


def test_failed_pull_is_tried_again() -> None:  # P-12
    device = Device(pending=[1])
    session = device.connect()
    session.wants()
    session.on_pull_failed()
    assert device.pull(session) == [1]


def test_replayed_tells_what_was_sent_once() -> None:  # P-9
    device = Device(pending=numbers(150), expired=2)
    session = device.connect()
    while sent := device.pull(session):
        device.acknowledge(session, *sent)
    assert device.received == numbers(150)
    assert device.replayed == [{"type": "replayed", "sent": 150, "expired": 2}]


def test_replay_ends_although_new_ones_keep_coming() -> None:  # P-9
    device = Device(pending=numbers(70))
    session = device.connect()
    device.pending += range(71, 300)
    sent = device.pull(session)
    assert device.replayed == []
    device.acknowledge(session, *sent)
    device.pull(session)
    assert device.replayed == [{"type": "replayed", "sent": 70, "expired": 0}]


def test_row_that_expires_before_it_is_sent_does_not_hold_replay_up() -> None:  # P-14
    device = Device(pending=[1, 2])
    session = device.connect()
    device.pending = [1]
    device.pull(session)
    assert device.replayed == [{"type": "replayed", "sent": 1, "expired": 0}]


def test_foreign_repeated_and_early_acks_cost_nothing() -> None:  # P-11
    device = Device(pending=numbers(100))
    session = device.connect()
    device.pull(session)
    assert session.on_ack(Ack(("somebody's", "n100"))).rows == ()
    assert device.acknowledge(session, 1, 1) == [1]
    assert device.acknowledge(session, 1) == []


def test_expired_can_be_acknowledged_as_often_as_it_was_told() -> None:  # P-14
    device = Device(expired=3)
    session = device.connect()
    assert session.on_ack(Ack(expired=3)).expired == 0  # not told yet
    device.pull(session)
    assert session.on_ack(Ack(expired=2)).expired == 2
    assert session.on_ack(Ack(expired=1_000_000)).expired == 1
    assert session.on_ack(Ack(expired=1)).expired == 0


def test_full_window_without_acks_is_stalled() -> None:  # P-11
    device = Device(pending=numbers(100))
    session = device.connect()
    assert not session.stalled(0, 30)
    device.pull(session)
    assert not session.stalled(100, 30)
    assert session.stalled(130, 30)
    device.acknowledge(session, 1)
    device.pull(session)
    assert not session.stalled(131, 30)  # it moves, slowly


def test_window_with_room_is_never_stalled() -> None:
    device = Device(pending=numbers(WINDOW - 1))
    session = device.connect()
    device.pull(session)
    assert not session.stalled(0, 30)
    assert not session.stalled(1000, 30)


@given(st.lists(st.sampled_from(["create", "ring", "pull", "ack", "drop"]), max_size=200))
def test_every_pending_row_arrives_in_order(actions: list[str]) -> None:  # P-11, P-12
    device = Device()
    session, created = device.connect(), 0
    for action in actions:
        if action == "create":
            created += 1
            device.pending.append(created)
        elif action == "ring":
            session.dirty = True
        elif action == "pull":
            device.pull(session)
        elif action == "ack" and device.received:
            device.acknowledge(session, device.received[-1])
        elif action == "drop":
            session, device.received = device.connect(), []
        assert device.received == sorted(set(device.received))  # in order, none twice
    session, device.received = device.connect(), []
    left = list(device.pending)
    while sent := device.pull(session):
        device.acknowledge(session, *sent)
    assert device.received == left
    assert device.pending == []
    assert len(device.replayed) >= 1


@pytest.mark.parametrize("room", [1, 63])
def test_pull_asks_for_no_more_than_fits(room: int) -> None:  # P-11
    device = Device(pending=numbers(200))
    session = device.connect()
    device.acknowledge(session, *device.pull(session)[:room])
    assert session.wants().limit == room
