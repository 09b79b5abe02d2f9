"""Views as Adaptive Cards 1.4 for Microsoft Teams: pure, one file for each view.

``render`` answers with a card and its summary, ``dialog`` with a form for a Teams dialog.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adaptive_cards import (
    digest,
    form,
    help,
    home,
    message,
    notice,
    on_call,
    rating,
    ticket_card,
    ticket_list,
    timeline,
)
from adaptive_cards.card import SIZE_LIMIT, Rendered, wire_size
from adaptive_cards.form import Dialog, dialog
from adaptive_cards.notice import calling
from adaptive_cards.ticket_card import for_readers
from core import views
from core.i18n import Words

__all__ = ["SIZE_LIMIT", "Dialog", "Rendered", "calling", "dialog", "for_readers", "render", "wire_size"]

_RENDERERS: dict[type[Any], Callable[[Any, Words], Rendered]] = {
    views.Digest: digest.render,
    views.TicketCard: ticket_card.render,
    views.TicketList: ticket_list.render,
    views.Form: form.render,
    views.RatingRequest: rating.render,
    views.Help: help.render,
    views.Message: message.render,
    views.Timeline: timeline.render,
    views.OnCallList: on_call.render,
    views.Home: home.render,
}


def render(view: views.View, words: Words, *, below: bool = False) -> Rendered:
    """``view`` in the reader's language and time zone; news ``below`` the ticket's card are a line of its thread.

    Raises ValueError as ``dialog`` does.
    """
    if isinstance(view, views.Notice):
        return notice.render(view, words, below=below)
    return _RENDERERS[type(view)](view, words)
