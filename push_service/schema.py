"""Brings a database to the schema of this version, whatever version made it. Used by hub.

The number in `schema_version` says how many steps were done; a database without it is new, or of
version 1, which knew no numbers. Steps are SQL that both SQLite and PostgreSQL understand. They run
in one transaction, and are never changed once released.
"""

from collections.abc import Sequence

from sqlalchemy import Column, Connection, Integer, Table, inspect, select, text

from push_service.store import metadata

_version = Table("schema_version", metadata, Column("number", Integer, primary_key=True))

# Step n leads from version n to version n + 1.
STEPS: Sequence[Sequence[str]] = (
    ("CREATE INDEX ix_subscriptions_ended ON subscriptions (user_agent_id, ended_at)",),
)
CURRENT = 1 + len(STEPS)


class SchemaTooNewError(RuntimeError):
    """A newer push service has used this database."""


def upgrade(connection: Connection) -> None:
    """Create what is missing, or do the steps that are. Raises SchemaTooNewError."""
    found = _found(connection)
    if found > CURRENT:
        raise SchemaTooNewError(
            f"the database has schema {found}, and this push service knows {CURRENT}: "
            "start the version that used it last, or use another --data"
        )
    if found == CURRENT:
        return
    if found:
        for step in STEPS[found - 1 :]:
            for statement in step:
                connection.execute(text(statement))
    metadata.create_all(connection)
    connection.execute(_version.delete())
    connection.execute(_version.insert().values(number=CURRENT))


def _found(connection: Connection) -> int:
    """The version of the database; 0 for an empty one."""
    inspector = inspect(connection)
    if inspector.has_table(_version.name):
        return int(connection.scalar(select(_version.c.number)) or 1)
    return 1 if inspector.has_table("messages") else 0
