"""Tickets over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import msgspec

from bot.api import shapes
from bot.api.operations import AFTER, CURSOR, LIMIT, Asked, Parameter, operation
from bot.listing import find_tickets
from core import commands as c
from core.desk.desk import Desk
from core.desk.work import API
from core.errors import BadField
from core.model import Category, Customer, PersonRef, Priority, Status, Ticket
from core.store import queries
from core.store.queries import OPEN_STATUSES, TicketFilter

_STATUSES = (*(status.value for status in Status), "open")
_FILTERS = (
    Parameter(
        "status",
        "One status or several, separated by commas; open stands for all that are not resolved or closed.",
        choices=_STATUSES,
        several=True,
    ),
    Parameter(
        "priority",
        "One priority or several, separated by commas.",
        choices=tuple(priority.value for priority in Priority),
        several=True,
    ),
    Parameter("category", "One category.", choices=tuple(category.value for category in Category)),
    Parameter("assignee", "Id, mail address or name of a person."),
    Parameter("source", "Name of a source."),
    Parameter("system", "Name of a system."),
    Parameter("team", "Key of a team."),
    Parameter("q", "Words that words of the title or the description begin with."),
    LIMIT,
    CURSOR,
)


@operation("POST", "/api/v1/tickets", shapes.TicketShown, takes=shapes.NewTicket, status=201)
async def open_ticket(desk: Desk, asked: Asked) -> shapes.TicketShown:
    """Open a ticket."""
    given: shapes.NewTicket = asked.body
    same = {name: getattr(given, name) for name in _SAME}
    command = c.Open(
        **same,
        systems=tuple(dict.fromkeys(given.systems)),
        customer=_customer(desk, given.customer),
        requester=await _person(desk, given.requester),
        assignee=await _person(desk, given.assignee),
    )
    return await _shown(desk, await desk.work.open(command, API, "api"))


_SAME = (
    "title", "description", "category", "priority", "business_impact", "affected_users", "team", "requires_code_fix",
    "affected_repository", "customer_satisfaction_required", "external_references",
)  # fmt: skip


@operation("GET", "/api/v1/tickets", shapes.TicketPage, parameters=_FILTERS)
async def list_tickets(desk: Desk, asked: Asked) -> shapes.TicketPage:
    """List tickets, the newest first; every filter that is given must fit."""
    query = asked.query
    statuses = [(word,) if word != "open" else OPEN_STATUSES for word in query.get("status", ())]
    wanted = TicketFilter(
        statuses=tuple(dict.fromkeys(chain.from_iterable(statuses))),
        priorities=query.get("priority", ()),
        category=query.get("category"),
        assignees=(_known_person(desk, query["assignee"]),) if "assignee" in query else (),
        team=query.get("team"),
        source=query.get("source"),
        system=query.get("system"),
        q=query.get("q"),
        before=query.get("cursor"),
        limit=query.get("limit", 50),
    )
    page, cursor = await find_tickets(desk, wanted)
    ids = [ticket.id for ticket in page if ticket.alerts_total]
    alerts = await desk.database.read(lambda connection: queries.alerts_by_ticket(connection, ids)) if ids else {}
    now = desk.clock.now()
    items = [shapes.ticket_shown(ticket, alerts.get(ticket.id, []), now, desk.policy) for ticket in page]
    return shapes.TicketPage(items, cursor)


@operation("GET", "/api/v1/tickets/{id}", shapes.TicketShown)
async def show_ticket(desk: Desk, asked: Asked) -> shapes.TicketShown:
    """One ticket."""
    return await _shown(desk, await desk.ticket(asked.path["id"]))


@operation(
    "GET",
    "/api/v1/tickets/{id}/timeline",
    shapes.EventPage,
    parameters=(AFTER, LIMIT),
)
async def show_timeline(desk: Desk, asked: Asked) -> shapes.EventPage:
    """What happened to a ticket, in order."""
    after = asked.query.get("after", 0)
    events = await desk.timeline(asked.path["id"], after, asked.query.get("limit", 200))
    return shapes.EventPage([shapes.event_shown(event) for event in events], events[-1].seq if events else after)


@operation("GET", "/api/v1/tickets/{id}/deliveries", shapes.NoticePage)
async def show_deliveries(desk: Desk, asked: Asked) -> shapes.NoticePage:
    """Every notice about a ticket: to whom, every attempt, and how it ended."""
    found = await desk.deliveries(asked.path["id"])
    return shapes.NoticePage([shapes.notice_shown(row, attempts) for row, attempts in found])


Make = Callable[[Any], c.Command]
_VERBS: tuple[tuple[str, str, type[msgspec.Struct], Make], ...] = (
    ("start", "Somebody works on it now.", shapes.EmptyBody, lambda body: c.Start()),
    ("wait", "It waits for somebody else; its clock stops.", shapes.ReasonBody, lambda body: c.Wait(body.reason)),
    ("escalate", "It needs more than it has.", shapes.ReasonBody, lambda body: c.Escalate(body.reason)),
    ("prioritize", "How much it matters.", shapes.PriorityBody, lambda body: c.Prioritize(body.priority)),
    ("note", "Add a note.", shapes.NoteBody, lambda body: c.Note(body.text)),
    ("resolve", "The problem is solved.", shapes.ResolveBody, lambda body: c.Resolve(body.resolution)),
    ("reopen", "It was not solved.", shapes.ReasonBody, lambda body: c.Reopen(body.reason)),
    ("close", "It is over for good.", shapes.EmptyBody, lambda body: c.Close()),
    ("merge", "It is part of another ticket.", shapes.MergeBody, lambda body: c.Merge(body.into)),
    ("split", "Some alerts get a ticket of their own.", shapes.SplitBody, lambda body: c.Split(tuple(body.alerts))),
    ("rate", "How the requester found it, 1 to 5.", shapes.RateBody, lambda body: c.Rate(body.score, body.comment)),
)


def _enter_verb(verb: str, about: str, takes: type[msgspec.Struct], make: Make) -> None:
    async def handler(desk: Desk, asked: Asked) -> shapes.TicketShown:
        return await _execute(desk, asked, make(asked.body))

    handler.__doc__ = about
    optional = not any(field.required for field in msgspec.structs.fields(takes))
    path = f"/api/v1/tickets/{{id}}/{verb}"
    operation("POST", path, shapes.TicketShown, takes=takes, name=f"{verb}_ticket", body_optional=optional)(handler)


for _verb in _VERBS:
    _enter_verb(*_verb)


@operation("POST", "/api/v1/tickets/{id}/assign", shapes.TicketShown, takes=shapes.AssignBody)
async def assign_ticket(desk: Desk, asked: Asked) -> shapes.TicketShown:
    """Somebody is responsible for it: a person's id, or their name."""
    assignee = await _person(desk, asked.body.assignee)
    if assignee is None:
        raise BadField(field="assignee", why="required")
    return await _execute(desk, asked, c.Assign(assignee))


