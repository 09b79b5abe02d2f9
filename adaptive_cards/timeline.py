"""The story of a ticket, oldest first. Where it does not fit, the newest part of it."""

from __future__ import annotations

from datetime import datetime

from adaptive_cards.card import Rendered, rendered
from adaptive_cards.elements import Element, paragraph, remark, run
from adaptive_cards.notice import quoted, sentence
from adaptive_cards.text import Room, line
from core.i18n import Words
from core.views import Notice, Timeline

ENTRIES = 30


def render(view: Timeline, words: Words) -> Rendered:
    summary = words.text("timeline.summary", id=view.ticket_id, title=line(view.title, 160))
    return rendered(summary, lambda room: _body(view, words, room))


def _body(view: Timeline, words: Words, room: Room) -> list[Element]:
    body = [
        paragraph(run(words.text("timeline.title", id=view.ticket_id), size="large", weight="bolder")),
        paragraph(run(room.line(view.title, 250), weight="bolder"), spacing="small"),
    ]
    if not view.entries:
        return [*body, paragraph(words.text("timeline.empty"))]
    shown = view.entries[-room.rows(ENTRIES) :]
    hidden = len(view.entries) - len(shown)
    if hidden:
        body.append(remark(words.text("timeline.earlier", n=words.number(hidden)), separator=True))
    for at, notice in shown:
        body += _entry(at, notice, words, room)
    return body


def _entry(at: datetime, notice: Notice, words: Words, room: Room) -> list[Element]:
    return [
        remark(words.moment(at), separator=True),
        paragraph(sentence(notice, words, room), spacing="none"),
        *quoted(notice.body, room, 300),
    ]
