"""Reads of queues: the open tickets of a person or a team, the most pressing first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from sqlalchemy import ColumnElement, Connection, case, func, literal, or_, select

from core.model import PRIORITY_RANK, Ticket
from core.store.queries import OPEN_STATUSES
from core.store.session import EVENT, TICKET, decode_ticket

Whose: TypeAlias = ColumnElement[bool]
TICKET_EVENTS = "ticket.lifecycle"
_OPEN = TICKET.c.status.in_(OPEN_STATUSES)
_RANK = case({priority.value: rank for priority, rank in PRIORITY_RANK.items()}, value=TICKET.c.priority)


def of_person(person_id: str) -> Whose:
    return TICKET.c.assignee_id == person_id


def of_team(team: str) -> Whose:
    return TICKET.c.team == team


def of_either(conditions: Iterable[Whose]) -> Whose:
    return or_(*conditions)


def count(connection: Connection, whose: Whose, most: int) -> int:
    """How many open tickets there are, counted up to ``most``."""
    some = select(literal(1)).select_from(TICKET).where(whose & _OPEN).limit(most).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar() or 0


def page(connection: Connection, whose: Whose, offset: int, limit: int) -> list[Ticket]:
    """Open tickets by priority, the newest first within one."""
    order = (_RANK.desc(), TICKET.c.id.desc())
    rows = connection.execute(select(TICKET.c.doc).where(whose & _OPEN).order_by(*order).offset(offset).limit(limit))
    return [decode_ticket(row.doc) for row in rows]


def waking(connection: Connection, whose: Whose | None, limit: int) -> list[Ticket]:
    """Open tickets whose promise will want attention, the soonest first."""
    where = _OPEN & TICKET.c.wake_at.is_not(None)
    if whose is not None:
        where = where & whose
    rows = connection.execute(select(TICKET.c.doc).where(where).order_by(TICKET.c.wake_at).limit(limit))
    return [decode_ticket(row.doc) for row in rows]


def last_ticket_event(connection: Connection) -> int:
    return connection.execute(select(func.max(EVENT.c.seq)).where(EVENT.c.stream == TICKET_EVENTS)).scalar() or 0


def changed_tickets(connection: Connection, after: int, limit: int) -> tuple[int, set[int]]:
    """The number of the last of at most ``limit`` ticket events after ``after``, and the tickets that they are of."""
    where = (EVENT.c.stream == TICKET_EVENTS) & (EVENT.c.seq > after)
    statement = select(EVENT.c.seq, EVENT.c.ticket_id).where(where).order_by(EVENT.c.seq).limit(limit)
    rows = connection.execute(statement).all()
    return (rows[-1].seq if rows else after), {row.ticket_id for row in rows if row.ticket_id is not None}
