"""What waits for one person, queue by queue: what the Home tab is in Slack, as a card that anybody can ask for.

Two buttons turn the pages of each queue. Each carries the pages of all queues, so that the others stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator

from adaptive_cards.actions import submit
from adaptive_cards.card import Rendered, rendered
from adaptive_cards.elements import Element, action_set, heading, paragraph, remark, run
from adaptive_cards.text import Room, capital
from adaptive_cards.ticket_list import row
from core.i18n import Words
from core.views import HOME_COUNTED, HOME_PAGE, Home, HomePart

_ON_CALL = 20


def render(view: Home, words: Words) -> Rendered:
    counts = ", ".join(f"{words.text(f'list.{part.name}')} {_total(part, words)}" for part in view.parts)
    summary = words.text("teams.titled", title=words.text("overview.title"), text=counts)
    new = submit(words.text("action.create"), {"action": "create", "msteams": {"type": "task/fetch"}})
    again = submit(words.text("overview.again"), {"action": "overview", **_pages(view)})
    return rendered(summary, lambda room: _body(view, words, room), [new, again])


def _body(view: Home, words: Words, room: Room) -> list[Element]:
    body = [paragraph(run(words.text("overview.title"), size="large", weight="bolder"))]
    for part in view.parts:
        body += _part(part, _pages(view), words, room)
    if view.on_call:
        body.append(heading(words.text("home.on_call"), separator=True))
        named = [(room.line(what, 100), room.line(who.name, 80)) for what, who in view.on_call[:_ON_CALL]]
        body += [paragraph(f"{what}: {who}" if what else who, spacing="small") for what, who in named]
    return [*body, remark(words.text("list.updated", time=words.moment(view.at)), separator=True)]


def _part(part: HomePart, pages: dict[str, int], words: Words, room: Room) -> Iterator[Element]:
    yield heading(words.text(f"list.{part.name}"), separator=True, size="medium")
    if not part.tickets:
        yield remark(capital(words.text(f"home.nothing_{part.name}")), spacing="small")
        return
    for ticket in part.tickets:
        yield row(ticket, words, room)
    last = part.first + len(part.tickets)
    if part.total <= len(part.tickets):
        return
    numbers = {"first": words.number(part.first + 1), "last": words.number(last), "total": _total(part, words)}
    yield remark(words.text("home.range", **numbers), spacing="small")
    page = part.first // HOME_PAGE
    turns = (("overview.previous", page - 1, part.first > 0), ("overview.next", page + 1, last < part.total))
    yield action_set(
        [
            submit(
                words.text(key, part=words.text(f"list.{part.name}")), {"action": "overview", **pages, part.name: other}
            )
            for key, other, there in turns
            if there
        ]
    )


def _pages(view: Home) -> dict[str, int]:
    return {part.name: part.first // HOME_PAGE for part in view.parts if part.first}


def _total(part: HomePart, words: Words) -> str:
    return words.number(part.total) + ("+" if part.total >= HOME_COUNTED else "")
