"""Notes that were written elsewhere, by their source, and the notices that told of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, select, text, update

from core.rules.notes import NoteKnown
from core.store.rows import NoteRow
from core.store.session import EVENT, NOTICE, Session, read_event

NOTE: Table = NoteRow.__table__  # type: ignore[attr-defined]
_TOLD = ("thread", "message")
_KINDS = ("ticket.noted", "ticket.note_edited")


def known(connection: Connection | Session, source_id: str) -> NoteKnown | None:
    row = connection.execute(select(NOTE).where(NOTE.c.source_id == source_id)).mappings().first()
    return NoteKnown(**row) if row is not None else None


def keep(session: Session, note: NoteKnown) -> None:
    values = msgspec.structs.asdict(note)
    session.insert_new(NOTE, [values])
    session.execute(update(NOTE).where(NOTE.c.source_id == note.source_id).values(values))


def forget_texts(session: Session, note: NoteKnown) -> None:
    """Take what a deleted note said out of the history."""
    of_ticket = (EVENT.c.ticket_id == note.ticket_id) & EVENT.c.kind.in_(_KINDS)
    events = [read_event(row) for row in session.execute(select(EVENT).where(of_ticket & (EVENT.c.seq >= note.seq)))]
    for event in events:
        if event.data.get("source_id") == note.source_id:
            left = {name: value for name, value in event.data.items() if name != "text"} | {"deleted": True}
            data = msgspec.json.encode(left)
            session.execute(update(EVENT).where(EVENT.c.seq == event.seq).values(data=data))


def notices_of(connection: Connection, ticket_ids: Iterable[int], seqs: Iterable[int]) -> dict[int, list[Any]]:
    """The notices that told, or will tell, of the events ``seqs``, by event."""
    where = NOTICE.c.ticket_id.in_(list(ticket_ids)) & NOTICE.c.event_seq.in_(list(seqs)) & NOTICE.c.show.in_(_TOLD)
    found: dict[int, list[Any]] = {}
    for row in connection.execute(select(NOTICE).where(where).order_by(NOTICE.c.id)):
        found.setdefault(row.event_seq, []).append(row)
    return found


def notice_revised(connection: Connection | Session, row: Any) -> Any:
    """The notice that the revision ``row`` brings up to date."""
    same = [NOTICE.c[name] == getattr(row, name) for name in ("ticket_id", "event_seq", "rule", "lane")]
    return connection.execute(select(NOTICE).where(*same, NOTICE.c.show.in_(_TOLD)).order_by(NOTICE.c.id)).first()


def revised(session: Session, row: Any, version: int | None) -> None:
    """The revision ``row`` was sent: what it revised shows ``version`` of the ticket."""
    told = notice_revised(session, row)
    if told is not None:
        session.execute(update(NOTICE).where(NOTICE.c.id == told.id).values(version=version))


def is_card_underway(connection: Connection, platform: str, since: datetime) -> bool:
    """Whether a card was begun to be posted before ``since``, and its fate is not known."""
    # The words of the partial index, which a parameter would not match.
    unsettled = text("state IN ('waiting', 'sending')")
    sending = (NOTICE.c.state == "sending") & (NOTICE.c.show == "card") & (NOTICE.c.platform == platform)
    return (
        connection.execute(select(NOTICE.c.id).where(unsettled, sending, NOTICE.c.claimed_at <= since)).first()
        is not None
    )
