"""A short answer to one person: done, or why not."""

from __future__ import annotations

from adaptive_cards.card import Rendered, rendered
from adaptive_cards.elements import Element, container, heading, paragraph
from adaptive_cards.text import Room
from core.i18n import Words
from core.views import Message


def render(view: Message, words: Words) -> Rendered:
    return rendered(_said(view, words, Room()), lambda room: _body(view, words, room))


def _said(view: Message, words: Words, room: Room) -> str:
    facts = words.refusal(view.facts) if view.is_error else view.facts
    return room.say(words, view.key, facts, limit=1200)


def _body(view: Message, words: Words, room: Room) -> list[Element]:
    said = paragraph(_said(view, words, room))
    if not view.is_error:
        return [said]
    return [container([heading(f"⚠ {words.text('teams.not_done')}", color="attention"), said], style="attention")]