@operation("POST", "/api/v1/tickets/{id}/expert", shapes.TicketShown, takes=shapes.ExpertBody, body_optional=True)
async def call_expert(desk: Desk, asked: Asked) -> shapes.TicketShown:
    """Call an expert: the one named, or the first of the ticket's systems."""
    return await _execute(desk, asked, c.CallExpert(await _person(desk, asked.body.expert), asked.body.skill))


async def _execute(desk: Desk, asked: Asked, command: c.Command) -> shapes.TicketShown:
    version = _version(asked.request.headers.get("If-Match"))
    return await _shown(desk, await desk.work.execute(asked.path["id"], command, API, "api", version))


def _version(header: str | None) -> int | None:
    """The version that ``If-Match`` names; None where any will do. Raises ``BadField``."""
    if header is None or header.strip() == "*":
        return None
    text = header.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadField(field="If-Match", why="not_a_number")
    return int(text)


async def _shown(desk: Desk, ticket: Ticket) -> shapes.TicketShown:
    alerts = await desk.alerts_of(ticket.id) if ticket.alerts_total else []
    return shapes.ticket_shown(ticket, alerts, desk.clock.now(), desk.policy)


async def _person(desk: Desk, given: str | shapes.Ref | None) -> PersonRef | None:
    """Who is meant. The API is trusted: somebody it names who is not known yet is taken by that name."""
    if given is None:
        return None
    wanted = (given.id if isinstance(given, shapes.Ref) else given).strip()
    if not wanted:
        return None
    known = await desk.people.person(_known_person(desk, wanted))
    if known is not None:
        return known.ref
    return PersonRef(wanted, (given.name.strip() if isinstance(given, shapes.Ref) else "") or wanted)


def _known_person(desk: Desk, wanted: str) -> str:
    """The id of the one configured person who goes by that id, mail address or name; else what was given."""
    folded = wanted.strip().casefold()
    named = [
        person.id
        for person in desk.settings.people
        if folded in (person.id.casefold(), person.name.casefold(), (person.email or "").casefold())
    ]
    return named[0] if len(named) == 1 else wanted


def _customer(desk: Desk, given: str | shapes.CustomerGiven | None) -> Customer | None:
    if given is None:
        return None
    return desk.policy.customer(given) if isinstance(given, str) else desk.policy.customer(given.name, given.tier)
