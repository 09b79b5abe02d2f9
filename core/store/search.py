"""Full-text search over tickets: an index of titles and descriptions, brought up to date behind the desk.

The index is filled by the database itself from the tickets that it does not have yet: their numbers only grow, and what
is searched never changes.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select, text

from core.store import outgoing
from core.store.database import Database
from core.store.session import TICKET, Session

_NAME = "search"
_ROUND = 500
_FILL = {
    "sqlite": text(
        "INSERT INTO ticket_search(rowid, title, description) "
        "SELECT id, json_extract(CAST(doc AS TEXT), '$.title'), "
        "substr(json_extract(CAST(doc AS TEXT), '$.description'), 1, 2000) "
        "FROM ticket WHERE id > :after AND id <= :last"
    ),
    "postgresql": text(
        "INSERT INTO ticket_search(rowid, words) "
        "SELECT id, to_tsvector('simple', concat_ws(' ', convert_from(doc, 'UTF8')::json->>'title', "
        "left(convert_from(doc, 'UTF8')::json->>'description', 2000))) "
        "FROM ticket WHERE id > :after AND id <= :last ON CONFLICT DO NOTHING"
    ),
}


async def index_round(database: Database) -> bool:
    """Index the tickets that were opened since the last round; whether there may be more."""
    after, newest = await database.read(_standing)
    last = min(newest, after + _ROUND)
    if last <= after:
        return False

    def write(session: Session) -> bool:
        if not outgoing.advance(session, _NAME, after, last):
            return False
        session.execute(_FILL[session.connection.dialect.name], {"after": after, "last": last})
        return last - after == _ROUND

    return await database.write(write)


def _standing(connection: Connection) -> tuple[int, int]:
    """The last ticket that is indexed, and the newest one."""
    newest = connection.execute(select(func.max(TICKET.c.id))).scalar() or 0
    return outgoing.position(connection, _NAME), newest
