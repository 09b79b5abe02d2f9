"""Statements of the hot path, rendered once.

SQLAlchemy renders a statement once, too, but prepares its parameters anew for every row and its result anew for every
call; that costs more than the row. Where the driver takes parameters by position (SQLite), rows go to it and come from
it as tuples. Where it does not, the statement runs as any other. What the driver raises is not wrapped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Update, text
from sqlalchemy.engine import Dialect

Process = Callable[[Any], Any]
Parameters = tuple[tuple[str, Process | None], ...]


class Prepared:
    """An INSERT or UPDATE for many rows, each a mapping with its parameters."""

    def __init__(self, statement: Insert | Update | Delete) -> None:
        self._statement = statement
        self._rendered: dict[tuple[str, ...], tuple[str, Parameters]] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        if not connection.dialect.positional:
            connection.execute(self._statement, rows)
            return
        for names, alike in groupby(rows, key=tuple):
            if names not in self._rendered:
                self._rendered[names] = self._render(connection.dialect, names)
            sql, parameters = self._rendered[names]
            tuples = [
                tuple(process(row[name]) if process is not None else row[name] for name, process in parameters)
                for row in alike
            ]
            _driver(connection).executemany(sql, tuples)

    def _render(self, dialect: Dialect, names: tuple[str, ...]) -> tuple[str, Parameters]:
        keys = list(names) if isinstance(self._statement, Insert) else None
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=keys)
        return str(compiled), tuple(
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup
        )


class PreparedRead:
    """A query with positional parameters, as text by the name of the dialect; ``?`` stands for each parameter."""

    def __init__(self, sqlite: str, postgresql: str | None = None) -> None:
        self._texts = {"sqlite": sqlite, "postgresql": postgresql or sqlite}

    def rows(self, connection: Connection, *parameters: Any) -> list[Any]:
        """Plain tuples, or what acts as such: types of the driver, not of the columns."""
        sql = self._texts[connection.dialect.name]
        if connection.dialect.positional:
            found: list[Any] = _driver(connection).execute(sql, parameters).fetchall()
            return found
        names = [f"p{number}" for number in range(len(parameters))]
        for name in names:
            sql = sql.replace("?", f":{name}", 1)
        return list(connection.execute(text(sql), dict(zip(names, parameters, strict=True))))


def begin(connection: Connection) -> None:
    """Take the one right to write now, so that a reader never turns into a writer that must give up."""
    _driver(connection).execute("BEGIN IMMEDIATE")


def commit(connection: Connection) -> None:
    _driver(connection).execute("COMMIT")


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
