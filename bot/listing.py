"""Tickets by filters, for doors that answer with whole tickets."""

from __future__ import annotations

import contextlib

from core.desk.desk import Desk
from core.errors import StoreUnavailable
from core.model import Ticket
from core.store import search
from core.store.queries import TicketFilter


async def find_tickets(desk: Desk, wanted: TicketFilter) -> tuple[list[Ticket], str | None]:
    """One page, the newest first, and the cursor of the next one.

    Words are found in tickets that were opened a moment ago, too.
    """
    if wanted.q:
        with contextlib.suppress(StoreUnavailable):  # What the index holds already can be searched all the same.
            while await search.index_round(desk.database):
                pass
    return await desk.tickets(wanted)
