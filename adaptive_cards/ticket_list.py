"""One page of tickets: a row for each with a button that shows its card, and a button that turns the page."""

from __future__ import annotations

from adaptive_cards import sla
from adaptive_cards.actions import submit, verb
from adaptive_cards.card import Rendered, rendered
from adaptive_cards.elements import Element, action_set, columns, paragraph, priority_mark, remark, run
from adaptive_cards.text import Room, capital
from core.i18n import Words
from core.views import TicketLine, TicketList

ROWS = 25
# What a page's button has to carry: more than any cursor, and any query that a person would type.
_CARRIED = 1000


def render(view: TicketList, words: Words) -> Rendered:
    return rendered(_summary(view, words), lambda room: _body(view, words, room), _next_page(view, words))


def _summary(view: TicketList, words: Words) -> str:
    query = Room().line(view.query, 80)
    if not view.tickets:
        return words.text("list.empty_query", query=query) if query else words.text("list.empty")
    title = words.text("list.title_query", query=query) if query else words.text("list.title")
    count = len(view.tickets)
    number = words.text("list.summary_one") if count == 1 else words.text("list.summary", n=words.number(count))
    return words.text("teams.titled", title=title, text=number)


def _body(view: TicketList, words: Words, room: Room) -> list[Element]:
    query = room.line(view.query, 80)
    title = words.text("list.title_query", query=query) if query else words.text("list.title")
    body = [paragraph(run(title, size="large", weight="bolder"))]
    if not view.tickets:
        return [*body, paragraph(words.text("list.empty_query", query=query) if query else words.text("list.empty"))]
    shown = view.tickets[: room.rows(ROWS)]
    body += [row(ticket, words, room) for ticket in shown]
    hidden = len(view.tickets) - len(shown)
    if hidden:
        body.append(remark(words.text("teams.more_rows", n=words.number(hidden)), separator=True))
    return body


def row(ticket: TicketLine, words: Words, room: Room) -> Element:
    name = room.line(ticket.assignee.name, 60) if ticket.assignee else words.text("card.unassigned")
    rest = [words.name(ticket.status), name, sla.left(ticket.sla, words)]
    told = [
        paragraph(run(f"#{ticket.id} ", weight="bolder"), room.line(ticket.title, 140)),
        paragraph(
            priority_mark(ticket.priority, capital(words.name(ticket.priority))),
            run("".join(f" · {text}" for text in rest if text), isSubtle=True),
            spacing="none",
        ),
    ]
    show = verb(words, "show", ticket.id, None)
    return columns(("stretch", told), ("auto", [action_set([show])]), separator=True)


def _next_page(view: TicketList, words: Words) -> list[Element]:
    if not view.next_cursor or len(view.query) + len(view.next_cursor) > _CARRIED:
        return []
    return [submit(words.text("list.next"), {"action": "list", "query": view.query, "cursor": view.next_cursor})]
