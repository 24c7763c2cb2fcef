"""One device's WebSocket sessions against its pending rows, in any order of events."""

import json

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.pns.session import WINDOW, PnsSession, Pulled, Row
from app.pns.wire import Ack
from tests.fuzz.cases import stories


class Delivery(RuleBasedStateMachine):  # P-8 P-9 P-11
    """Rows are created, expire, are pulled (a query takes its time), acknowledged, sent again."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: list[int] = []
        self.newest = 0
        self.expired = 0

    @initialize(waiting=st.integers(0, 150))
    def begin(self, waiting: int) -> None:
        self.create(waiting)
        self.connect()

    @rule()
    def connect(self) -> None:
        """A new socket; whatever the former one was about to do is forgotten."""
        self.session = PnsSession("c", last_seq=self.newest, expired_count=self.expired)
        self.due_at_hello, self.told = set(self.pending), self.expired
        self.reading: Pulled | None = None
        self.sent: list[int] = []
        self.acknowledged: set[int] = set()
        self.replayed = 0
        self.rung = False

    @rule(count=st.integers(1, 100))
    def create(self, count: int) -> None:
        self.pending += range(self.newest + 1, self.newest + count + 1)
        self.newest += count

    @rule()
    def ring(self) -> None:
        self.session.dirty = True
        self.rung = True

    @rule(count=st.integers(1, 30))
    def expire(self, count: int) -> None:
        gone, self.pending = self.pending[:count], self.pending[count:]
        self.due_at_hello -= set(gone)
        self.expired += len(gone)

    @precondition(lambda self: self.session.is_due)
    @rule()
    def begin_pull(self) -> None:
        want = self.session.wants()
        self.rung = False
        assert 0 < want.limit <= WINDOW
        found = [seq for seq in self.pending if seq > want.after][: want.limit]
        rows = tuple(Row(str(seq), seq) for seq in found)
        self.reading = Pulled(rows, len(rows) == want.limit, found[-1] if found else 0)

    @precondition(lambda self: self.reading)
    @rule()
    def end_pull(self) -> None:
        assert self.reading is not None
        behind = self.session.on_pulled(self.reading)
        assert self.session.dirty or not (self.rung or self.reading.more)
        self.sent += [row.seq for row in self.reading.rows]
        self.reading = None
        if behind is not None:
            self.end_replay(json.loads(behind))

    def end_replay(self, frame: dict[str, object]) -> None:
        assert (frame["type"], frame["expired"]) == ("replayed", self.told)
        assert self.due_at_hello <= set(self.sent)
        self.replayed += 1

    @precondition(lambda self: self.reading)
    @rule()
    def fail_pull(self) -> None:
        self.session.on_pull_failed()
        self.reading = None
        assert self.session.dirty

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        """Some of what was sent, some of it again, and something that never was."""
        chosen = data.draw(st.lists(st.sampled_from(self.sent), max_size=80))
        known = self.session.on_ack(Ack((*map(str, chosen), "nobody's"))).rows
        gone = [row.seq for row in known]
        assert set(gone) == set(chosen) - self.acknowledged
        assert len(gone) == len(set(gone))
        self.acknowledged |= set(gone)
        self.pending = [seq for seq in self.pending if seq not in self.acknowledged]

    @rule(claimed=st.integers(0, 200))
    def acknowledge_expired(self, claimed: int) -> None:
        known = self.session.on_ack(Ack(expired=claimed)).expired
        assert known <= (self.told if self.replayed else 0)
        self.told -= known

    @invariant()
    def window_holds(self) -> None:
        if hasattr(self, "session"):
            on_their_way = set(self.sent) - self.acknowledged
            assert len(on_their_way) <= WINDOW
            assert self.session.room == WINDOW - len(on_their_way)

    @invariant()
    def no_row_comes_twice_or_late(self) -> None:
        sent = getattr(self, "sent", [])
        assert sent == sorted(set(sent))
        assert getattr(self, "replayed", 0) <= 1

    def teardown(self) -> None:
        """A device that reads and acknowledges gets everything, and the replay ends."""
        if not hasattr(self, "session"):
            return
        for _ in range(len(self.pending) // WINDOW + 3):
            if self.reading is not None:
                self.end_pull()
            self.acknowledge_all()
            self.ring()
            self.begin_pull()
        self.end_pull()
        self.acknowledge_all()
        assert self.pending == []
        assert self.replayed == 1

    def acknowledge_all(self) -> None:
        self.session.on_ack(Ack(tuple(map(str, self.sent))))
        self.acknowledged |= set(self.sent)
        self.pending = [seq for seq in self.pending if seq not in self.acknowledged]


def test_session_keeps_to_its_model() -> None:  # P-8 P-9 P-11
    run_state_machine_as_test(Delivery, settings=stories(share=2))
