"""The other way of a notice whose place cannot be reached for good: the first place of a list that can be.

The list is the rule's ``fallback``, else ``notifications_fallback``. A notice remembers every place that was tried for
it, so that none is tried twice and the way has an end; what a place was told already, by whatever rule, it is not told
again. Planned in the transaction that records the failure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.config.settings import Settings
from core.model import Event, Ticket
from core.outbox.digest import move
from core.outbox.plan import Planner, Row
from core.ports import DeliveryFailed
from core.rules.audience import Destination, destinations
from core.store import outgoing, queries
from core.store.session import CARD, NOTICE, Session
from core.views import Notice

RULE = "fallback"  # The line below a card that says why it came here.
_SHOWS = frozenset({"card", "thread", "message", "rating"})
_TOLD = ("waiting", "sending", "sent", "unknown")


class Fallback:
    def __init__(self, settings: Settings, planner: Planner) -> None:
        self._settings, self._planner = settings, planner
        own = {rule.name: rule.fallback for rule in settings.notifications if rule.fallback is not None}
        self._own: dict[str, tuple[str, ...]] = own

    def redirect(self, session: Session, notice: Any, error: DeliveryFailed, now: datetime) -> Row | None:
        """Plan the notice anew for another place; the row planned, or None where there is none to be told."""
        audiences = self._own.get(notice.rule, self._settings.notifications_fallback)
        deleted = error.gone and notice.show == "thread"
        if not audiences or not error.unreachable or deleted or notice.show not in _SHOWS or notice.rule == RULE:
            return None
        event = queries.event(session.connection, notice.event_seq)
        ticket = session.ticket(max(notice.ticket_id, event.ticket_id or 0)) if event else None
        if ticket is None or event is None:
            return None
        before = notice.redirect or {}
        first, tried = before.get("place", _name(notice)), [*before.get("tried", ()), _name(notice)]
        found = self._reachable(session, audiences, ticket, event, tried)
        if found is None or (notice.ticket_id < 0 and found[0].address is None):
            return None
        destination, to = found
        if notice.ticket_id < 0:
            move(session, notice, to)
        redirect = {"place": first, "why": before.get("why", error.code), "tried": tried}
        return _planned(session, notice, destination, to | {"redirect": redirect}, now)

    def _reachable(
        self, session: Session, audiences: tuple[str, ...], ticket: Ticket, event: Event, tried: list[str]
    ) -> tuple[Destination, Row] | None:
        wanted = [each for each in destinations(audiences, ticket, event, self._settings) if each.name not in tried]
        people = outgoing.people(session.connection, [each.person_id for each in wanted if each.person_id])
        for destination in wanted:
            to = self._planner.to(destination, people)
            if to["state"] == "waiting" and not _is_given_up(session, ticket.id, to):
                return destination, to
        return None


def _planned(session: Session, notice: Any, destination: Destination, to: Row, now: datetime) -> Row | None:
    """The row, inserted unless the place was told already."""
    shows = "message" if notice.show in ("card", "thread") else notice.show
    if notice.show in ("card", "thread") and destination.address is not None:
        shows = "card"
    row = to | {
        "key": f"fallback:{notice.rule}:{notice.event_seq}:{shows}:{destination.name}",
        "rule": notice.rule,
        "event_seq": notice.event_seq,
        "ticket_id": notice.ticket_id,
        "show": shows,
        "urgent": notice.urgent,
        "template": notice.template,
        "attempts": 0,
        "not_before": now,
        "created_at": now,
    }
    if shows == "card":
        row["key"] = f"card:{notice.ticket_id}:{destination.name}"
        if notice.ticket_id < 0:
            session.insert_new(NOTICE, [row])
        elif _card(session, notice.ticket_id, row):
            why = row | {"key": f"{RULE}:why:{row['key']}", "rule": RULE, "show": "thread", "template": None}
            session.insert_new(NOTICE, [row, why])
    elif not _is_told(session, row):
        session.insert_new(NOTICE, [row])
    return row


def _card(session: Session, ticket_id: int, row: Row) -> bool:
    """Note that the place shows the ticket from now on; False where it does so already."""
    place = (CARD.c.platform == row["platform"]) & (CARD.c.address == row["address"])
    if session.execute(select(CARD.c.id).where((CARD.c.ticket_id == ticket_id) & place)).first():
        return False
    card = {name: row[name] for name in ("ticket_id", "platform", "address")}
    session.insert_new(CARD, [card | {"version": 0, "story": True}])
    return True


def _is_given_up(session: Session, ticket_id: int, to: Row) -> bool:
    """Whether the ticket's card was refused or deleted there before."""
    place = (CARD.c.platform == to["platform"]) & (CARD.c.address == to["address"])
    where = (CARD.c.ticket_id == ticket_id) & place & (CARD.c.version == outgoing.GONE)
    return to["address"] is not None and session.execute(select(CARD.c.id).where(where)).first() is not None


def _is_told(session: Session, row: Row) -> bool:
    """Whether the place is told of this event by another notice."""
    same = (NOTICE.c.event_seq == row["event_seq"]) & (NOTICE.c.lane == row["lane"]) & (NOTICE.c.show == row["show"])
    where = (NOTICE.c.ticket_id == row["ticket_id"]) & same & NOTICE.c.state.in_(_TOLD)
    return session.execute(select(NOTICE.c.id).where(where)).first() is not None


def _name(notice: Any) -> str:
    return f"person:{notice.person_id}" if notice.person_id else f"{notice.platform}:{notice.address}"


def redirected(notice: Any) -> tuple[str, str] | None:
    """What a message that took another way says of it: the place that was meant, and why."""
    way = notice.redirect
    return (way["place"], way["why"]) if way else None


def explanation(notice: Any, ticket: Ticket) -> Notice:
    """The line below a card that came here in place of another."""
    way = notice.redirect or {}
    facts = {"place": way.get("place", ""), "why": way.get("why", "")}
    return Notice("notice.redirected", ticket.id, ticket.title, facts, priority=ticket.priority, version=ticket.version)
