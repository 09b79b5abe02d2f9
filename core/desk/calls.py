"""Calls for an expert: one person after the other is asked, until somebody comes or nobody is left.

Who is asked and until when stands in the database, decided in the transaction of the event that tells it. So nothing
is lost when the program ends: what is due is found by its time, and whoever is next is looked up when their turn comes,
for by then somebody else may be on call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from core import commands as c
from core.desk.policy import DeskPolicy
from core.engine import decide
from core.errors import (
    AlreadyCalled,
    BadField,
    CallAccepted,
    CallDeclined,
    CallOver,
    CallUnanswered,
    CallWithdrawn,
    NotCalled,
    NotFound,
)
from core.model import DESKBELL, Asked, Event, ExpertCall, Person, PersonRef, Ticket
from core.ports import Clock
from core.rules.experts import same_skill
from core.store import calls
from core.store.database import Database
from core.store.session import Session

Saved = Callable[[Session, Ticket, Ticket, datetime, bool], Ticket]
Claim = Callable[[Session, str | None, datetime], None]
_OVER: dict[str | None, type[CallOver]] = {
    "accepted": CallAccepted,
    "declined": CallDeclined,
    "unanswered": CallUnanswered,
    "withdrawn": CallWithdrawn,
}


class Answered(msgspec.Struct, frozen=True):
    """``following`` is who is called after somebody declined; ``assigned`` says that the ticket is theirs now."""

    ticket: Ticket
    caller: PersonRef
    following: PersonRef | None = None
    assigned: bool = False


class _Step(msgspec.Struct):
    """What one transaction does to a ticket's call: events in order, told as one change of the ticket."""

    before: Ticket
    call: ExpertCall
    now: datetime
    events: list[Event] = []
    after: Ticket | None = None

    def tell(self, kind: str, by: PersonRef, origin: str, **data: Any) -> None:
        facts = {"caller": _ref(self.call.caller), **data}
        if self.call.skill:
            facts["skill"] = self.call.skill
        self.events.append(Event(f"ticket.expert_{kind}", self.before.id, self.now, by, origin, facts))


