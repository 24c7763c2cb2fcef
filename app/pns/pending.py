"""`pending_notifications`, as nodes use it: read what waits, delete what was acknowledged. Called
by `pns.puller`, `pns.acks` and `pns.sweep`."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, func, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from app.db import is_one_of
from app.models import NotificationData, PendingNotification, Registration
from app.pns.session import WINDOW, Pulled, Row, Want

#: The wants of one turn as one JSON parameter: however many connections are dirty, the statement is
#: the same.
WANTS = {
    "sqlite": """
      SELECT json_extract(value, '$[0]') AS connection_id,
             json_extract(value, '$[1]') AS after
      FROM json_each(:wants)""",
    "postgresql": """
      SELECT value ->> 0 AS connection_id, (value ->> 1)::bigint AS after
      FROM json_array_elements(cast(:wants AS json))""",
}

#: One walk of the index per connection, from the row after the last one sent to the end of the
#: window: a long backlog costs no more than a short one.
PULL = """
SELECT pending.connection_id, pending.notification_id, pending.seq
FROM ({wants}) AS want
JOIN pending_notifications AS pending
  ON pending.connection_id = want.connection_id
 AND pending.seq > want.after
 AND pending.seq <= coalesce(
       (SELECT later.seq FROM pending_notifications AS later
        WHERE later.connection_id = want.connection_id AND later.seq > want.after
        ORDER BY later.seq LIMIT 1 OFFSET {last}),
       9223372036854775807)
ORDER BY pending.connection_id, pending.seq
"""
#: By the database's kind. Built once, as all statements of hot paths.
PULLS = {kind: text(PULL.format(wants=wants, last=WINDOW - 1)) for kind, wants in WANTS.items()}

DATA = cast(Table, NotificationData.__table__)
CONTENTS = select(
    DATA.c.notification_id, DATA.c.user_id, DATA.c.seq, DATA.c.data, DATA.c.created_at
).where(is_one_of(DATA.c.notification_id, "ids"))

ROWS = cast(Table, PendingNotification.__table__)
#: In SQLite's own words: naming a row's parameters costs SQLAlchemy more than SQLite its deletion.
ACKNOWLEDGE_EACH = "DELETE FROM pending_notifications WHERE connection_id = ? AND seq = ?"
#: Of PostgreSQL, to which each statement costs more than a row: all of them in one.
ACKNOWLEDGE_ALL = text("""
DELETE FROM pending_notifications AS pending
USING unnest(cast(:of_connections AS text[]), cast(:of_seqs AS bigint[]))
      AS acknowledged (connection_id, seq)
WHERE pending.connection_id = acknowledged.connection_id AND pending.seq = acknowledged.seq
""")
#: By the id alone it would have to read all that waits for the device; by the number alone it could
#: be another user's.
ACKNOWLEDGE_ONE = delete(ROWS).where(
    ROWS.c.connection_id == bindparam("of_connection"),
    ROWS.c.notification_id == bindparam("of_notification"),
    ROWS.c.seq
    == select(DATA.c.seq)
    .where(DATA.c.notification_id == bindparam("of_notification"))
    .scalar_subquery(),
)


@dataclass(frozen=True, slots=True)
class Content:
    """What one notification says; the same for all devices of its user."""

    notification_id: str
    user_id: int
    seq: int
    data: dict[str, Any]
    created_at: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn of the puller found: rows per connection, and what they stand for. `lost`: rows
    that stand for nothing, by connection: their notification expired in this moment, or a former
    version of the app took it away and left them."""

    pulled: dict[str, Pulled]
    contents: dict[str, Content]
    lost: dict[str, list[Row]]


def pull(connection: Connection, wants: Sequence[Want]) -> Turn:
    """One query for the pending rows of all these connections, one for what is in them."""
    parameter = json.dumps([(want.connection_id, want.after) for want in wants])
    found: dict[str, list[Row]] = defaultdict(list)
    rows = connection.execute(PULLS[connection.dialect.name], {"wants": parameter})
    for connection_id, notification_id, seq in rows.all():
        found[connection_id].append(Row(notification_id, seq))
    ids = {row.notification_id for found_rows in found.values() for row in found_rows}
    contents = _contents(connection, ids)
    pulled = {
        want.connection_id: _answer(want, found.get(want.connection_id, []), contents)
        for want in wants
    }
    return Turn(pulled, contents, _lost(found, contents) if len(contents) < len(ids) else {})


def _answer(want: Want, rows: list[Row], contents: dict[str, Content]) -> Pulled:
    """As many rows as fit, without those that stand for nothing."""
    fitting = rows[: want.limit]
    alive = tuple(row for row in fitting if row.notification_id in contents)
    read_to = fitting[-1].seq if fitting else want.after
    return Pulled(alive, more=len(fitting) == want.limit, read_to=read_to)


def _lost(found: dict[str, list[Row]], contents: dict[str, Content]) -> dict[str, list[Row]]:
    return {
        connection_id: gone
        for connection_id, rows in found.items()
        if (gone := [row for row in rows if row.notification_id not in contents])
    }


def _contents(connection: Connection, notification_ids: set[str]) -> dict[str, Content]:
    rows = connection.execute(CONTENTS, {"ids": notification_ids}) if notification_ids else ()
    return {row[0]: Content(*row) for row in rows}


def acknowledge(connection: Connection, acknowledged: Iterable[tuple[str, Iterable[Row]]]) -> None:
    """Delete rows, given with the connection_id of their device (P-11)."""
    keys = [(connection_id, row.seq) for connection_id, rows in acknowledged for row in rows]
    if not keys:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(ACKNOWLEDGE_EACH, keys)
    else:
        connections, seqs = map(list, zip(*keys, strict=True))
        connection.execute(ACKNOWLEDGE_ALL, {"of_connections": connections, "of_seqs": seqs})


def acknowledge_one(session: Session, connection_id: str, notification_id: str) -> None:
    """The same for a device that knows only the id."""
    key = {"of_connection": connection_id, "of_notification": notification_id}
    session.connection().execute(ACKNOWLEDGE_ONE, key)


def newest_waiting(session: Session, node_uri: str) -> dict[str, int]:
    """For each device that this node holds and something waits for: the `seq` of the newest."""
    rows = session.execute(
        select(PendingNotification.connection_id, func.max(PendingNotification.seq).label("newest"))
        .join(Registration, Registration.connection_id == PendingNotification.connection_id)
        .where(Registration.node_uri == node_uri)
        .group_by(PendingNotification.connection_id)
    )
    return {row.connection_id: row.newest for row in rows}
