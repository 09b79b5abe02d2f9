"""Calls for an expert: who is asked now and until when."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

import msgspec
from sqlalchemy import Executable, Table, select, update

from core.model import ExpertCall
from core.store.queries import IDENTITY
from core.store.rows import ExpertCallRow
from core.store.session import Row, Session

CALL: Table = ExpertCallRow.__table__  # type: ignore[attr-defined]
_decode = msgspec.json.Decoder(ExpertCall).decode


class Reads(Protocol):
    """A connection, or a session, which sees what is not written yet as well."""

    def execute(self, statement: Executable, /) -> Any: ...


def add(session: Session, call: ExpertCall) -> None:
    session.insert(CALL, {"id": call.id, "ticket_id": call.ticket_id, **_values(call)})


def change(session: Session, call: ExpertCall) -> None:
    session.execute(update(CALL).where(CALL.c.id == call.id).values(**_values(call)))


def of_ticket(reads: Reads, ticket_id: int) -> list[ExpertCall]:
    """The newest first."""
    rows = reads.execute(select(CALL.c.doc).where(CALL.c.ticket_id == ticket_id).order_by(CALL.c.id.desc()))
    return [_decode(row.doc) for row in rows]


def asking(reads: Reads, ticket_id: int, person_id: str) -> ExpertCall | None:
    """The call in which somebody is asked now."""
    where = (CALL.c.ticket_id == ticket_id) & (CALL.c.expert_id == person_id)
    row = reads.execute(select(CALL.c.doc).where(where)).first()
    return _decode(row.doc) if row else None


def due(reads: Reads, now: datetime, limit: int) -> list[ExpertCall]:
    """Calls that nobody has answered by ``now``, the most overdue first."""
    where = CALL.c.due_at.is_not(None) & (CALL.c.due_at <= now)
    rows = reads.execute(select(CALL.c.doc).where(where).order_by(CALL.c.due_at, CALL.c.id).limit(limit))
    return [_decode(row.doc) for row in rows]


def reached(session: Session, ids: list[str]) -> set[str]:
    """Those of ``ids`` who are known on a chat platform."""
    rows = session.execute(select(IDENTITY.c.person_id).where(IDENTITY.c.person_id.in_(ids)).distinct())
    return {row.person_id for row in rows}


def _values(call: ExpertCall) -> Row:
    expert = call.expert
    return {"expert_id": expert.id if expert else None, "due_at": call.due_at, "doc": msgspec.json.encode(call)}
