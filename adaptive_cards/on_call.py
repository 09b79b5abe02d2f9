"""Who is on call, a line for each schedule."""

from __future__ import annotations

from adaptive_cards.card import Rendered, rendered
from adaptive_cards.elements import Element, heading, paragraph
from adaptive_cards.text import Room, line
from core.i18n import Words
from core.views import OnCallList

_LIMIT = 40


def render(view: OnCallList, words: Words) -> Rendered:
    told = " · ".join(_lines(view, words, Room()))
    return rendered(line(told, 300), lambda room: _body(view, words, room))


def _lines(view: OnCallList, words: Words, room: Room) -> list[str]:
    shown = view.lines[: room.rows(_LIMIT)]
    return [room.say(words, each.key, each.facts) for each in shown] or [words.text("oncall.none")]


def _body(view: OnCallList, words: Words, room: Room) -> list[Element]:
    lines = [paragraph(text, spacing="small") for text in _lines(view, words, room)]
    return [heading(words.text("home.on_call")), *lines] if view.lines else lines
