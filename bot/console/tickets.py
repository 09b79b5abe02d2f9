"""The list of tickets, and the page of one: its facts, alerts, story and deliveries, and the moves it can make."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import msgspec
from aiohttp import web

from bot.bodies import Refused
from bot.commands.call import Call, Dispatcher
from bot.console.entrance import Entrance, Visitor, see
from bot.console.pages import Page, asked_number, whole
from bot.listing import find_tickets
from core.commands import TEXT_LIMIT
from core.desk import news
from core.desk.desk import Desk
from core.desk.show import actions_of
from core.model import Category, Event, Priority, Status, Ticket
from core.store import queries, ratings
from core.store.queries import OPEN_STATUSES, TicketFilter
from core.views import Form, Message, Notice, View

_PAGE = 50
_STORY = 200
# What can be posted to a ticket, and the fields of its form; the names are those of the commands.
MOVES: dict[str, tuple[str, ...]] = {
    "assign_to_me": (),
    "assign": ("assignee",),
    "start": (),
    "wait": ("reason",),
    "escalate": ("reason",),
    "priority": ("priority",),
    "note": ("note",),
    "expert": ("expert", "skill"),
    "resolve": ("resolution",),
    "reopen": (),
    "close": (),
}


class Asked(msgspec.Struct, frozen=True):
    """The filters of the list as they stand in its form."""

    status: str = "open"
    priority: str = ""
    category: str = ""
    assignee: str = ""
    system: str = ""
    q: str = ""


class Tickets:
    def __init__(self, desk: Desk, dispatch: Dispatcher, entrance: Entrance) -> None:
        self._desk = desk
        self._dispatch = dispatch
        self._entrance = entrance

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/", self._entrance.admit(self.list))
        app.router.add_get("/tickets/{id}", self._entrance.admit(self.show))
        app.router.add_post("/tickets/{id}/{move}", self._entrance.admit(self.move))

    async def list(self, request: web.Request, visitor: Visitor) -> web.Response:
        desk, query = self._desk, request.query
        asked = Asked(
            status=_one_of((*Status, "open", "all"), query.get("status"), "open"),
            priority=_one_of(Priority, query.get("priority"), ""),
            category=_one_of(Category, query.get("category"), ""),
            assignee=query.get("assignee", "")[:200],
            system=query.get("system", "")[:200],
            q=query.get("q", "")[:200],
        )
        page, cursor = await find_tickets(desk, _filter(asked, visitor.person.id, query.get("cursor")))
        now = desk.clock.now()
        since = now - timedelta(days=1)
        return visitor.page.respond(
            "tickets.html",
            asked=asked,
            rows=[(ticket, desk.policy.sla.facts(ticket, now)) for ticket in page],
            cursor=cursor,
            people=desk.settings.people,
            figures=await desk.database.read(lambda connection: queries.stats(connection, since)),
            satisfaction=await desk.database.read(lambda connection: ratings.summary(connection, now)),
            team_names={key: team.name for key, team in desk.settings.teams.items()},
            statuses=Status,
            priorities=tuple(reversed(Priority)),
            categories=Category,
        )

    async def show(self, request: web.Request, visitor: Visitor) -> web.Response:
        return await self._show(request, visitor)

    async def move(self, request: web.Request, visitor: Visitor) -> web.Response:
        ticket_id, name = asked_number(request, "ticket"), request.match_info["move"]
        if name not in MOVES:
            raise Refused(404, "not_found", "there is no such move")
        fields = {field: visitor.form.get(field, "").strip() for field in MOVES[name]}
        call = Call(
            name=name,
            by=visitor.person,
            origin="console",
            words=visitor.page.words,
            ticket_id=ticket_id,
            fields={field: value for field, value in fields.items() if value},
            submitted=True,
        )
        said, refused = _said(await self._dispatch(call), visitor.page)
        visitor.page.path = f"/tickets/{ticket_id}"
        if refused:
            return await self._show(request, visitor, said, {name: fields})
        response = see(visitor.page.path)
        self._entrance.tell_next(request, response, said)
        return response

    async def _show(
        self,
        request: web.Request,
        visitor: Visitor,
        problem: str | None = None,
        typed: dict[str, dict[str, str]] | None = None,
    ) -> web.Response:
        desk, ticket_id = self._desk, asked_number(request, "ticket")
        ticket = await desk.ticket(ticket_id)
        after = whole(request.query.get("after", "")) or 0
        story = await desk.timeline(ticket_id, after, _STORY)
        deliveries = await desk.deliveries(ticket_id)
        told = {notice.person_id for notice, _ in deliveries if notice.person_id}
        found = [await desk.people.person(person_id) for person_id in told]
        return visitor.page.respond(
            "ticket.html",
            409 if problem else 200,
            ticket=ticket,
            sla=desk.policy.sla.facts(ticket, desk.clock.now()),
            alerts=await desk.alerts_of(ticket_id) if ticket.alerts_total else [],
            story=[(event, self._news(event, ticket)) for event in story],
            earlier=after > 0,
            later=story[-1].seq if len(story) == _STORY else None,
            deliveries=deliveries,
            names={person.id: person.name for person in found if person is not None},
            actions=actions_of(ticket),
            people=desk.settings.people,
            priorities=tuple(reversed(Priority)),
            problem=problem,
            typed=typed or {},
            text_limit=TEXT_LIMIT,
        )

    def _news(self, event: Event, ticket: Ticket) -> Notice:
        return news.notice(event, ticket, self._desk.policy)


def _filter(asked: Asked, visitor_id: str, cursor: str | None) -> TicketFilter:
    statuses = {"open": OPEN_STATUSES, "all": ()}.get(asked.status, (asked.status,))
    assignee = visitor_id if asked.assignee == "me" else asked.assignee
    return TicketFilter(
        statuses=statuses,
        priorities=(asked.priority,) if asked.priority else (),
        category=asked.category or None,
        assignees=(assignee,) if assignee else (),
        system=asked.system or None,
        q=asked.q.replace("\0", "").strip() or None,
        before=whole(cursor or ""),
        limit=_PAGE,
    )


def _said(view: View, page: Page) -> tuple[str, bool]:
    """What a command answered, in a sentence, and whether it was refused."""
    words = page.words
    if isinstance(view, Message):
        return page.said(view.key, words.refusal(view.facts) if view.is_error else view.facts), view.is_error
    if isinstance(view, Form):
        labels = {field.name: words.text(field.label_key) for field in view.fields}
        wrong = [f"{labels.get(e.field, e.field)}: {page.said(e.key, e.facts)}" for e in view.errors]
        return " ".join(wrong) or words.text("error.field.required"), True
    return words.text("console.done"), False


def _one_of(known: Iterable[str], given: str | None, otherwise: str) -> str:
    return given if given is not None and given in tuple(known) else otherwise
