"""Full-text search over tickets: a consumer of the events that keeps an index of titles and descriptions."""

from __future__ import annotations

from sqlalchemy import text

from core.store import outgoing, queries
from core.store.database import Database
from core.store.session import Session

_NAME = "search"
_ROUND = 500
_INSERT = {
    "sqlite": text("INSERT INTO ticket_search(rowid, title, description) VALUES (:id, :title, :description)"),
    "postgresql": text(
        "INSERT INTO ticket_search(rowid, words) VALUES (:id, to_tsvector('simple', :title || ' ' || :description)) "
        "ON CONFLICT DO NOTHING"
    ),
}


async def index_round(database: Database) -> bool:
    """Index the tickets that were opened since the last round; whether there was anything to read."""
    old = await database.read(lambda connection: outgoing.position(connection, _NAME))
    events = await database.read(lambda connection: queries.events(connection, old, _ROUND, "ticket.lifecycle"))
    if not events:
        return False
    created = [event.ticket_id for event in events if event.kind == "ticket.created" and event.ticket_id]
    tickets = await database.read(lambda connection: queries.tickets_by_id(connection, created))

    def write(session: Session) -> bool:
        if not outgoing.advance(session, _NAME, old, events[-1].seq):
            return False
        rows = [{"id": t.id, "title": t.title, "description": t.description[:2000]} for t in tickets.values()]
        if rows:
            session.execute(_INSERT[session.connection.dialect.name], rows)
        return True

    return await database.write(write)
