"""How people found the service: one row a ticket, what they said last, and the figures of a month."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, case, delete, func, select

from core.store.rows import RatingRow
from core.store.session import Session

RATING: Table = RatingRow.__table__  # type: ignore[attr-defined]
DAYS = 30
_LOW = 2  # The highest of the scores that count as low.


def record(session: Session, ticket_id: int, score: int, team: str | None, now: datetime) -> None:
    """The rating of a ticket, in place of an earlier one."""
    session.execute(delete(RATING).where(RATING.c.ticket_id == ticket_id))
    session.insert(RATING, {"ticket_id": ticket_id, "score": score, "team": team, "rated_at": now})


def summary(connection: Connection, now: datetime) -> dict[str, Any]:
    """Count, mean (1 to 5) and share of low scores (0 to 1) over the last ``DAYS`` days, altogether and by ``teams``;
    tickets of no team stand under the empty name."""
    low = func.sum(case((RATING.c.score <= _LOW, 1), else_=0))
    rows = connection.execute(
        select(RATING.c.team, func.count(), func.sum(RATING.c.score), low)
        .where(RATING.c.rated_at >= now - timedelta(days=DAYS))
        .group_by(RATING.c.team)
        .order_by(RATING.c.team)
    ).all()
    of_team = [(team or "", (count, total, few)) for team, count, total, few in rows]
    return {
        "days": DAYS,
        **_figures(sums for _, sums in of_team),
        "teams": {team: _figures([sums]) for team, sums in of_team},
    }


def _figures(sums: Iterable[tuple[int, int, int]]) -> dict[str, Any]:
    count = total = low = 0
    for n, points, few in sums:
        count, total, low = count + n, total + points, low + few
    if not count:
        return {"count": 0, "mean": None, "low_share": None}
    return {"count": count, "mean": round(total / count, 2), "low_share": round(low / count, 4)}
