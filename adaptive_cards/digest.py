"""Many new tickets in one message that is edited in place: the counts, and the newest with their buttons."""

from __future__ import annotations

from adaptive_cards.actions import open_url
from adaptive_cards.card import Rendered, rendered
from adaptive_cards.elements import Element, facts, paragraph, remark, run
from adaptive_cards.text import Room
from adaptive_cards.ticket_list import row
from core.i18n import Words
from core.views import Digest


def render(view: Digest, words: Words) -> Rendered:
    heading = words.text("digest.heading", n=words.number(view.total))
    opener = open_url(words.text("digest.open_list"), view.link)
    return rendered(heading, lambda room: _body(view, heading, words, room), opener)


def _body(view: Digest, heading: str, words: Words, room: Room) -> list[Element]:
    number = words.number
    body = [
        paragraph(run(heading, size="large", weight="bolder")),
        paragraph(words.text("digest.explain")),
        paragraph(words.text("digest.since", since=words.moment(view.since), open=number(view.open))),
    ]
    pairs = [(words.name(priority), number(n)) for priority, n in view.priorities]
    pairs += [(room.line(system, 80), number(n)) for system, n in view.systems]
    if pairs:
        body.append(facts(pairs))
    body += [row(ticket, words, room) for ticket in view.newest]
    hidden = view.total - len(view.newest)
    if hidden > 0:
        body.append(remark(words.text("digest.more", n=number(hidden)), separator=True))
    return body
