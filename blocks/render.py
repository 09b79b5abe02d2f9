"""One function per kind of view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blocks.digest import digest
from blocks.form import form_message
from blocks.help import help_page
from blocks.home import overview
from blocks.message import message
from blocks.notice import notice
from blocks.on_call import on_call
from blocks.rating import rating_request
from blocks.rendered import Rendered
from blocks.ticket_card import ticket_card
from blocks.ticket_list import ticket_list
from blocks.timeline import timeline
from core.i18n import Words
from core.views import (
    Digest,
    Form,
    Help,
    Home,
    Message,
    Notice,
    OnCallList,
    RatingRequest,
    TicketCard,
    TicketList,
    Timeline,
    View,
)

_RENDERERS: dict[type[Any], Callable[[Any, Words], Rendered]] = {
    Digest: digest,
    TicketCard: ticket_card,
    TicketList: ticket_list,
    Form: form_message,
    RatingRequest: rating_request,
    Help: help_page,
    Message: message,
    Timeline: timeline,
    OnCallList: on_call,
    Home: overview,
}


def render(view: View, words: Words, *, in_thread: bool = False) -> Rendered:
    """The message that shows ``view`` to a reader of ``words``: at most 50 blocks and 13,000 characters.

    A ``Form`` becomes a button that opens it; where there is a trigger, use ``modal``. ``in_thread`` is for a notice
    that stands below its ticket's card. Raises KeyError for a catalogue key or a fact that is missing.
    """
    if isinstance(view, Notice):
        return notice(view, words, in_thread=in_thread)
    return _RENDERERS[type(view)](view, words)
