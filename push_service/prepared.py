"""Statements that are compiled once, for those few that run for every message. Used by store.

SQLAlchemy builds these statements and we keep their text: its own way from a cached statement to
the driver costs about as much again as SQLite needs to run it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, CursorResult
from sqlalchemy.sql import ClauseElement


@dataclass(frozen=True, slots=True)
class _Compiled:
    """For one dialect. `order` is that of the parameters, where the driver does not name them;
    `constants` are what the dialect adds itself."""

    text: str
    order: Sequence[str] | None
    constants: dict[str, Any]


class Prepared:
    """A statement with named parameters, all of which are given whenever it runs.

    `columns` are those that an INSERT fills.
    """

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, parameters: dict[str, Any]) -> CursorResult[Any]:
        name = connection.dialect.name
        compiled = self._compiled.get(name) or self._compile(connection)
        values = compiled.constants | parameters
        if compiled.order is None:
            return connection.exec_driver_sql(compiled.text, values)
        in_order = tuple(values[parameter] for parameter in compiled.order)
        return connection.exec_driver_sql(compiled.text, in_order)

    def _compile(self, connection: Connection) -> _Compiled:
        dialect = connection.dialect
        made: Any = self._statement.compile(dialect=dialect, column_keys=self._columns)
        compiled = _Compiled(str(made), made.positiontup, dict(made.params))
        self._compiled[dialect.name] = compiled
        return compiled
