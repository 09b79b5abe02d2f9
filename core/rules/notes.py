"""What word of a message means for the note that was made of it: a new note, another text, its end, or nothing.

Platforms tell of a message late, twice and in any order. So its newest revision counts, and one that was deleted stays
deleted, even when its deletion was heard of first.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace


class NoteKnown(msgspec.Struct, frozen=True):
    """A note made of a message. ``text`` is None once that was deleted; ``seq`` is the event that noted it, None for a
    message that was deleted before it was heard of; ``version`` the ticket's after the last change."""

    source_id: str
    ticket_id: int
    revision: str = ""
    text: str | None = None
    seq: int | None = None
    version: int = 0


class NoteNews(msgspec.Struct, frozen=True):
    """``known`` is what to remember, ``kind`` the event that happened, None for none."""

    known: NoteKnown
    kind: str | None = None


def news(known: NoteKnown | None, heard: NoteKnown) -> NoteNews | None:
    """``heard`` is the message as it was told of now; None when that was known, or is older than what is known."""
    if known is None:
        return NoteNews(heard, "ticket.noted" if heard.text is not None else None)
    if known.text is None:
        return None
    if heard.text is None:
        return NoteNews(replace(known, text=None), "ticket.note_deleted")
    if heard.revision <= known.revision:
        return None
    newer = replace(known, text=heard.text, revision=heard.revision)
    return NoteNews(newer, "ticket.note_edited" if newer.text != known.text else None)
