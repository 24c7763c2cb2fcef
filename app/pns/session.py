"""What one connection was sent and has acknowledged, without socket, clock or database. Driven by
`pns.node` and its parts, each of which asks or tells it something and writes what it answers.

The window is the only flow control: whatever the backlog, at most WINDOW notifications are on their
way to a device, and acknowledgements open it again. So replay, ring and sweep are one routine:
`wants` says what to read, `on_pulled` what to send.

    dirty --wants()--> pulling --on_pulled()--> clean, or dirty again when there may be more

One of each of these values is made per delivery: they are not frozen, for that costs twice as much.
Nobody changes them all the same.
"""

from dataclasses import dataclass

from app.pns import wire

WINDOW = 64


@dataclass(slots=True)
class Want:
    """Read this device's pending rows with `seq` above `after`, at most `limit` of them."""

    connection_id: str
    after: int
    limit: int


@dataclass(slots=True)
class Row:
    """A pending row: what is to be sent. `seq` is its key among those of its device."""

    notification_id: str
    seq: int


@dataclass(slots=True)
class Pulled:
    """The answer to a Want: rows in order of `seq`, and whether there may be more behind them.
    `read_to`: the last `seq` that was read, also of a row that stood for nothing any more."""

    rows: tuple[Row, ...] = ()
    more: bool = False
    read_to: int = 0


@dataclass(slots=True)
class Acknowledged:
    """Rows to delete, and expired ones that need not be told again."""

    rows: tuple[Row, ...]
    expired: int


class PnsSession:
    """One WebSocket's conversation. Nothing of it outlives the socket: what is not acknowledged is
    still pending, and the next socket begins at the first of it."""

    __slots__ = (
        "_expired_count",
        "_expired_told",
        "_full_since",
        "_goal",
        "_replay_sent",
        "_replayed",
        "_unacknowledged",
        "connection_id",
        "dirty",
        "pulling",
        "sent_seq",
    )

    def __init__(self, connection_id: str, *, last_seq: int, expired_count: int) -> None:
        """`last_seq`: the user's newest when the record was taken over; replay ends there."""
        self.connection_id = connection_id
        self._expired_count = expired_count
        self.dirty = True
        self.pulling = False
        self.sent_seq = 0
        #: When the window became full, by the clock of whoever calls `stalled`.
        self._full_since: float | None = None
        self._goal = last_seq
        self._replay_sent = 0
        self._replayed = False
        self._expired_told = 0
        self._unacknowledged: dict[str, Row] = {}

    @property
    def room(self) -> int:
        return WINDOW - len(self._unacknowledged)

    @property
    def is_due(self) -> bool:
        """True when a pull would find out something and may send it."""
        return self.dirty and not self.pulling and self.room > 0

    def wants(self) -> Want:
        """What to read now. Clears `dirty` before the query, so that a ring during it is not lost;
        one pull at a time, so that no row is sent twice."""
        self.dirty = False
        self.pulling = True
        return Want(self.connection_id, self.sent_seq, self.room)

    def on_pull_failed(self) -> None:
        self.pulling = False
        self.dirty = True

    def on_pulled(self, pulled: Pulled) -> str | None:
        """The rows are sent now. Returns the frame to send behind them: `replayed`, once, as soon
        as everything that waited at hello is sent."""
        self.pulling = False
        self.dirty = self.dirty or pulled.more
        self._unacknowledged |= {row.notification_id: row for row in pulled.rows}
        self.sent_seq = max(self.sent_seq, pulled.read_to)
        if self._replayed:
            return None
        self._replay_sent += sum(row.seq <= self._goal for row in pulled.rows)
        return self._end_replay() if self.sent_seq >= self._goal or not pulled.more else None

    def _end_replay(self) -> str:
        self._replayed = True
        self._expired_told = self._expired_count
        return wire.replayed(self._replay_sent, self._expired_count)

    def on_ack(self, ack: wire.Ack) -> Acknowledged:
        """What of it is true: ids that were sent on this socket and not acknowledged before, and
        no more expired ones than were told. The rest is ignored: it costs no query."""
        found = [self._unacknowledged.pop(one, None) for one in ack.notification_ids]
        known = tuple(row for row in found if row is not None)
        if known:
            self._full_since = None
        expired = min(ack.expired, self._expired_told)
        self._expired_told -= expired
        return Acknowledged(known, expired)

    def stalled(self, now: float, patience: float) -> bool:
        """True when the window was full and nothing was acknowledged for `patience` seconds; asked
        at each sweep."""
        if self.room > 0:
            self._full_since = None
            return False
        if self._full_since is None:
            self._full_since = now
        return now - self._full_since >= patience
