"""The answer below the message that a ticket was made from: its number, and the way to its card.

It waits a moment, so that the card is there to be linked to; it comes once for a ticket, whatever is planned twice.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from core.desk.policy import DeskPolicy
from core.desk.show import link_of
from core.model import Event, Ticket
from core.ports import MessageRef
from core.store import queries
from core.views import Notice

SHOW = "reply"
_ONCE_THE_CARD_IS_THERE = timedelta(seconds=1)


def reply_row(ticket: Ticket, event: Event, platforms: Collection[str], now: datetime) -> dict[str, Any] | None:
    """The row to plan for ``event``; None unless it opened a ticket from a message that can be answered."""
    thread = thread_of(ticket)
    if event.kind != "ticket.created" or thread is None or thread.platform not in platforms:
        return None
    return {
        "key": f"reply:{ticket.id}",
        "rule": SHOW,
        "event_seq": event.seq,
        "ticket_id": ticket.id,
        "show": SHOW,
        "urgent": False,
        "template": None,
        "attempts": 0,
        "not_before": now + _ONCE_THE_CARD_IS_THERE,
        "created_at": now,
        "platform": thread.platform,
        "address": thread.channel,
        "person_id": None,
        "lane": f"{thread.platform}:{thread.channel}",
        "state": "waiting",
        "reason": None,
    }


def thread_of(ticket: Ticket) -> MessageRef | None:
    """The thread of the message that the ticket was made from."""
    origin = ticket.origin
    if not (origin.get("source") and origin.get("platform") and origin.get("channel")):
        return None
    thread = origin.get("thread") or origin["source"]
    return MessageRef(origin["platform"], origin["channel"], thread, tenant=origin.get("tenant"))


def reply(connection: Connection, ticket: Ticket, platform: str, policy: DeskPolicy) -> Notice:
    cards = [card for card in queries.cards_of(connection, [ticket.id]) if card.platform == platform and card.message]
    # A link of another workspace opens for nobody here.
    cards.sort(key=lambda card: (card.ref or {}).get("tenant") != ticket.origin.get("tenant"))
    return Notice(
        key="notice.request",
        ticket_id=ticket.id,
        title=ticket.title,
        link=link_of(ticket.id, policy),
        actions=("show",),
        priority=ticket.priority,
        version=ticket.version,
        answers=True,
        card=(cards[0].channel, cards[0].message) if cards else None,
    )
