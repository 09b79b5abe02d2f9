"""Everything that a person can do with a ticket, once: how it is done in Slack, how in Teams, and what it does.

The page docs/parity.md is this list; each line is run through both doors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from core.model import Ticket
from tests.two_doors import Hand

Do = Callable[[Hand, Ticket], Awaitable[str | None]]


class Item(msgspec.Struct, frozen=True):
    """``does`` may return what is shown; ``shows`` are words that have to be in it. ``effect`` are values that the
    ticket has afterwards; ``events`` what its history has more, as far as they are this item's own. ``first`` are
    commands that bring the ticket to where this can be done. ``new``: what counts is the ticket that is made."""

    what: str
    slack: str
    teams: str
    does: Do
    effect: dict[str, Any] = {}
    events: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    new: bool = False


def typed(text: str) -> Do:
    """``{id}`` is the ticket's number."""

    async def does(hand: Hand, ticket: Ticket) -> str:
        return await hand.command(text.format(id=ticket.id))

    return does


def pressed(verb: str) -> Do:
    async def does(hand: Hand, ticket: Ticket) -> None:
        await hand.press(ticket, verb)

    return does


def filled(verb: str, **fields: str) -> Do:
    """``colleague`` stands for the colleague's id."""

    async def does(hand: Hand, ticket: Ticket) -> None:
        given = {name: hand.colleague if value == "colleague" else value for name, value in fields.items()}
        await hand.fill(None if verb == "create" else ticket, verb, given)

    return does


async def _plain(hand: Hand, ticket: Ticket) -> None:
    await hand.plain("the printer on 3F is on fire")


async def _from_message(hand: Hand, ticket: Ticket) -> None:
    await hand.from_message("the coffee machine is broken")


async def _refused(hand: Hand, ticket: Ticket) -> str:
    return await hand.refused_form("create", {"title": "Broken", "affected_users": "99999999999"})


async def _queue(hand: Hand, ticket: Ticket) -> str:
    return await hand.queue()


async def _turned(hand: Hand, ticket: Ticket) -> str:
    for number in range(6):
        await hand.command(f"create Pile {number}")
        await hand.command(f"assign {(await hand.newest()).id} me")
    return await hand.turned()


async def _link(hand: Hand, ticket: Ticket) -> str:
    return await hand.link(ticket)


async def _below(hand: Hand, ticket: Ticket) -> None:
    await hand.below(ticket, "looked at it")


async def _card(hand: Hand, ticket: Ticket) -> str:
    await hand.command(f"priority {ticket.id} critical")
    return await hand.card(ticket)


_BUTTON = "button on the card"
_FORM = "button on the card, form"

