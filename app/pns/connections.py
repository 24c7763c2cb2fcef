"""The map of one node: `connection_id` to WebSocket (P-6). Used by `pns.node` and its parts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from app.net.websocket import WebSocket
from app.pns.registry import Held
from app.pns.session import PnsSession


@dataclass(slots=True, eq=False)
class Connection:
    """A device that this node holds, the socket to it, and what was said over it."""

    held: Held
    websocket: WebSocket
    session: PnsSession
    connection_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.connection_id = self.held.connection_id


class Connections:
    """One socket per device; found by device and by user."""

    def __init__(self) -> None:
        self._by_id: dict[str, Connection] = {}
        self._by_user: dict[int, set[Connection]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Connection]:
        """All of them as they are now: the caller may yield to other greenlets."""
        return iter(list(self._by_id.values()))

    def get(self, connection_id: str) -> Connection | None:
        return self._by_id.get(connection_id)

    def of_users(self, user_ids: Iterable[int]) -> list[Connection]:
        return [one for user_id in user_ids for one in self._by_user.get(user_id, ())]

    def put(self, connection: Connection) -> Connection | None:
        """Returns the connection that has to give way: the one with the older epoch, which may be
        the given one when two handshakes of a device overtook each other."""
        known = self._by_id.get(connection.connection_id)
        if known is not None and known.held.epoch > connection.held.epoch:
            return connection
        if known is not None:
            self.remove(known)
        self._by_id[connection.connection_id] = connection
        self._by_user.setdefault(connection.held.user_id, set()).add(connection)
        return known

    def clear(self) -> list[Connection]:
        """Give up all of them, for good."""
        given_up = list(self._by_id.values())
        self._by_id.clear()
        self._by_user.clear()
        return given_up

    def remove(self, connection: Connection) -> bool:
        """False: it had given way to another one before, whose place stays untouched."""
        if self._by_id.get(connection.connection_id) is not connection:
            return False
        del self._by_id[connection.connection_id]
        others = self._by_user[connection.held.user_id]
        others.discard(connection)
        if not others:
            del self._by_user[connection.held.user_id]
        return True
