"""Reads. Each runs on an index and is bounded: nothing loads a whole table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, text

from core.model import Event, KnownAlert, PersonRef, Ticket
from core.store.prepared import PreparedRead
from core.store.rows import AttemptRow, ConversationRow, IdentityRow, PersonRow
from core.store.session import (
    ALERT,
    CARD,
    EVENT,
    JOURNAL,
    NOTICE,
    TICKET,
    TICKET_SYSTEM,
    decode_data,
    decode_ticket,
    moment,
    read_event,
    read_known,
)

ATTEMPT = AttemptRow.__table__  # type: ignore[attr-defined]
PERSON = PersonRow.__table__  # type: ignore[attr-defined]
IDENTITY = IdentityRow.__table__  # type: ignore[attr-defined]
CONVERSATION = ConversationRow.__table__  # type: ignore[attr-defined]
_TICKETS = PreparedRead(
    "SELECT id, doc FROM ticket WHERE id IN (SELECT value FROM json_each(?))",
    "SELECT id, doc FROM ticket WHERE id IN (SELECT CAST(jsonb_array_elements_text(CAST(? AS jsonb)) AS bigint))",
)
_NEWS = PreparedRead(
    "SELECT seq, kind, ticket_id, at, actor_id, actor_name, origin, data FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
)
OPEN_STATUSES = ("new", "assigned", "in_progress", "waiting")


class TicketFilter(msgspec.Struct, frozen=True):
    """Which tickets; every condition that is given must hold. ``statuses`` and ``assignees`` are alternatives."""

    statuses: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    category: str | None = None
    assignees: tuple[str, ...] = ()
    team: str | None = None
    source: str | None = None
    system: str | None = None
    q: str | None = None
    before: int | None = None
    limit: int = 50


def tickets(connection: Connection, wanted: TicketFilter) -> list[Ticket]:
    """The newest first, at most ``limit`` of them with numbers below ``before``."""
    rows = connection.execute(_tickets(wanted))
    return [decode_ticket(row.doc) for row in rows]


def _tickets(wanted: TicketFilter) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = []
    equal = (("category", wanted.category), ("team", wanted.team), ("source", wanted.source))
    conditions += [TICKET.c[name] == value for name, value in equal if value is not None]
    several = (("status", wanted.statuses), ("priority", wanted.priorities), ("assignee_id", wanted.assignees))
    for name, values in several:
        if values:
            conditions.append(TICKET.c[name] == values[0] if len(values) == 1 else TICKET.c[name].in_(values))
    if wanted.before is not None:
        conditions.append(TICKET.c.id < wanted.before)
    if wanted.system is not None:
        of_system = select(TICKET_SYSTEM.c.ticket_id).where(TICKET_SYSTEM.c.system == wanted.system)
        conditions.append(TICKET.c.id.in_(of_system))
    if wanted.q is not None:
        found = text("SELECT rowid FROM ticket_search WHERE ticket_search MATCH :q").bindparams(q=match_of(wanted.q))
        conditions.append(TICKET.c.id.in_(found.columns(TICKET.c.id).scalar_subquery()))
    return select(TICKET.c.doc).where(and_(True, *conditions)).order_by(TICKET.c.id.desc()).limit(wanted.limit)


def match_of(query: str) -> str:
    """A full-text expression that finds every word of ``query`` as a beginning; harmless whatever was typed."""
    words = re.findall(r"\w+", query)[:16]
    return " AND ".join(f'"{word}"*' for word in words) or '""'


def ticket(connection: Connection, ticket_id: int) -> Ticket | None:
    doc = connection.execute(select(TICKET.c.doc).where(TICKET.c.id == ticket_id)).scalar()
    return decode_ticket(doc) if doc is not None else None


def tickets_by_id(connection: Connection, ids: Iterable[int]) -> dict[int, Ticket]:
    rows = _TICKETS.rows(connection, msgspec.json.encode(list(ids)).decode())
    return {number: decode_ticket(doc) for number, doc in rows}


def alerts_of(connection: Connection, ticket_id: int, limit: int = 50) -> list[KnownAlert]:
    """The alerts of a ticket, oldest first."""
    rows = connection.execute(select(ALERT).where(ALERT.c.ticket_id == ticket_id).order_by(ALERT.c.id).limit(limit))
    return [read_known(row) for row in rows]


def alerts_by_ticket(connection: Connection, ticket_ids: Iterable[int], limit: int = 50) -> dict[int, list[KnownAlert]]:
    """The alerts of several tickets, oldest first, at most ``limit`` of each."""
    found: dict[int, list[KnownAlert]] = {}
    place = func.row_number().over(partition_by=ALERT.c.ticket_id, order_by=ALERT.c.id).label("place")
    placed = select(ALERT.c.id, place).where(ALERT.c.ticket_id.in_(list(ticket_ids))).subquery()
    first = select(placed.c.id).where(placed.c.place <= limit)
    for row in connection.execute(select(ALERT).where(ALERT.c.id.in_(first)).order_by(ALERT.c.id)):
        found.setdefault(row.ticket_id, []).append(read_known(row))
    return found


class AlertFilter(msgspec.Struct, frozen=True):
    status: str | None = None
    source: str | None = None
    fingerprint: str | None = None
    ticket: int | None = None
    before: int | None = None
    limit: int = 50


def alerts(connection: Connection, wanted: AlertFilter) -> list[KnownAlert]:
    """The newest first."""
    equal = (
        ("status", wanted.status),
        ("source", wanted.source),
        ("fingerprint", wanted.fingerprint),
        ("ticket_id", wanted.ticket),
    )
    conditions: list[ColumnElement[bool]] = [ALERT.c[name] == value for name, value in equal if value is not None]
    if wanted.before is not None:
        conditions.append(ALERT.c.id < wanted.before)
    statement = select(ALERT).where(and_(True, *conditions)).order_by(ALERT.c.id.desc()).limit(wanted.limit)
    return [read_known(row) for row in connection.execute(statement)]


def timeline(connection: Connection, ticket_id: int, after: int = 0, limit: int = 200) -> list[Event]:
    """The events of a ticket, oldest first."""
    where = (EVENT.c.ticket_id == ticket_id) & (EVENT.c.seq > after)
    rows = connection.execute(select(EVENT).where(where).order_by(EVENT.c.seq).limit(limit))
    return [read_event(row) for row in rows]


def last_change(connection: Connection, ticket_id: int) -> Event | None:
    """The newest event of a ticket that changed the ticket itself."""
    where = (EVENT.c.ticket_id == ticket_id) & (EVENT.c.stream == "ticket.lifecycle")
    row = connection.execute(select(EVENT).where(where).order_by(EVENT.c.seq.desc()).limit(1)).first()
    return read_event(row) if row else None


def events(connection: Connection, after: int, limit: int, stream: str | None = None) -> list[Event]:
    """Events with higher numbers, in order, of one stream or of all."""
    where: ColumnElement[bool] = EVENT.c.seq > after
    if stream is not None:
        where = where & (EVENT.c.stream == stream)
    rows = connection.execute(select(EVENT).where(where).order_by(EVENT.c.seq).limit(limit))
    return [read_event(row) for row in rows]


def event(connection: Connection, seq: int) -> Event | None:
    row = connection.execute(select(EVENT).where(EVENT.c.seq == seq)).first()
    return read_event(row) if row else None


def news(connection: Connection, after: int, limit: int) -> list[Event]:
    """Events with higher numbers, of all streams, in order."""
    return [
        Event(kind, ticket_id, moment(at), PersonRef(actor_id, actor_name), origin, decode_data(data), seq)
        for seq, kind, ticket_id, at, actor_id, actor_name, origin, data in _NEWS.rows(connection, after, limit)
    ]


def due_tickets(connection: Connection, now: datetime, limit: int = 200) -> list[int]:
    """Tickets whose promise wants attention by ``now``, the most overdue first."""
    where = TICKET.c.wake_at.is_not(None) & (TICKET.c.wake_at <= now)
    return list(connection.execute(select(TICKET.c.id).where(where).order_by(TICKET.c.wake_at).limit(limit)).scalars())


def next_due(connection: Connection) -> datetime | None:
    """The earliest instant at which the promise of a ticket wants attention; it may have passed."""
    found: datetime | None = connection.execute(
        select(TICKET.c.wake_at).where(TICKET.c.wake_at.is_not(None)).order_by(TICKET.c.wake_at).limit(1)
    ).scalar()
    return found


def deliveries(connection: Connection, ticket_id: int, limit: int = 500) -> list[tuple[Any, list[Any]]]:
    """The notices of a ticket, oldest first, each with its attempts."""
    notices = connection.execute(
        select(NOTICE).where(NOTICE.c.ticket_id == ticket_id).order_by(NOTICE.c.id).limit(limit)
    ).all()
    attempts: dict[int, list[Any]] = {}
    of_these = ATTEMPT.c.notice_id.in_([notice.id for notice in notices])
    for attempt in connection.execute(select(ATTEMPT).where(of_these).order_by(ATTEMPT.c.id)):
        attempts.setdefault(attempt.notice_id, []).append(attempt)
    return [(notice, attempts.get(notice.id, [])) for notice in notices]


def count_notices(connection: Connection) -> int:
    """How often somebody is told something: edits of cards and what is skipped are not counted."""
    told = (NOTICE.c.show != "edit") & (NOTICE.c.state != "skipped")
    return connection.execute(select(func.count()).select_from(NOTICE).where(told)).scalar() or 0


def cards_of(connection: Connection, ticket_ids: Iterable[int]) -> list[Any]:
    return list(connection.execute(select(CARD).where(CARD.c.ticket_id.in_(list(ticket_ids))).order_by(CARD.c.id)))


def card_at(connection: Connection, platform: str, channel: str, message: str) -> Any:
    """The card that a message is; a digest is none."""
    where = (CARD.c.platform == platform) & (CARD.c.channel == channel) & (CARD.c.message == message)
    where = where & (CARD.c.ticket_id > 0)
    return connection.execute(select(CARD).where(where)).first()


def dead_letters(connection: Connection, limit: int = 50, before: int | None = None) -> list[Any]:
    """Deliveries that were not understood, the newest first, without their bodies."""
    columns = (JOURNAL.c.id, JOURNAL.c.source, JOURNAL.c.received_at, JOURNAL.c.content_type, JOURNAL.c.receipt)
    where: ColumnElement[bool] = JOURNAL.c.state == "dead"
    if before is not None:
        where = where & (JOURNAL.c.id < before)
    return list(connection.execute(select(*columns).where(where).order_by(JOURNAL.c.id.desc()).limit(limit)))


def dead_letter(connection: Connection, journal_id: int) -> Any:
    where = (JOURNAL.c.id == journal_id) & (JOURNAL.c.state == "dead")
    return connection.execute(select(JOURNAL).where(where)).first()


def stats(connection: Connection, since: datetime) -> dict[str, Any]:
    """Counts by status and priority of open tickets, and of what was opened and resolved since ``since``."""
    by_status: dict[str, int] = {
        row.status: row.n
        for row in connection.execute(select(TICKET.c.status, func.count().label("n")).group_by(TICKET.c.status))
    }
    open_now = TICKET.c.status.in_(OPEN_STATUSES)
    by_priority: dict[str, int] = {
        row.priority: row.n
        for row in connection.execute(
            select(TICKET.c.priority, func.count().label("n")).where(open_now).group_by(TICKET.c.priority)
        )
    }
    waiting = connection.execute(
        select(func.count()).select_from(NOTICE).where(or_(NOTICE.c.state == "waiting", NOTICE.c.state == "sending"))
    ).scalar()
    dead = connection.execute(select(func.count()).select_from(JOURNAL).where(JOURNAL.c.state == "dead")).scalar()
    resolved = connection.execute(
        select(func.count(), func.avg(TICKET.c.resolved_at - TICKET.c.created_at)).where(
            TICKET.c.status.in_(("resolved", "closed"))
            & (TICKET.c.updated_at >= since)
            & TICKET.c.resolved_at.is_not(None)
        )
    ).one()
    return {
        "tickets": {"by_status": by_status, "open_by_priority": by_priority},
        "resolved": {
            "count": resolved[0],
            "mean_seconds": round(resolved[1] / 1e6) if resolved[1] is not None else None,
        },
        "notices_waiting": waiting or 0,
        "dead_letters": dead or 0,
    }
