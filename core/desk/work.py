"""What people do: open tickets and move them, each in one transaction with its events."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import select

from core import commands as c
from core.desk.calls import ExpertCalls
from core.desk.people import first_time
from core.desk.policy import DeskPolicy
from core.engine import decide, opened
from core.errors import AlreadyDone, BadField, NotFound, TicketChanged
from core.lifecycle import move
from core.model import DESKBELL, Event, KnownAlert, Person, PersonRef, Priority, Reason, Ticket
from core.ports import Clock
from core.rules import access
from core.store import queries, ratings
from core.store.database import Database
from core.store.session import EVENT, TICKET_SYSTEM, Session

_REMEMBERED = 24 * 3600  # Slack sends delayed events for a day.
API = Person("api", "API")  # Whoever holds the API token.
_TRUSTED = frozenset({DESKBELL.id, API.id})
_BY_SOMEBODY = frozenset({"assign", "start", "note", "resolve", "escalate", "expert", "prioritize", "wait"})


class Work:
    """Every method raises a ``DeskError`` that says why not; then nothing has changed."""

    def __init__(self, database: Database, policy: DeskPolicy, clock: Clock) -> None:
        self._database = database
        self._policy = policy
        self._clock = clock
        self._agents = policy.settings.access.agents
        self.calls = ExpertCalls(database, policy, clock, self.saved, _claim)

    async def open(self, command: c.Open, by: Person, origin: str, once: str | None = None) -> Ticket:
        """A new ticket from a request. ``once`` names the request: a second one of that name raises ``AlreadyDone``."""
        desk = self._policy.settings.desk
        wants_rating = (
            command.customer_satisfaction_required or command.category in desk.categories_requiring_satisfaction
        )
        team = command.team or self._team_of(command.systems)
        completed = replace(command, customer_satisfaction_required=wants_rating, team=team)

        def run(session: Session) -> Ticket:
            now = self._clock.now()
            _claim(session, once, now)
            priority = command.priority or Priority.MEDIUM
            decision = opened(completed, session.next_ticket_id(), by.ref, origin, now, priority)
            ticket = self._policy.sla.start(decision.ticket, now)
            session.add_ticket(ticket)
            _record(session, decision.events)
            return ticket

        return await self._database.write(run)

    async def execute(
        self,
        ticket_id: int,
        command: c.Command,
        by: Person,
        origin: str,
        version: int | None = None,
        once: str | None = None,
    ) -> Ticket:
        """Do ``command`` to a ticket. ``version`` is what the asker saw: another one raises ``TicketChanged``. ``once``
        names the request, as in ``open``."""

        def run(session: Session) -> Ticket:
            _claim(session, once, self._clock.now())
            ticket = self._allowed(session, ticket_id, command, by)
            if version is not None and version != ticket.version:
                raise _changed(session, ticket, version)
            move(ticket.status, command.verb)
            if isinstance(command, c.Merge):
                return self._merge(session, ticket, command, by.ref, origin)
            if isinstance(command, c.Split):
                return self._split(session, ticket, command, by.ref, origin)
            if isinstance(command, c.CallExpert):
                return self._call(session, ticket, command, by.ref, origin)[0]
            return self._apply(session, ticket, command, by.ref, origin)

        return await self._database.write(run)

    async def call_expert(
        self, ticket_id: int, command: c.CallExpert, by: Person, origin: str, once: str | None = None
    ) -> PersonRef | None:
        """As ``execute``; returns who is called."""

        def run(session: Session) -> PersonRef | None:
            _claim(session, once, self._clock.now())
            ticket = self._allowed(session, ticket_id, command, by)
            return self._call(session, ticket, command, by.ref, origin)[1]

        return await self._database.write(run)

    async def run_due(self, limit: int = 200) -> int:
        """Give the warnings, record the breaches and go on with the calls that are due; returns how many there were."""
        return await self._keep_promises(limit) + await self.calls.run_due(limit)

    async def _keep_promises(self, limit: int) -> int:
        now = self._clock.now()
        due = await self._database.read(lambda connection: queries.due_tickets(connection, now, limit))

        def run(session: Session) -> int:
            session.load_tickets(due)
            told = 0
            for ticket_id in due:
                before = session.ticket(ticket_id)
                if before is None or before.wake_at is None or before.wake_at > now:
                    continue
                after, events = self._policy.sla.due(before, now)
                if after is before:
                    continue
                version = before.version + (1 if events else 0)
                session.change_ticket(replace(after, version=version))
                _record(session, tuple(events))
                told += 1
            return told

        return await self._database.write(run) if due else 0

    def _allowed(self, session: Session, ticket_id: int, command: c.Command, by: Person) -> Ticket:
        ticket = session.ticket(ticket_id)
        if ticket is None:
            raise NotFound(what="ticket", id=ticket_id)
        if by.id not in _TRUSTED:
            access.require(by, command.verb, ticket, self._agents)
        return ticket

    def _apply(self, session: Session, before: Ticket, command: c.Command, by: PersonRef, origin: str) -> Ticket:
        now = self._clock.now()
        decision = decide(before, command, by, origin, now)
        if not decision.events:
            return before
        after = self.saved(session, before, decision.ticket, now, self.responded(before, command, by))
        _record(session, decision.events)
        if isinstance(command, c.Rate):
            ratings.record(session, after.id, command.score, after.team, now)
        return after

    def saved(self, session: Session, before: Ticket, after: Ticket, now: datetime, responded: bool) -> Ticket:
        """Write a change within a transaction; returns the ticket with its promise and version brought up to date."""
        followed = self._policy.sla.follow(before, after, now, responded=responded)
        followed = replace(followed, version=before.version + 1)
        session.change_ticket(followed)
        return followed

    def responded(self, ticket: Ticket, command: c.Command, by: PersonRef) -> bool:
        """Whether this is an answer to the requester: somebody else took it or wrote."""
        return command.verb in _BY_SOMEBODY and (ticket.requester is None or ticket.requester.id != by.id)

    def _call(
        self, session: Session, ticket: Ticket, command: c.CallExpert, by: PersonRef, origin: str
    ) -> tuple[Ticket, PersonRef | None]:
        return self.calls.begin(session, ticket, command, by, origin, self.responded(ticket, command, by))

    def _team_of(self, systems: tuple[str, ...]) -> str | None:
        for name in systems:
            system = self._policy.systems.get(name)
            if system is not None and system.team:
                return system.team
        return self._policy.settings.desk.default_team

    def _merge(self, session: Session, ticket: Ticket, command: c.Merge, by: PersonRef, origin: str) -> Ticket:
        target = session.ticket(command.into)
        if target is None:
            raise NotFound(what="ticket", id=command.into)
        if not target.status.is_open:
            raise BadField(field="into", why="not_open", id=command.into)
        emptied = replace(ticket, alerts_total=0, alerts_firing=0)
        merged = self._apply(session, emptied, command, by, origin)
        moved = session.alerts_of(ticket.id)
        for known in moved:
            session.put_alert(replace(known, ticket_id=target.id))
        now = self._clock.now()
        after = replace(
            target,
            alerts_total=target.alerts_total + len(moved),
            alerts_firing=target.alerts_firing + _firing(moved),
            systems=tuple(dict.fromkeys((*target.systems, *ticket.systems))),
            updated_at=now,
        )
        self.saved(session, target, after, now, responded=False)
        found_by = [{"system": system, "ticket_id": target.id} for system in ticket.systems]
        session.insert_new(TICKET_SYSTEM, found_by)
        event = Event("ticket.updated", target.id, now, by, origin, {"merged_id": ticket.id, "title": ticket.title})
        session.add_event(event)
        return merged

    def _split(self, session: Session, ticket: Ticket, command: c.Split, by: PersonRef, origin: str) -> Ticket:
        """A ticket that alerts have opened keeps one of them; one that a person has opened is something without any."""
        wanted = set(command.alerts)
        moved = [known for known in session.alerts_of(ticket.id) if known.alert.fingerprint in wanted]
        missing = wanted - {known.alert.fingerprint for known in moved}
        if missing:
            raise NotFound(what="alert", id=sorted(missing)[0])
        if len(moved) == ticket.alerts_total and ticket.requester is None:
            raise BadField(field="alerts", why="all_alerts")
        remaining = replace(
            ticket,
            alerts_total=ticket.alerts_total - len(moved),
            alerts_firing=ticket.alerts_firing - _firing(moved),
        )
        after = self._apply(session, remaining, command, by, origin)
        self._open_split(session, ticket, moved, by, origin)
        return after

    def _open_split(
        self, session: Session, ticket: Ticket, moved: list[KnownAlert], by: PersonRef, origin: str
    ) -> None:
        now, new_id, first = self._clock.now(), session.next_ticket_id(), moved[0].alert
        worst = max((known.alert.severity for known in moved), key=lambda severity: severity.rank)
        priority = self._policy.alerts.priorities[worst]
        split = Ticket(
            id=new_id,
            title=first.title[: c.TITLE_LIMIT],
            created_at=now,
            updated_at=now,
            description=first.description,
            priority=priority,
            source=ticket.source,
            team=ticket.team,
            customer=ticket.customer,
            systems=tuple(dict.fromkeys(known.alert.service for known in moved if known.alert.service)),
            alerts_total=len(moved),
            alerts_firing=_firing(moved),
            why=(Reason("severity", {"severity": worst.value, "priority": priority.value}),),
        )
        session.add_ticket(self._policy.sla.start(split, now))
        for known in moved:
            session.put_alert(replace(known, ticket_id=new_id))
        session.add_event(
            Event("ticket.created", new_id, now, by, origin, {"title": split.title, "split_from_id": ticket.id})
        )


def _claim(session: Session, once: str | None, now: datetime) -> None:
    """Note in the same transaction that a request is carried out; raises ``AlreadyDone`` for the second time."""
    if once is not None and not first_time(session, f"done {once}", now, _REMEMBERED):
        raise AlreadyDone()


def _firing(alerts: list[KnownAlert]) -> int:
    return sum(known.alert.status.value == "firing" for known in alerts)


def _record(session: Session, events: tuple[Event, ...]) -> None:
    for event in events:
        session.add_event(event)


def _changed(session: Session, ticket: Ticket, version: int) -> TicketChanged:
    last = select(EVENT.c.actor_name).where(EVENT.c.ticket_id == ticket.id).order_by(EVENT.c.seq.desc()).limit(1)
    by = session.execute(last).scalar() or DESKBELL.name
    return TicketChanged(ticket_id=ticket.id, by=by, expected=version, version=ticket.version)
