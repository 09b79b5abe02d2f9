"""A page of tickets: two lines and a button for each, and a button that turns the page."""

from __future__ import annotations

from functools import partial

from blocks import facts
from blocks.actions import button
from blocks.rendered import BLOCKS_ROOM, MESSAGE_ROOM, Block, Rendered, rendered, size
from blocks.text import inert, one_line, plain, title
from core.i18n import Words
from core.views import TicketLine, TicketList

_QUERY_LIMIT = 100
_VALUE_LIMIT = 2000


def ticket_list(page: TicketList, words: Words) -> Rendered:
    query = one_line(page.query, _QUERY_LIMIT)
    heading = words.text("list.title_query", query=query) if query else words.text("list.title")
    blocks: list[Block] = [{"type": "header", "text": plain(heading, 150)}]
    if not page.tickets:
        nothing = words.text("list.empty_query", query=query) if query else words.text("list.empty")
        return rendered(inert(nothing), [*blocks, {"type": "section", "text": plain(nothing)}])
    blocks += lines(page, words, MESSAGE_ROOM - size(blocks), BLOCKS_ROOM - len(blocks))
    told = [f"#{line.id} {inert(title(line.title))}" for line in page.tickets]
    return rendered(f"{_count(len(page.tickets), words)}: {'; '.join(told)}", blocks)


def lines(page: TicketList, words: Words, room: int, count: int) -> list[Block]:
    """The tickets as far as they fit into ``room`` characters and ``count`` blocks, and how many were left out."""
    turn = _turn(page, words)
    room -= size(turn) + 200
    shown: list[Block] = []
    for block in map(partial(line, words=words), page.tickets):
        room -= size(block) + 1
        if room < 0 or len(shown) >= count - 2:
            break
        shown.append(block)
    left_out = len(page.tickets) - len(shown)
    if left_out:
        more = words.text("list.more", n=words.number(left_out))
        shown.append({"type": "context", "elements": [plain(more)]})
    return shown + turn


def line(ticket: TicketLine, words: Words) -> Block:
    """One ticket: its title, how it stands, and the button that shows it."""
    heading = words.text("card.heading", id=ticket.id)
    return {
        "type": "section",
        "text": plain(f"#{ticket.id}  {title(ticket.title)}\n{_standing(ticket, words)}"),
        "accessory": button("show", words.text("action.show"), {"ticket": ticket.id}, spoken=heading),
    }


def _standing(line: TicketLine, words: Words) -> str:
    calm = not line.status.is_open
    parts = [
        words.name(line.priority) if calm else facts.priority(line.priority, words),
        ("✅ " if calm else "") + words.name(line.status),
        facts.person(line.assignee, words),
    ]
    if not calm and (line.sla.remaining is not None or line.sla.resolution_due):
        parts.append(facts.time_left(line.sla, words))
    return " · ".join(parts)


def _turn(page: TicketList, words: Words) -> list[Block]:
    if not page.next_cursor:
        return []
    made = button("list", words.text("list.next"), {"query": one_line(page.query, 1000), "cursor": page.next_cursor})
    if len(made["value"]) > _VALUE_LIMIT:
        return []
    return [{"type": "actions", "elements": [made]}]


def _count(count: int, words: Words) -> str:
    return words.text("list.summary_one") if count == 1 else words.text("list.summary", n=words.number(count))
