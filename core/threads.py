"""Threads below tickets' cards, as the doors of the chat platforms see them: what is written there are notes."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from core.model import PersonRef


class Thread(msgspec.Struct, frozen=True):
    """The messages below ``message``, which was posted at ``at``, in a channel or conversation of a platform."""

    platform: str
    channel: str
    message: str
    at: datetime


class Written(msgspec.Struct, frozen=True):
    """A message that somebody wrote about a ticket elsewhere, as it is now.

    ``source_id`` names it for ever (``slack:C024:1764000000.000100``). ``place`` says where it stands: ``platform``,
    ``channel`` and the ``message`` that heads the thread. ``revision`` grows with its edits as text does in order; ""
    is what it said at first.
    """

    source_id: str
    by: PersonRef
    text: str
    place: dict[str, str]
    revision: str = ""


class CardUnderway(Exception):
    """A card is being posted, and it is not known yet where; the same may be asked again in a moment."""


class Threads(Protocol):
    """The doors may hear of a message late, several times and out of order; each is one note that says its newest."""

    async def ticket_of(self, thread: Thread) -> int | None:
        """The ticket whose card heads the thread. Raises CardUnderway while that may turn out."""

    async def wrote(self, ticket_id: int, written: Written) -> None:
        """Note a message, or what it says now. Anybody who can write there may. Raises ``DeskError``."""

    async def deleted(self, ticket_id: int, source_id: str, by: PersonRef) -> None:
        """The message is no longer there: what it said is taken out of the history, and not told any more."""
