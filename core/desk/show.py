"""Views of tickets: what a card, a list or a piece of news holds, read from the store and ready for a renderer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from core.desk.policy import DeskPolicy
from core.errors import NotFound
from core.lifecycle import legal_verbs
from core.model import Event, KnownAlert, Person, Ticket
from core.rules import access
from core.store import queries
from core.views import CARD_ACTIONS, TicketCard, TicketLine, TicketList, alert_line

_ALERTS_SHOWN = 5
_VERB_OF_ACTION = {"assign_to_me": "assign", "change_priority": "prioritize", "call_expert": "expert"}


def actions_of(ticket: Ticket) -> tuple[str, ...]:
    """What the card of this ticket offers: legal now, and not what is done already."""
    legal = set(legal_verbs(ticket.status))
    offered = (action for action in CARD_ACTIONS if _VERB_OF_ACTION.get(action, action) in legal)
    return tuple(action for action in offered if action != "assign_to_me" or ticket.assignee is None)


def allowed(actions: Iterable[str], person: Person, ticket: Ticket, agents: Collection[str]) -> tuple[str, ...]:
    """Those of a card's actions that this person may take, and has not taken."""
    mine = ticket.assignee is not None and ticket.assignee.id == person.id
    may = (name for name in actions if access.may(person, _VERB_OF_ACTION.get(name, name), ticket, agents))
    return tuple(name for name in may if not (mine and name == "assign_to_me"))


def card(
    ticket: Ticket, alerts: Sequence[KnownAlert], last: Event | None, now: datetime, policy: DeskPolicy
) -> TicketCard:
    """The live card. ``alerts`` are the ticket's, ``last`` its newest change."""
    firing_first = sorted(alerts, key=lambda known: (known.alert.status.value, -known.alert.severity.rank))
    return TicketCard(
        id=ticket.id,
        version=ticket.version,
        title=ticket.title,
        description=ticket.description,
        category=ticket.category,
        priority=ticket.priority,
        status=ticket.status,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        sla=policy.sla.facts(ticket, now),
        requester=ticket.requester,
        assignee=ticket.assignee,
        team=ticket.team,
        customer=ticket.customer,
        business_impact=ticket.business_impact,
        affected_users=ticket.affected_users,
        systems=ticket.systems,
        source=ticket.source,
        alerts=tuple(alert_line(known.alert, known.count) for known in firing_first[:_ALERTS_SHOWN]),
        alerts_total=ticket.alerts_total,
        alerts_firing=ticket.alerts_firing,
        resolution=ticket.resolution,
        satisfaction=ticket.satisfaction,
        resolved_at=ticket.resolved_at,
        actions=actions_of(ticket),
        link=link_of(ticket.id, policy),
        last_kind=last.kind if last else None,
        last_by=last.actor if last else None,
        last_at=last.at if last else None,
    )


def read_card(connection: Connection, ticket_id: int, now: datetime, policy: DeskPolicy) -> TicketCard:
    """The card of a ticket as it is now. Raises ``NotFound``."""
    ticket = queries.ticket(connection, ticket_id)
    if ticket is None:
        raise NotFound(what="ticket", id=ticket_id)
    alerts = queries.alerts_of(connection, ticket_id) if ticket.alerts_total else []
    return card(ticket, alerts, queries.last_change(connection, ticket_id), now, policy)


def link_of(ticket_id: int, policy: DeskPolicy) -> str | None:
    base = policy.settings.base_url
    return f"{base}/tickets/{ticket_id}" if base else None


def line(ticket: Ticket, now: datetime, policy: DeskPolicy) -> TicketLine:
    return TicketLine(
        id=ticket.id,
        title=ticket.title,
        priority=ticket.priority,
        status=ticket.status,
        assignee=ticket.assignee,
        sla=policy.sla.facts(ticket, now),
        link=link_of(ticket.id, policy),
    )


def listing(tickets: Sequence[Ticket], query: str, cursor: str | None, now: datetime, policy: DeskPolicy) -> TicketList:
    return TicketList(tuple(line(ticket, now, policy) for ticket in tickets), query, cursor)
