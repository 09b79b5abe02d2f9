"""The question how it went, with the five answers as buttons; afterwards, thanks."""

from __future__ import annotations

from adaptive_cards.actions import submit
from adaptive_cards.card import Rendered, rendered
from adaptive_cards.elements import Element, paragraph, run
from adaptive_cards.notice import quoted, redirected
from adaptive_cards.text import Room, line
from core.i18n import Words
from core.views import RatingRequest

SCORES = (1, 2, 3, 4, 5)


def render(view: RatingRequest, words: Words) -> Rendered:
    if view.score is not None:
        thanks = words.text("rating.thanks", id=view.ticket_id, score=view.score)
        return rendered(thanks, lambda room: _thanks(thanks, view, room), _more(view, words))
    summary = words.text("rating.summary", id=view.ticket_id, title=line(view.title, 120))
    buttons = [
        submit(words.text(f"rating.{score}"), {"action": "rate", "ticket_id": view.ticket_id, "score": score})
        for score in SCORES
    ]
    return rendered(summary, lambda room: _question(view, words, room), buttons)


def _thanks(thanks: str, view: RatingRequest, room: Room) -> list[Element]:
    return [paragraph(thanks), _title(view, room), *quoted(view.comment, room)]


def _more(view: RatingRequest, words: Words) -> list[Element]:
    """The way to say more, until something was said."""
    if view.comment:
        return []
    data = {"action": "rate", "ticket_id": view.ticket_id, "msteams": {"type": "task/fetch"}}
    return [submit(words.text("rating.add_comment"), data)]


def _question(view: RatingRequest, words: Words, room: Room) -> list[Element]:
    return [
        paragraph(run(words.text("rating.ask"), size="large", weight="bolder")),
        _title(view, room),
        paragraph(words.text("rating.explain", id=view.ticket_id)),
        *redirected(view.redirected, words, room),
    ]


def _title(view: RatingRequest, room: Room) -> Element:
    return paragraph(run(room.line(view.title, 250), weight="bolder"), spacing="small")
