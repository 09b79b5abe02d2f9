"""What waits for one person: their tickets, their team's, and those that are about to miss their promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from core.desk.desk import Desk
from core.desk.policy import DeskPolicy
from core.desk.show import line
from core.model import Person, PersonRef, Ticket
from core.store import queries, queues
from core.views import HOME_COUNTED, HOME_PAGE, Home, HomePart

SOON = timedelta(hours=2)
RISKY = 0.8
# How many of the tickets that want attention soonest are looked at.
_LOOKED_AT = 200
_EVENTS_AT_ONCE = 1000
OnCall = Callable[[datetime], Sequence[tuple[str, PersonRef]]]


class Homes:
    """``on_call`` says who is on call at a moment, by what for; without it nobody's home has that part."""

    def __init__(self, desk: Desk, on_call: OnCall | None = None) -> None:
        self._desk = desk
        self._on_call = on_call

    async def home(self, person: Person, pages: Mapping[str, int]) -> Home:
        """``pages`` are the pages to show, from 0, by the name of the part; one that is not there is the last one."""
        now, policy = self._desk.clock.now(), self._desk.policy
        parts = await self._desk.database.read(lambda connection: _parts(connection, person, pages, now, policy))
        on_call = tuple(self._on_call(now)) if self._on_call is not None else ()
        return Home(parts, now, on_call)

    async def position(self) -> int:
        """The number of the newest change."""
        return await self._desk.database.read(queues.last_ticket_event)

    async def changes(self, after: int) -> tuple[int, list[Ticket]]:
        """The tickets that some changes after ``after`` are of, as they are now, and the number of the last one."""

        def read(connection: Connection) -> tuple[int, list[Ticket]]:
            last, ids = queues.changed_tickets(connection, after, _EVENTS_AT_ONCE)
            return last, list(queries.tickets_by_id(connection, ids).values()) if ids else []

        return await self._desk.database.read(read)

    def on_change(self, wake: Callable[[], None]) -> None:
        """``wake`` is called in this event loop after changes, at once and often."""
        self._desk.database.on_events(wake)


def _parts(
    connection: Connection, person: Person, pages: Mapping[str, int], now: datetime, policy: DeskPolicy
) -> tuple[HomePart, ...]:
    mine = queues.of_person(person.id)
    team = queues.of_team(person.team) if person.team else None
    ours = mine if team is None else queues.of_either((mine, team))
    parts: list[HomePart] = []
    for name, whose in (("mine", mine), ("team", team)):
        if whose is None:
            continue
        total = queues.count(connection, whose, HOME_COUNTED)
        first = _first(pages.get(name, 0), total)
        found = queues.page(connection, whose, first, HOME_PAGE)
        parts.append(HomePart(name, tuple(line(ticket, now, policy) for ticket in found), first, total))
    urgent = _breaching(connection, None if team is None else ours, pages.get("breaching", 0), now, policy)
    return (*parts, urgent)


def _breaching(
    connection: Connection, whose: queues.Whose | None, page: int, now: datetime, policy: DeskPolicy
) -> HomePart:
    """Of the person and the team; somebody without a team sees the whole desk's."""
    found = [t for t in queues.waking(connection, whose, _LOOKED_AT) if is_about_to_breach(t, now, policy)]
    first = _first(page, len(found))
    shown = tuple(line(ticket, now, policy) for ticket in found[first : first + HOME_PAGE])
    return HomePart("breaching", shown, first, len(found))


def is_about_to_breach(ticket: Ticket, now: datetime, policy: DeskPolicy) -> bool:
    """Whether the clock runs and a due time is less than two hours away, or the resolution's risk is above 0.8."""
    sla = ticket.sla
    if sla.paused_at is not None:
        return False
    waited_for = (sla.resolution_due, None if sla.first_response_at else sla.first_response_due)
    if any(due is not None and now <= due <= now + SOON for due in waited_for):
        return True
    return not sla.resolution_breached and policy.sla.breach_risk(ticket, now) > RISKY


def _first(page: int, total: int) -> int:
    last = max(0, (total - 1) // HOME_PAGE)
    return min(max(page, 0), last) * HOME_PAGE
