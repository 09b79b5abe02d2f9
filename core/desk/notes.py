"""Notes that are written elsewhere: each message is one note, recorded in one transaction with what it changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from core import commands as c
from core.desk.work import Work
from core.engine import decide
from core.errors import NotFound
from core.model import Event, PersonRef
from core.ports import Clock
from core.rules.notes import NoteKnown, news
from core.store import notes, queries
from core.store.database import Database
from core.store.session import Session
from core.threads import CardUnderway, Thread, Written

_SKEW = timedelta(seconds=60)  # By how much a platform's clock may differ.


class Notes:
    """``core.threads.Threads`` of the desk."""

    def __init__(self, database: Database, work: Work, clock: Clock) -> None:
        self._database = database
        self._work = work
        self._clock = clock

    async def ticket_of(self, thread: Thread) -> int | None:
        def read(connection: Any) -> int | None:
            card = queries.card_at(connection, thread.platform, thread.channel, thread.message)
            if card is not None:
                return int(card.ticket_id)
            if notes.is_card_underway(connection, thread.platform, thread.at + _SKEW):
                raise CardUnderway()
            return None

        return await self._database.read(read)

    async def wrote(self, ticket_id: int, written: Written) -> None:
        text = written.text.strip()[: c.TEXT_LIMIT]
        heard = NoteKnown(written.source_id, ticket_id, written.revision, text)
        await self._database.write(lambda session: self._heard(session, heard, written.by, written.place))

    async def deleted(self, ticket_id: int, source_id: str, by: PersonRef) -> None:
        heard = NoteKnown(source_id, ticket_id)
        await self._database.write(lambda session: self._heard(session, heard, by, {}))

    def _heard(self, session: Session, heard: NoteKnown, by: PersonRef, place: dict[str, str]) -> None:
        found = news(notes.known(session, heard.source_id), heard)
        if found is None:
            return
        known = found.known
        if found.kind == "ticket.noted":
            known = self._noted(session, known, by, place)
        elif found.kind is not None:
            known = self._changed(session, known, found.kind, by, place)
        notes.keep(session, known)

    def _noted(self, session: Session, known: NoteKnown, by: PersonRef, place: dict[str, str]) -> NoteKnown:
        before, now = session.ticket(known.ticket_id), self._clock.now()
        if before is None:
            raise NotFound(what="ticket", id=known.ticket_id)
        command = c.Note(known.text or "", known.source_id, place)
        decision = decide(before, command, by, _origin(known), now)
        after = self._work.saved(session, before, decision.ticket, now, self._work.responded(before, command, by))
        return replace(known, seq=session.add_event(decision.events[0]), version=after.version)

    def _changed(
        self, session: Session, known: NoteKnown, kind: str, by: PersonRef, place: dict[str, str]
    ) -> NoteKnown:
        before, now = session.ticket(known.ticket_id), self._clock.now()
        if before is None:
            raise NotFound(what="ticket", id=known.ticket_id)
        data: dict[str, Any] = {"source_id": known.source_id, "note": known.seq}
        if place:
            data["place"] = place
        if known.text is None:
            notes.forget_texts(session, known)
        else:
            data["text"] = known.text
        session.add_event(Event(kind, before.id, now, by, _origin(known), data))
        after = self._work.saved(session, before, replace(before, updated_at=now), now, responded=False)
        return replace(known, version=after.version)


def _origin(known: NoteKnown) -> str:
    return known.source_id.split(":", 1)[0]
