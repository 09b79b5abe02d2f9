"""A short answer to one person: done, or why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adaptive_cards.card import Rendered, rendered
from adaptive_cards.elements import Element, container, heading, paragraph
from adaptive_cards.text import Room
from core.i18n import Words
from core.views import Message

# Facts of a refusal that are names of the program; the catalogue has a word for each.
_NAMED = {"verb": "verb", "legal": "verb", "field": "field", "what": "what"}


def render(view: Message, words: Words) -> Rendered:
    return rendered(_said(view, words, Room()), lambda room: _body(view, words, room))


def _said(view: Message, words: Words, room: Room) -> str:
    facts = dict(_named(view.facts, words)) if view.is_error else view.facts
    return room.say(words, view.key, facts, limit=1200)


def _named(facts: Mapping[str, Any], words: Words) -> Iterator[tuple[str, Any]]:
    for name, value in facts.items():
        if name in _NAMED:
            names = value if isinstance(value, (list, tuple)) else [value]
            yield name, [_word(f"{_NAMED[name]}.{item}", str(item), words) for item in names]
        elif name == "why" and words.has(f"error.field.{value}"):
            yield name, words.say(f"error.field.{value}", facts, str)
        else:
            yield name, value


def _word(key: str, otherwise: str, words: Words) -> str:
    return words.text(key) if words.has(key) else otherwise


def _body(view: Message, words: Words, room: Room) -> list[Element]:
    said = paragraph(_said(view, words, room))
    if not view.is_error:
        return [said]
    return [container([heading(f"⚠ {words.text('teams.not_done')}", color="attention"), said], style="attention")]
