"""Views as the answers that Teams understands: messages, dialogs, results of a search, cards in place.

All bodies are plain dictionaries: the SDK's models of them add nothing, and its own way of sending them fails.
https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/task-modules/task-modules-bots
https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model#response-format
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adaptive_cards import dialog, render
from bot.teams.connector import CARD_TYPE
from core.i18n import Words
from core.views import Form, Home, TicketCard, TicketLine, TicketList, View

Body = dict[str, Any]
_MESSAGE_TYPE = "application/vnd.microsoft.activity.message"
_ERROR_TYPE = "application/vnd.microsoft.error"
_SEARCH_TYPE = "application/vnd.microsoft.search.searchResponse"
_TITLE_LIMIT = 64


def task(view: View, words: Words) -> Body:
    """A form as a dialog, a card in one, any other view as its last words."""
    if isinstance(view, Form):
        form = dialog(view, words)
        info = {"title": form.title[:_TITLE_LIMIT], "height": form.height, "width": form.width}
        return {"task": {"type": "continue", "value": {**info, "card": _card(form.card)}}}
    shown = render(view, words)
    if isinstance(view, TicketCard | TicketList | Home):
        info = {"title": shown.summary[:_TITLE_LIMIT], "height": "large", "width": "medium"}
        return {"task": {"type": "continue", "value": {**info, "card": _card(shown.card)}}}
    return {"task": {"type": "message", "value": shown.summary}}


def in_place(view: View, words: Words) -> Body:
    """The answer to ``Action.Execute``: the card that the clicker sees from now on."""
    return {"statusCode": 200, "type": CARD_TYPE, "value": render(view, words).card}


def told(view: View, words: Words) -> Body:
    """The answer to ``Action.Execute`` as a passing text."""
    return {"statusCode": 200, "type": _MESSAGE_TYPE, "value": render(view, words).summary}


def summary(view: View, words: Words) -> str:
    return render(view, words).summary


def card_error(status: int, code: str, message: str) -> Body:
    """What ``adaptiveCard/action`` expects instead of a card."""
    return {"statusCode": status, "type": _ERROR_TYPE, "value": {"code": code, "message": message}}


def error(code: str, message: str) -> Body:
    return {"error": {"code": code, "message": message}}


def late(name: str, words: Words) -> Body:
    """The answer to an invoke that is still being worked on, in the shape that ``name`` asks for."""
    text = words.text("teams.late")
    if name == "adaptiveCard/action":
        return {"statusCode": 200, "type": _MESSAGE_TYPE, "value": text}
    if name in ("task/fetch", "task/submit", "composeExtension/fetchTask", "composeExtension/submitAction"):
        return {"task": {"type": "message", "value": text}}
    return no_suggestions() if name == "application/search" else nothing_found(text)


def no_suggestions() -> Body:
    """The answer to a search of an input that suggests while somebody types."""
    return {"statusCode": 200, "type": _SEARCH_TYPE, "value": {"results": []}}


def found(tickets: Iterable[TicketLine], words: Words) -> Body:
    """Search results. A click on one asks for its live card (``composeExtension/selectItem``)."""
    return _result("list", [_line(ticket, words) for ticket in tickets])


def nothing_found(text: str) -> Body:
    return {"composeExtension": {"type": "message", "text": text}}


def composed(view: View, words: Words) -> Body:
    """A card to be put into the message that somebody is writing."""
    shown = render(view, words)
    return _result("list", [{**_card(shown.card), "preview": _preview(shown.summary, "")}])


def _result(layout: str, attachments: list[Body]) -> Body:
    return {"composeExtension": {"type": "result", "attachmentLayout": layout, "attachments": attachments}}


def _line(ticket: TicketLine, words: Words) -> Body:
    name = ticket.assignee.name if ticket.assignee else words.text("card.unassigned")
    text = " · ".join((words.name(ticket.priority), words.name(ticket.status), name))
    preview = _preview(f"#{ticket.id} {ticket.title}", text, {"ticket_id": ticket.id})
    card = render(TicketList(tickets=(ticket,)), words).card
    return {**_card(card), "preview": preview}


def _preview(title: str, text: str, tap: Body | None = None) -> Body:
    """A thumbnail without a picture. Teams may read its texts as HTML, so that they hold nothing like it."""
    content: Body = {"title": _plain(title), "text": _plain(text)}
    if tap is not None:
        content["tap"] = {"type": "invoke", "value": tap}
    return {"contentType": "application/vnd.microsoft.card.thumbnail", "content": content}


def _plain(text: str) -> str:
    return text.replace("<", "‹").replace(">", "›")[:300]


def _card(card: Body) -> Body:
    return {"contentType": CARD_TYPE, "content": card}