ITEMS: tuple[Item, ...] = (
    Item("open a ticket in one line", "`/ticket create …`", "`create …`", typed("create VPN is down"),
         {"title": "VPN is down", "status": "new", "requester": "me"}, ("ticket.created",), new=True),
    Item("open a ticket in plain words", "mention", "mention, or a message in the chat with the bot", _plain,
         {"title": "the printer on 3F is on fire", "requester": "me"}, ("ticket.created",), new=True),
    Item("open a ticket with a form", "`/ticket create`, Home tab, shortcut",
         "`create`, message extension, overview",
         filled("create", title="No internet", priority="high", category="outage", affected_users="12",
                customer="Acme", assignee="colleague"),
         {"title": "No internet", "priority": "high", "category": "outage", "affected_users": 12, "customer": "Acme",
          "assignee": "colleague"}, ("ticket.created", "ticket.assigned"), new=True),
    Item("see what is wrong in a form at its place", "modal", "dialog", _refused, shows=("10,000,000",)),
    Item("make a ticket of somebody's message", "message menu, emoji", "message menu (⋯)", _from_message,
         {"title": "the coffee machine is broken", "requester": "colleague", "link": True},
         ("ticket.created",), new=True),
    Item("see one's own queue, the team's, and what is about to breach", "Home tab, `/ticket overview`", "`overview`",
         _queue, shows=("My tickets", "About to breach"), first=("assign {id} me",)),
    Item("turn the pages of a queue", "Home tab", "buttons of the overview", _turned, shows=("6–",)),
    Item("list and filter tickets", "`/ticket list …`", "`list …`, message extension",
         typed("list mine status:assigned"), shows=("Seed",), first=("assign {id} me",)),
    Item("look a ticket up", "`/ticket show 42`", "`show 42`, message extension", typed("show {id}"), shows=("Seed",)),
    Item("read the card below a link to a ticket", "link", "link", _link, shows=("Seed",)),
    Item("see the card change in place", "channel", "channel", _card, {"priority": "critical"},
         ("ticket.prioritized",), shows=("Critical",)),
    Item("read how it is done", "`/ticket help`", "`help`", typed("help"), shows=("create", "assign")),
    Item("be told what a mistyped command probably means", "all commands", "all commands", typed("asign {id}"),
         shows=("assign",)),
    Item("take a ticket", _BUTTON, _BUTTON, pressed("assign_to_me"), {"assignee": "me", "status": "assigned"},
         ("ticket.assigned",)),
    Item("take a ticket by a word", "`/ticket assign 42 me`", "`assign 42 me`", typed("assign {id} me"),
         {"assignee": "me", "status": "assigned"}, ("ticket.assigned",)),
    Item("give a ticket to somebody", "`/ticket assign 42 @Kim`", "`assign 42 @Kim`", typed("assign {id} @colleague"),
         {"assignee": "colleague"}, ("ticket.assigned",)),
    Item("give a ticket to somebody in a form", _FORM, _FORM, filled("assign", assignee="colleague"),
         {"assignee": "colleague"}, ("ticket.assigned",)),
    Item("start work", _BUTTON, _BUTTON, pressed("start"), {"status": "in_progress"}, ("ticket.started",)),
    Item("start work by a word", "`/ticket start 42`", "`start 42`", typed("start {id}"),
         {"status": "in_progress"}, ("ticket.started",)),
    Item("wait for something", _FORM, _FORM, filled("wait", reason="for parts"), {"status": "waiting"},
         ("ticket.waiting",)),
    Item("wait by a word", "`/ticket wait 42 …`", "`wait 42 …`", typed("wait {id} for parts"),
         {"status": "waiting"}, ("ticket.waiting",)),
    Item("move a ticket by its status", "`/ticket status 42 waiting`", "`status 42 waiting`, button on the card, form",
         typed("status {id} waiting"), {"status": "waiting"}, ("ticket.waiting",)),
    Item("escalate", _FORM, _FORM, filled("escalate", reason="VIP"), {"escalation_level": 1}, ("ticket.escalated",)),
    Item("escalate by a word", "`/ticket escalate 42 …`", "`escalate 42 …`", typed("escalate {id} VIP"),
         {"escalation_level": 1}, ("ticket.escalated",)),
    Item("change the priority", _FORM, _FORM, filled("change_priority", priority="high"), {"priority": "high"},
         ("ticket.prioritized",)),
    Item("change the priority by a word", "`/ticket priority 42 high`", "`priority 42 high`",
         typed("priority {id} high"), {"priority": "high"}, ("ticket.prioritized",)),
    Item("write a note", _FORM, _FORM, filled("note", note="looked at it"), {"note": "looked at it"},
         ("ticket.noted",)),
    Item("write a note by a word", "`/ticket note 42 …`", "`note 42 …`", typed("note {id} looked at it"),
         {"note": "looked at it"}, ("ticket.noted",)),
    Item("write a note below the card", "reply in the thread", "reply in the thread", _below, {"note": "looked at it"},
         ("ticket.noted",)),
    Item("call an expert", _FORM, _FORM, filled("call_expert", skill="routers"), {}, ("ticket.expert_called",)),
    Item("call an expert by a word", "`/ticket expert 42 @Kim …`", "`expert 42 @Kim …`",
         typed("expert {id} @colleague routers"), {}, ("ticket.expert_called",)),
    Item("resolve", _FORM, _FORM, filled("resolve", resolution="rebooted"),
         {"status": "resolved", "resolution": "rebooted"}, ("ticket.resolved",)),
    Item("resolve by a word", "`/ticket resolve 42 …`", "`resolve 42 …`", typed("resolve {id} rebooted"),
         {"status": "resolved", "resolution": "rebooted"}, ("ticket.resolved",)),
    Item("open a ticket again", _BUTTON, _BUTTON, pressed("reopen"), {"status": "assigned"}, ("ticket.reopened",),
         first=("resolve {id}",)),
    Item("open a ticket again by a word", "`/ticket reopen 42 …`", "`reopen 42 …`", typed("reopen {id} still broken"),
         {"status": "assigned"}, ("ticket.reopened",), first=("resolve {id}",)),
    Item("close", _BUTTON, _BUTTON, pressed("close"), {"status": "closed"}, ("ticket.closed",),
         first=("resolve {id}",)),
    Item("close by a word", "`/ticket close 42`", "`close 42`", typed("close {id}"), {"status": "closed"},
         ("ticket.closed",), first=("resolve {id}",)),
    Item("see who is on call", "`/ticket oncall`, Home tab", "`oncall`, `overview`", typed("oncall"),
         shows=("on-call",)),
    Item("merge two tickets", "`/ticket merge 43 42`", "`merge 43 42`", typed("merge {id} 1"),
         {"status": "closed", "parent": 1}, ("ticket.merged",)),
    Item("rate the help", "`/ticket rate 42 5`, buttons of the question", "`rate 42 5`, buttons of the question",
         typed("rate {id} 5 quick"), {"satisfaction": 5}, ("ticket.rated",), first=("resolve {id}",)),
    Item("be told why something is not possible", "seen by the asker alone",
         "in the chat with the bot alone; in a channel below the card", typed("reopen {id}"), shows=("reopen",)),
)  # fmt: skip
