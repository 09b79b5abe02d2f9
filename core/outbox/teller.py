"""Reads the events that were not told yet and plans who is told what, in rounds.

Its position and the notices that follow from it are written in one transaction: an event is planned once, whatever
dies.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy import Connection

from core.errors import StoreUnavailable
from core.outbox.digest import read_storms, unlist
from core.outbox.plan import Place, Plan, Planner
from core.outbox.revise import notes_changed
from core.ports import Clock
from core.store import notes, outgoing, queries
from core.store.database import Database
from core.store.session import CARD, NOTICE, Session

_log = logging.getLogger(__name__)
_NAME = "outbox"
_ROUND = 1000
# Under load rounds are made larger rather than more frequent: a round costs more than an event.
_BUSY, _PAUSE_SECONDS = 40, 0.05
_RETRY_SECONDS = 1.0


class Teller:
    def __init__(
        self, database: Database, planner: Planner, clock: Clock, wake_lanes: Callable[[set[str]], None]
    ) -> None:
        self._database = database
        self._planner = planner
        self._clock = clock
        self._wake_lanes = wake_lanes
        self._news = asyncio.Event()

    def wake(self) -> None:
        self._news.set()

    async def run(self) -> None:
        """Plan whatever is new, until cancelled."""
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                while planned := await self.round():
                    if planned >= _BUSY:
                        await asyncio.sleep(_PAUSE_SECONDS)
                continue
            except StoreUnavailable:
                _log.warning("the outbox waits: the database cannot take a write")
            except Exception:
                _log.exception("the outbox could not plan what is new; it tries again")
            await asyncio.sleep(_RETRY_SECONDS)
            self._news.set()

    async def round(self) -> int:
        """Plan the next events; returns how many there were."""
        old, new, plan = await self._database.read(self._read)
        if new == old:
            return 0

        def write(session: Session) -> bool:
            if plan.storms is not None and not plan.storms.still_stand(session):
                return False  # It is planned again in the next round.
            if not outgoing.advance(session, _NAME, old, new):
                return False
            for ticket_id, platform, address in plan.edited:
                outgoing.supersede(session, ticket_id, platform, address)
            if plan.storms is not None:
                plan.storms.write(session)
            session.insert_new(CARD, plan.cards)
            unlist(session, plan.unlisted)
            session.insert_new(NOTICE, plan.notices)
            return True

        if await self._database.write(write):
            self._wake_lanes(plan.lanes)
        return new - old

    def _read(self, connection: Connection) -> tuple[int, int, Plan]:
        old = outgoing.position(connection, _NAME)
        events = queries.news(connection, old, _ROUND)
        if not events:
            return old, old, Plan()
        tickets = queries.tickets_by_id(connection, {event.ticket_id for event in events if event.ticket_id})
        places: dict[int, list[Place]] = {}
        for card in queries.cards_of(connection, tickets):
            story, listed = card.story and card.version != outgoing.GONE, card.version == outgoing.LISTED
            shown = (card.channel, card.message, card.digest, listed)
            places.setdefault(card.ticket_id, []).append(
                Place(card.platform, card.address, bool(card.ref), story, *shown)
            )
        wanted = self._planner.people_wanted(events, tickets)
        people = outgoing.people(connection, wanted) if wanted else {}
        changed = notes_changed(events)
        told = notes.notices_of(connection, tickets, changed) if changed else {}
        storms = read_storms(connection, self._planner.storm)
        plan = self._planner.plan(events, tickets, places, people, self._clock.now(), told, storms)
        return old, events[-1].seq, plan
