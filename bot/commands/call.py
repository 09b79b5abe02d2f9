"""One ask of one person, the same from every door: a slash command, a button, a card submit, an API call."""

from __future__ import annotations

from typing import Protocol

import msgspec

from core.i18n import Words
from core.model import Person
from core.views import View


class Call(msgspec.Struct, frozen=True):
    """``name`` is a command, an alias of one, or a card's action id (``assign_to_me``, ``change_priority`` ...).

    ``text`` holds the words after the command; a mention of a person stands in it as ``<@person-id>`` with Deskbell's
    own id. ``ticket_id`` and ``version`` come from the card that was clicked, ``fields`` from a submitted form (empty:
    a command that needs input answers with its ``Form``). ``place`` says where it was asked, as far as it is known:
    ``platform``, ``channel``, ``thread``, ``permalink``, ``event`` (the platform's name of this request), ``quote``
    (text of the message that a ticket is made from), ``requester`` (id of the person who wrote that), ``source`` (that
    message itself: the ticket is answered in its thread).
    """

    name: str
    by: Person
    origin: str
    words: Words
    text: str = ""
    ticket_id: int | None = None
    version: int | None = None
    fields: dict[str, str] = {}
    submitted: bool = False
    place: dict[str, str] = {}

    @property
    def once(self) -> str | None:
        """A name of this very request where its platform gives one, so that it is carried out once."""
        event = self.place.get("event")
        return f"{self.origin} {event}" if event else None


class Dispatcher(Protocol):
    async def __call__(self, call: Call) -> View:
        """Do what was asked and return what the asker should see.

        A ``Form`` is to be opened as a modal or dialog (with ``errors`` when a submitted one was refused); everything
        else is shown to the asker alone. Refusals are views too (``Message`` with ``is_error``); only a defect raises.
        """
