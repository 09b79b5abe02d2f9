"""Deletes what has had its time, a little at a time, so that no write waits for it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select

from core.store.database import Database
from core.store.session import JOURNAL, Session

_PORTION = 500


async def prune_journal(database: Database, before: datetime) -> int:
    """Delete raw deliveries that were understood and came before ``before``; returns how many.

    The newest row stays whatever its age, so that numbers are never given twice. Dead letters stay.
    """

    def portion(session: Session) -> int:
        old = (
            select(JOURNAL.c.id)
            .where((JOURNAL.c.received_at < before) & JOURNAL.c.state.in_(("done", "ignored")))
            .where(JOURNAL.c.id < select(func.max(JOURNAL.c.id)).scalar_subquery())
            .limit(_PORTION)
        )
        return int(session.execute(delete(JOURNAL).where(JOURNAL.c.id.in_(old))).rowcount)

    total = 0
    while deleted := await database.write(portion):
        total += deleted
    return total
