"""Notes that change after they were told: the messages that told them are edited in place.

What is told is read when it is sent, so a message that still waits needs no edit. Which of the messages were sent too
early is known by the version of the ticket that each was made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from core.model import Event
from core.ports import MessageRef
from core.store import notes, queries

SHOW = "revise"
_CHANGES = frozenset({"ticket.note_edited", "ticket.note_deleted"})
_NEVER_TOLD = frozenset({"failed", "skipped", "superseded"})


class Outdated(Exception):
    """Nothing is left to send; the text tells why."""


def notes_changed(events: Sequence[Event]) -> set[int]:
    """The numbers of the events whose notes ``events`` change."""
    return {event.data["note"] for event in events if event.kind in _CHANGES and event.data.get("note")}


def revise_row(told: Any, event: Event, now: datetime) -> dict[str, Any] | None:
    """The row that brings the notice ``told`` up to date; None for one that nobody got, nor will get."""
    if told.state in _NEVER_TOLD:
        return None
    kept = ("rule", "event_seq", "ticket_id", "template", "platform", "address", "person_id", "lane")
    return {name: getattr(told, name) for name in kept} | {
        "key": f"revise:{told.id}:{event.seq}",
        "show": SHOW,
        "urgent": False,
        "attempts": 0,
        "not_before": now,
        "created_at": now,
        "state": "waiting",
        "reason": None,
    }


def told_before(connection: Connection, row: Any) -> tuple[Any, MessageRef]:
    """The notice that ``row`` revises and where it stands. Raises Outdated when it shows the newest already."""
    told = notes.notice_revised(connection, row)
    if told is None or told.ref is None:
        raise Outdated("it was not told there yet")
    noted = queries.event(connection, row.event_seq)
    note = notes.known(connection, noted.data.get("source_id", "")) if noted is not None else None
    if note is not None and (told.version or 0) >= note.version:
        raise Outdated("it shows the newest already")
    return told, msgspec.convert(told.ref, MessageRef)


def as_it_is_now(connection: Connection, event: Event) -> Event:
    """``event`` with the note's newest text, or with the word that it was deleted. Other events stay as they are."""
    source_id = event.data.get("source_id")
    if event.kind != "ticket.noted" or not source_id:
        return event
    note = notes.known(connection, source_id)
    if note is None or note.text == event.data.get("text"):
        return event
    data = {name: value for name, value in event.data.items() if name != "text"}
    data |= {"deleted": True} if note.text is None else {"text": note.text, "edited": True}
    return replace(event, data=data)
