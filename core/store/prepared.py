"""Statements of the hot path, rendered once.

SQLAlchemy renders a statement once, too, but prepares its parameters anew for every row; that costs more than the row.
Where the driver takes parameters by position (SQLite), rows go to it as tuples, through the columns' own types. Where
it does not, the statement runs as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Update
from sqlalchemy.engine import Dialect

Process = Callable[[Any], Any]
Parameters = tuple[tuple[str, Process | None], ...]


class Prepared:
    """An INSERT or UPDATE for many rows, each a mapping with all its parameters."""

    def __init__(self, statement: Insert | Update | Delete) -> None:
        self._statement = statement
        self._rendered: dict[tuple[str, ...], tuple[str, Parameters]] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        if not connection.dialect.positional:
            connection.execute(self._statement, rows)
            return
        names = tuple(rows[0])
        if names not in self._rendered:
            self._rendered[names] = self._render(connection.dialect, names)
        sql, parameters = self._rendered[names]
        tuples = [
            tuple(process(row[name]) if process is not None else row[name] for name, process in parameters)
            for row in rows
        ]
        connection.exec_driver_sql(sql, tuples)

    def _render(self, dialect: Dialect, names: tuple[str, ...]) -> tuple[str, Parameters]:
        keys = list(names) if isinstance(self._statement, Insert) else None
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=keys)
        return str(compiled), tuple(
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup
        )
