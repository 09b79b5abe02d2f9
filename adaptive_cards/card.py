"""The frame around every card: version, a text for clients too old for it, and the limit of size.

Teams refuses a message over about 28 KB on its oldest doors and 100 KB on its newest, counted after JSON escaping.
Every card stays within 25 KB, whatever is in it: texts give way by halves until it fits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from adaptive_cards.elements import Element
from adaptive_cards.text import Room, line, markdown

Card = dict[str, Any]

VERSION = "1.4"
SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
SIZE_LIMIT = 25_000
SUMMARY_LIMIT = 250
_SHARES = tuple(1 / 2**n for n in range(9))


class Rendered(msgspec.Struct, frozen=True):
    """``card`` is the Adaptive Card, ``summary`` a sentence without markup for toasts and the activity feed."""

    card: Card
    summary: str


def wire_size(card: Card) -> int:
    """Bytes of the card as the Bot Framework's client sends it: ASCII, with the default separators."""
    return len(json.dumps(card))


def framed(
    body: Sequence[Element], summary: str, actions: Sequence[Element] = (), refresh: Element | None = None
) -> Card:
    card: Card = {
        "$schema": SCHEMA,
        "type": "AdaptiveCard",
        "version": VERSION,
        "fallbackText": markdown(line(summary, SUMMARY_LIMIT)),
        "body": list(body),
    }
    if actions:
        card["actions"] = list(actions)
    if refresh is not None:
        card["refresh"] = refresh
    return card


def fitted(build: Callable[[Room], Card]) -> Card:
    """The card with as much text as the limit allows.

    Raises ValueError if it does not fit even with next to no text, which takes data that nobody can shorten (a form's
    context).
    """
    for share in _SHARES:
        card = build(Room(share))
        if wire_size(card) <= SIZE_LIMIT:
            return card
    raise ValueError(f"a card of more than {SIZE_LIMIT} bytes that cannot be shortened")


def rendered(
    summary: str,
    body: Callable[[Room], Sequence[Element]],
    actions: Sequence[Element] = (),
    refresh: Element | None = None,
) -> Rendered:
    """A whole view: ``body`` is called with less and less room until the card fits."""
    summary = line(summary, SUMMARY_LIMIT)
    return Rendered(fitted(lambda room: framed(body(room), summary, actions, refresh)), summary)
