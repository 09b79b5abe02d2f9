"""The App Home: what waits for one person, queue by queue, each a page at a time.

Slack takes 100 blocks and 250 KB in a view; the parts of a home with their pages of a few tickets stay far below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from blocks import facts
from blocks.actions import button
from blocks.rendered import Block, Rendered, rendered
from blocks.text import mrkdwn, one_line, plain
from blocks.ticket_list import line
from core.i18n import Words
from core.model import PersonRef
from core.views import HOME_COUNTED, HOME_PAGE, Home, HomePart

_ON_CALL_LIMIT = 20
# The id and the value of the button that turns a part to a page; ``number`` tells two in one row apart.
Turn = Callable[[HomePart, int, int], tuple[str, dict[str, Any]]]


def home(view: Home, words: Words) -> Block:
    """A view of type home. A button that turns a page is ``home_page_<n>`` with the part and the page as its value."""
    new = button("create", words.text("action.create"), {})
    create: Block = {"type": "actions", "elements": [{**new, "style": "primary"}]}
    return {"type": "home", "callback_id": "home", "blocks": [create, *_parts(view, words, _turned_home)]}


def overview(view: Home, words: Words) -> Rendered:
    """The same as a message; a button that turns a page is ``overview_<n>`` with the page of each part as its value."""
    first = {part.name: part.first // HOME_PAGE for part in view.parts if part.first}
    counts = [f"{words.text(f'list.{part.name}')}: {words.number(part.total)}" for part in view.parts]
    return rendered("; ".join(counts), _parts(view, words, partial(_turned_overview, first)))


def _turned_home(part: HomePart, page: int, number: int) -> tuple[str, dict[str, Any]]:
    return f"home_page_{number}", {"part": part.name, "page": page}


def _turned_overview(first: dict[str, int], part: HomePart, page: int, number: int) -> tuple[str, dict[str, Any]]:
    return f"overview_{number}", {**first, part.name: page}


def _parts(view: Home, words: Words, turn: Turn) -> list[Block]:
    blocks: list[Block] = []
    for part in view.parts:
        blocks += _part(part, words, turn)
    if view.on_call:
        blocks += _on_call(view.on_call, words)
    as_of = words.text("list.updated", time=facts.due(view.at, words))
    return [*blocks, {"type": "context", "elements": [mrkdwn(as_of)]}]


def _part(part: HomePart, words: Words, turn: Turn) -> list[Block]:
    head: Block = {"type": "header", "text": plain(words.text(f"list.{part.name}"), 150)}
    if not part.tickets:
        return [head, {"type": "context", "elements": [plain(words.text(f"home.nothing_{part.name}"))]}]
    shown = [line(ticket, words) for ticket in part.tickets]
    if part.total <= len(part.tickets):
        return [head, *shown]
    return [head, *shown, *_turn(part, words, turn)]


def _turn(part: HomePart, words: Words, turn: Turn) -> list[Block]:
    """Which tickets are shown of how many, and the buttons to the others."""
    last = part.first + len(part.tickets)
    total = words.number(part.total) + ("+" if part.total >= HOME_COUNTED else "")
    told = words.text("home.range", first=words.number(part.first + 1), last=words.number(last), total=total)
    page, buttons = part.first // HOME_PAGE, []
    for number, other, key, there in (
        (1, page - 1, "list.previous", part.first > 0),
        (2, page + 1, "list.next", last < part.total),
    ):
        if there:
            name, value = turn(part, other, number)
            buttons.append(button(name, words.text(key), value, spoken=words.text(f"list.{part.name}")))
    return [{"type": "context", "elements": [plain(told)]}, {"type": "actions", "elements": buttons}]


def _on_call(on_call: Sequence[tuple[str, PersonRef]], words: Words) -> list[Block]:
    told = [
        f"{one_line(what, 100)}: {facts.person(who, words)}" if one_line(what, 100) else facts.person(who, words)
        for what, who in on_call[:_ON_CALL_LIMIT]
    ]
    head: Block = {"type": "header", "text": plain(words.text("home.on_call"), 150)}
    return [head, {"type": "section", "text": plain("\n".join(told), 3000)}]