class ExpertCalls:
    """``saved`` writes a change of a ticket, ``claim`` notes that a request is carried out, within a transaction."""

    def __init__(self, database: Database, policy: DeskPolicy, clock: Clock, saved: Saved, claim: Claim) -> None:
        self._database, self._policy, self._clock = database, policy, clock
        self._saved, self._claim = saved, claim

    def begin(
        self, session: Session, ticket: Ticket, command: c.CallExpert, by: PersonRef, origin: str, responded: bool
    ) -> tuple[Ticket, PersonRef | None]:
        """Call the named expert, or the first that fits; returns who is called, None where there is nobody.

        Raises ``AlreadyCalled`` while the same is asked for, and ``BadField`` for oneself.
        """
        if command.expert is not None and command.expert.id == by.id:
            raise BadField(field="expert", why="expert_is_you")
        busy = _refuse_twice(calls.of_ticket(session, ticket.id), command)
        now, named = self._clock.now(), command.expert is not None
        expert = command.expert or self._next(session, ticket, command.skill, now, {by.id, *busy})
        decision = decide(ticket, replace(command, expert=expert), by, origin, now)
        (event,) = decision.events
        due = now + self._timeout
        if expert is not None:
            event = replace(event, data={**event.data, "caller": _ref(by), "due": due.isoformat()})
        after = self._saved(session, ticket, decision.ticket, now, responded)
        seq = session.add_event(event)
        if expert is not None:
            skill = str(event.data.get("skill", ""))
            calls.add(session, ExpertCall(seq, ticket.id, by, skill, named, asked=(Asked(expert),), due_at=due))
        return after, expert

    async def answer(
        self, ticket_id: int, by: Person, accepted: bool, origin: str, once: str | None = None
    ) -> Answered:
        """Somebody who is called comes, or does not. Raises ``NotCalled``, ``CallOver`` or ``NotFound``."""

        def run(session: Session) -> Answered:
            now = self._clock.now()
            self._claim(session, once, now)
            ticket = session.ticket(ticket_id)
            if ticket is None:
                raise NotFound(what="ticket", id=ticket_id)
            call = calls.asking(session, ticket_id, by.id)
            if call is None:
                raise _refusal(calls.of_ticket(session, ticket_id), ticket_id, by.id)
            if not ticket.status.is_open:
                raise CallWithdrawn(ticket_id=ticket_id)
            step = _Step(ticket, call, now)
            return (
                self._accepted(session, step, by.ref, origin)
                if accepted
                else self._declined(session, step, by.ref, origin)
            )

        return await self._database.write(run)

    async def run_due(self, limit: int = 200) -> int:
        """Go on to the next person where nobody has answered in time; returns in how many calls."""
        now = self._clock.now()
        if not await self._database.read(lambda connection: calls.due(connection, now, 1)):
            return 0

        def run(session: Session) -> int:
            due = calls.due(session, now, limit)
            for call in due:
                self._unanswered(session, call, now)
            return len(due)

        return await self._database.write(run)

    @property
    def _timeout(self) -> timedelta:
        return timedelta(seconds=self._policy.settings.desk.expert_timeout)

    def _accepted(self, session: Session, step: _Step, by: PersonRef, origin: str) -> Answered:
        """The ticket is theirs, unless somebody has it."""
        ticket = step.before
        step.tell("accepted", by, origin, expert=_ref(by))
        if ticket.assignee is None:
            decision = decide(ticket, c.Assign(by), by, origin, step.now)
            step.after = decision.ticket
            step.events += decision.events
        step.call = _ended(step.call, "accepted", "accepted")
        responded = ticket.requester is None or ticket.requester.id != by.id
        after = self._write(session, step, responded)
        return Answered(after, step.call.caller, assigned=ticket.assignee is None)

    def _declined(self, session: Session, step: _Step, by: PersonRef, origin: str) -> Answered:
        step.tell("declined", by, origin, expert=_ref(by))
        following = self._go_on(session, step, "declined", origin)
        return Answered(self._write(session, step), step.call.caller, following)

    def _unanswered(self, session: Session, call: ExpertCall, now: datetime) -> None:
        ticket = session.ticket(call.ticket_id)
        if ticket is None or call.expert is None:
            raise NotFound(what="ticket", id=call.ticket_id)
        if not ticket.status.is_open:
            calls.change(session, _ended(call, "withdrawn", "withdrawn"))
            return
        step = _Step(ticket, call, now)
        step.tell("unanswered", DESKBELL, "clock", expert=_ref(call.expert))
        self._go_on(session, step, "unanswered", "clock")
        self._write(session, step)

    def _go_on(self, session: Session, step: _Step, outcome: str, origin: str) -> PersonRef | None:
        """Call the next person, or say that nobody is left."""
        call, following = step.call, None
        if not call.named:
            others = (other.expert for other in calls.of_ticket(session, step.before.id))
            busy = {expert.id for expert in others if expert is not None}
            without = {call.caller.id, *busy, *(asked.person.id for asked in call.asked)}
            following = self._next(session, step.before, call.skill, step.now, without)
        if following is None:
            step.call = _ended(call, "exhausted", outcome)
            step.tell("unavailable", DESKBELL, origin)
            return None
        due = step.now + self._timeout
        step.call = replace(call, asked=(*_answered(call, outcome), Asked(following)), due_at=due)
        step.tell("called", DESKBELL, origin, expert=_ref(following), due=due.isoformat())
        return following

    def _next(
        self, session: Session, ticket: Ticket, skill: str, now: datetime, without: Collection[str]
    ) -> PersonRef | None:
        """The first of those who are not busy with the ticket anyway; whom no platform reaches comes last."""
        assignee = ticket.assignee.id if ticket.assignee else None
        fitting = [
            expert
            for expert in self._policy.experts(ticket, skill, now)
            if expert.id != assignee and expert.id not in without
        ]
        reached = calls.reached(session, [expert.id for expert in fitting])
        return min(fitting, key=lambda expert: expert.id not in reached, default=None)

    def _write(self, session: Session, step: _Step, responded: bool = False) -> Ticket:
        changed = step.after or replace(step.before, updated_at=step.now)
        after = self._saved(session, step.before, changed, step.now, responded)
        for event in step.events:
            session.add_event(event)
        calls.change(session, step.call)
        return after


def _refuse_twice(known: list[ExpertCall], command: c.CallExpert) -> set[str]:
    """Ids of those who are asked now. Raises ``AlreadyCalled`` if one of them is asked for the same."""
    busy: set[str] = set()
    for call in known:
        if call.expert is None:
            continue
        busy.add(call.expert.id)
        if command.expert is None:
            same = not call.named and same_skill(call.skill, command.skill)
        else:
            same = call.expert.id == command.expert.id
        if same:
            raise AlreadyCalled(expert=call.expert.name)
    return busy


def _answered(call: ExpertCall, outcome: str) -> tuple[Asked, ...]:
    return (*call.asked[:-1], replace(call.asked[-1], outcome=outcome))


def _ended(call: ExpertCall, state: str, outcome: str) -> ExpertCall:
    return replace(call, state=state, asked=_answered(call, outcome), due_at=None)


def _refusal(known: list[ExpertCall], ticket_id: int, person_id: str) -> NotCalled | CallOver:
    """Why somebody's answer does not count: their call is over, or there never was one."""
    for call in known:
        for asked in reversed(call.asked):
            if asked.person.id == person_id:
                return _OVER[asked.outcome](ticket_id=ticket_id)
    return NotCalled(ticket_id=ticket_id)


def _ref(person: PersonRef) -> dict[str, str]:
    return {"id": person.id, "name": person.name}
