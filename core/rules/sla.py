"""What is promised for a ticket, how its clock stands, and when somebody must be told.

The strategy. Everything follows from one number for each of the two promises (first response, resolution): the working
seconds that are left. While the clock runs they are kept as the due time, from which they are counted back; while it is
paused, as themselves. A warning point is a threshold of that number, and so is a breach (0); the risk is a function of
it. So the next instant at which somebody must be told is found by walking back from the due time, never by polling, and
what is told late is decided by what is left now.

A clock ticks in whole seconds (instants are cut, not rounded), so that pauses add up exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import msgspec
from msgspec.structs import replace

from core.config.settings import SlaSettings, SlaTarget
from core.model import DESKBELL, Category, Event, Priority, Sla, SlaClock, Status, Ticket, Tier
from core.rules.calendar import ALWAYS, HORIZON, Calendar, TooFar
from core.views import SlaFacts

FIRST_RESPONSE = "first_response"
RESOLUTION = "resolution"
_FIRST_RESPONSE_POINT = "first_response:before"
_RISK_POINT = "risk"

_NOTHING_PROMISED = SlaTarget.model_validate({})
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)  # from which a target is tried, to refuse one that cannot be reached

# How often a ticket would be solved, on average, within the whole of its target; see SlaPolicy.breach_risk.
_PACE_UNTAKEN = 1.0
_PACE_TAKEN = 2.0
_PACE_IN_WORK = 3.0


class _Clock(Enum):
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


class _Promise(msgspec.Struct, frozen=True):
    """One of the two promises of a ticket; without a ``target`` nothing is promised.

    ``due`` is None while it is paused; then ``left`` counts. ``done_at``: when it was answered or resolved, in time or
    late. ``breached``: the breach was told.
    """

    name: str
    target: int | None
    due: datetime | None
    left: int | None
    done_at: datetime | None
    breached: bool

    def seconds_left(self, calendar: Calendar, at: datetime) -> int | None:
        """Working seconds from ``at``, or from when it was done; None without a target."""
        if self.due is None:
            return self.left
        return calendar.between(self.done_at or at, self.due)

    def is_late(self, at: datetime) -> bool:
        if self.due is None:
            return self.left is not None and self.left <= 0
        return (self.done_at or at) >= self.due


class SlaPolicy:
    """The promises of one configuration. Pure: ``now`` is an argument, tickets are given back changed.

    What is done before its due time is in time; at the due time it is late.
    """

    def __init__(self, settings: SlaSettings, calendars: Mapping[str, Calendar]) -> None:
        """``always`` is known by itself. Raises ValueError for a target of an unknown calendar, of no time, too far."""
        if calendars.get("always", ALWAYS) is not ALWAYS:
            raise ValueError("calendars.always: this name is taken, it stands for round the clock")
        self._calendars = {**calendars, "always": ALWAYS}
        for index, row in enumerate(settings.targets):
            self._check(f"sla.targets[{index}]", row)
        self._rows = settings.targets
        self._found: dict[tuple[Priority, Category, Tier], SlaTarget | None] = {}
        self._known_points: dict[tuple[str, int, float], list[tuple[int, str]]] = {}
        self._warn_before = sorted({seconds for seconds in settings.warn_before if seconds})
        self._warn_exponent = -math.log(settings.warn_at_risk)

    def target(self, priority: Priority, category: Category, tier: Tier | None) -> SlaTarget | None:
        """The first row that fits. Without a customer (``tier`` None) a ticket counts as standard."""
        wanted = (priority, category, tier or Tier.STANDARD)
        if wanted not in self._found:
            fitting = (row for row in self._rows if _fits(row, *wanted))
            self._found[wanted] = next(fitting, None)
        return self._found[wanted]

    def start(self, ticket: Ticket, now: datetime) -> Ticket:
        """A new ticket with its promises, counted from ``now``, and the first ``wake_at``."""
        now = _tick(now)
        row = self._row(ticket)
        calendar = self._calendars[row.calendar]
        sla = Sla(
            calendar=row.calendar,
            first_response_target=row.first_response,
            resolution_target=row.resolution,
            started_at=now,
            first_response_due=_due(calendar, now, row.first_response),
            resolution_due=_due(calendar, now, row.resolution),
        )
        return replace(ticket, sla=sla, wake_at=self._wake_at(ticket, sla, now))

    def follow(self, before: Ticket, after: Ticket, now: datetime, *, responded: bool) -> Ticket:
        """``after`` with its clock brought up to date with what changed since ``before``; itself if nothing did.

        ``responded``: somebody other than the requester took or answered it; whoever resolves it answers it too. The
        clock pauses in ``waiting``, stops in ``resolved`` and ``closed`` and goes on where it stood. Another priority,
        category or customer tier, or a reopening, looks the promise up anew; working time already consumed counts,
        as the earlier calendar counted it. A ticket that was never started is given back as it is.
        """
        sla = after.sla
        if sla.started_at is None:
            return after
        now = _tick(now)
        clock = _wanted(after.status)
        changes: dict[str, Any] = {}
        if sla.first_response_at is None and (responded or clock is _Clock.STOPPED):
            changes["first_response_at"] = now
        row = self._new_row(before, after, clock)
        if clock is not _standing(sla) or row is not None:
            changes |= self._turn(after, clock, row, now, answered=responded or sla.first_response_at is not None)
        sla = replace(sla, **changes) if changes else sla
        wake_at = self._wake_at(after, sla, now)
        if not changes and wake_at == after.wake_at:
            return after
        return replace(after, sla=sla, wake_at=wake_at)

    def breach_risk(self, ticket: Ticket, now: datetime) -> float:
        """How probable it is, in [0, 1], that the resolution comes too late.

        ``exp(-pace * left / target)``: solving is taken to be as likely in one working minute as in any other, so that
        no solution within what is left has this probability (a Poisson process with ``pace`` events in a whole
        target). ``pace`` is 1 for a ticket that nobody has, 2 for an assigned one, 3 for one in progress or waiting: a
        fresh ticket starts at 0.37, 0.14 or 0.05 and crosses 0.8 when 22 %, 11 % or 7 % of its time is left. It grows
        with every working second, is 1.0 from the due time on, stands still while paused, and is 0.0 when resolved or
        when no resolution is promised.
        """
        return self._risk(ticket, _tick(now))

    def facts(self, ticket: Ticket, now: datetime) -> SlaFacts:
        """What a person is shown. Once resolved, ``remaining`` is what was left then."""
        now, sla = _tick(now), ticket.sla
        promise = _resolution(sla)
        if promise.is_late(now):
            state = SlaClock.BREACHED
        elif sla.resolved_at is not None or not ticket.status.is_open:
            state = SlaClock.MET
        else:
            state = SlaClock.RUNNING if sla.paused_at is None else SlaClock.PAUSED
        return SlaFacts(
            state=state,
            first_response_due=sla.first_response_due,
            resolution_due=sla.resolution_due,
            remaining=promise.seconds_left(self._calendar(sla), now),
            breach_risk=self._risk(ticket, now),
        )

    def wake_at(self, ticket: Ticket, now: datetime) -> datetime | None:
        """The earliest instant at which ``due`` has something to tell that it has not told; it may have passed.

        Points of the resolution: ``risk``, the first second with a risk above ``warn_at_risk``, and ``before:<n>``, the
        first second with less than n seconds left. Of the first response: ``first_response:before``, with less than a
        quarter of its target left (or a minute, if that is more). A point longer than half its target is left out, so
        that a short promise does not begin with a warning; so is a risk that is exceeded from the start.
        """
        return self._wake_at(ticket, ticket.sla, _tick(now))

    def due(self, ticket: Ticket, now: datetime) -> tuple[Ticket, list[Event]]:
        """What must be told at ``now``, marked on the ticket as told, with the next ``wake_at``.

        For each promise at most one event: a breach, or the most urgent warning point that was reached. A breach is
        told even when the ticket was resolved, late, meanwhile; a warning that came to nothing is not. The caller
        raises the ticket's version.
        """
        tick, sla, events = _tick(now), ticket.sla, []
        for promise in (_first_response(sla), _resolution(sla)):
            if promise.target is None or promise.breached:
                continue
            if promise.is_late(tick):
                events.append(self._breach(ticket, promise, now))
                sla = replace(sla, **{f"{promise.name}_breached": True})
            elif reached := self._reached(ticket, promise, tick):
                events.append(self._warning(ticket, promise, min(reached)[1], now))
                sla = replace(sla, warned=(*sla.warned, *(point for _, point in reached)))
        wake_at = self._wake_at(ticket, sla, tick)
        if not events and wake_at == ticket.wake_at:
            return ticket, events
        return replace(ticket, sla=sla, wake_at=wake_at), events

    def _check(self, where: str, row: SlaTarget) -> None:
        if row.calendar not in self._calendars:
            known = ", ".join(sorted(self._calendars))
            raise ValueError(f"{where}.calendar: no calendar {row.calendar!r}; there are: {known}")
        for name, seconds in ((FIRST_RESPONSE, row.first_response), (RESOLUTION, row.resolution)):
            if seconds == 0:
                raise ValueError(f"{where}.{name}: a promise needs some time; leave it out to promise nothing")
            try:
                self._calendars[row.calendar].add(_ANY_DAY, seconds or 0)
            except TooFar as error:
                raise ValueError(f"{where}.{name}: {error}") from error

    def _calendar(self, sla: Sla) -> Calendar:
        """A ticket may outlive the calendar of its promise; then it counts round the clock."""
        return self._calendars.get(sla.calendar, ALWAYS)

    def _row(self, ticket: Ticket) -> SlaTarget:
        return self.target(*_grounds(ticket)) or _NOTHING_PROMISED

    def _new_row(self, before: Ticket, after: Ticket, clock: _Clock) -> SlaTarget | None:
        """The promise to change to, if it is another one. A stopped clock keeps its own."""
        if clock is _Clock.STOPPED:
            return None
        if after.sla.resolved_at is None and _grounds(before) == _grounds(after):
            return None
        row, sla = self._row(after), after.sla
        answer = sla.first_response_target if sla.first_response_at is None else row.first_response
        promised = (sla.calendar, answer, sla.resolution_target)
        return None if (row.calendar, row.first_response, row.resolution) == promised else row

    def _turn(
        self, ticket: Ticket, clock: _Clock, row: SlaTarget | None, now: datetime, *, answered: bool
    ) -> dict[str, Any]:
        """The fields of the Sla that change when its clock turns to ``clock``, its promise to ``row``."""
        if clock is _Clock.STOPPED:
            return {"resolved_at": now}
        sla = ticket.sla
        calendar = self._calendar(sla) if row is None else self._calendars[row.calendar]
        elapsed = self._elapsed(sla, calendar, now)
        paused = clock is _Clock.PAUSED
        changes: dict[str, Any] = {"paused_at": (sla.paused_at or now) if paused else None, "resolved_at": None}
        if row is not None:
            changes |= {"calendar": row.calendar, "warned": ()}
        for promise in (_resolution(sla),) if answered else (_first_response(sla), _resolution(sla)):
            name = promise.name
            target = promise.target if row is None else getattr(row, name)
            left = None if target is None else target - elapsed
            changes[f"{name}_target"] = target
            changes[f"{name}_left"] = left if paused else None
            changes[f"{name}_due"] = None if paused else _due(calendar, now, left)
            changes[f"{name}_breached"] = promise.breached and left is not None and left <= 0
            if row is not None:
                told = (point for seconds, point in self._points(ticket, name, target) if (left or 0) <= seconds)
                changes["warned"] += tuple(point for point in told if point in sla.warned)
        return changes

    def _elapsed(self, sla: Sla, calendar: Calendar, now: datetime) -> int:
        """Working seconds consumed so far. Time without any promise counts by ``calendar``, its earlier pauses too."""
        earlier = self._calendar(sla)
        for promise in (_resolution(sla), _first_response(sla)):
            left = promise.seconds_left(earlier, now)
            if promise.target is not None and left is not None and (promise.name == RESOLUTION or not promise.done_at):
                return promise.target - left
        return calendar.between(sla.started_at or now, sla.paused_at or sla.resolved_at or now)

    def _risk(self, ticket: Ticket, now: datetime) -> float:
        promise = _resolution(ticket.sla)
        left = promise.seconds_left(self._calendar(ticket.sla), now)
        if promise.target is None or promise.done_at is not None or left is None:
            return 0.0
        if promise.is_late(now):
            return 1.0
        return min(1.0, math.exp(-_pace(ticket) * left / promise.target))

    def _points(self, ticket: Ticket, name: str, target: int | None) -> list[tuple[int, str]]:
        """The warning points of a promise, each with the working seconds left from which on it is reached."""
        if target is None:
            return []
        key = (name, target, _pace(ticket))
        if key not in self._known_points:
            self._known_points[key] = self._find_points(*key)
        return self._known_points[key]

    def _find_points(self, name: str, target: int, pace: float) -> list[tuple[int, str]]:
        if name == FIRST_RESPONSE:
            before = max(target // 4, 60)
            return [(before - 1, _FIRST_RESPONSE_POINT)] if 2 * before <= target else []
        points = [(before - 1, f"before:{before}") for before in self._warn_before if 2 * before <= target]
        risky = math.ceil(self._warn_exponent * target / pace) - 1
        if 0 < risky < target:
            points.append((risky, _RISK_POINT))
        return points

    def _untold(self, ticket: Ticket, sla: Sla, promise: _Promise) -> list[tuple[int, str]]:
        points = self._points(ticket, promise.name, promise.target)
        return [point for point in points if point[1] not in sla.warned] if sla.warned else points

    def _wake_at(self, ticket: Ticket, sla: Sla, now: datetime) -> datetime | None:
        instants = [self._next(ticket, sla, promise, now) for promise in (_first_response(sla), _resolution(sla))]
        return min((instant for instant in instants if instant is not None), default=None)

    def _next(self, ticket: Ticket, sla: Sla, promise: _Promise, now: datetime) -> datetime | None:
        if promise.target is None or promise.breached:
            return None
        if promise.is_late(now):
            return promise.due or promise.done_at or sla.paused_at
        if promise.due is None or promise.done_at is not None:
            return None
        untold = self._untold(ticket, sla, promise)
        return _due(self._calendar(sla), promise.due, -max(untold)[0]) if untold else promise.due

    def _reached(self, ticket: Ticket, promise: _Promise, now: datetime) -> list[tuple[int, str]]:
        if promise.due is None or promise.done_at is not None:
            return []
        left = self._calendar(ticket.sla).between(now, promise.due)
        return [point for point in self._untold(ticket, ticket.sla, promise) if left <= point[0]]

    def _warning(self, ticket: Ticket, promise: _Promise, point: str, now: datetime) -> Event:
        risk = self._risk(ticket, _tick(now))
        data = {
            "point": point,
            "promise": promise.name,
            "due": _rfc3339(promise.due),
            "remaining_seconds": promise.seconds_left(self._calendar(ticket.sla), _tick(now)),
            # Rounded up: just above a threshold is not to look like the threshold itself.
            "breach_risk": math.ceil(risk * 100) / 100,
        }
        return Event("ticket.sla_warning", ticket.id, now, DESKBELL, "clock", data)

    def _breach(self, ticket: Ticket, promise: _Promise, now: datetime) -> Event:
        sla, calendar = ticket.sla, self._calendar(ticket.sla)
        left = promise.seconds_left(calendar, _tick(now)) or 0
        due = promise.due or _due(calendar, sla.paused_at or promise.done_at or now, left)
        data = {"promise": promise.name, "due": _rfc3339(due), "late_seconds": -left}
        return Event("ticket.sla_breached", ticket.id, now, DESKBELL, "clock", data)


def _first_response(sla: Sla) -> _Promise:
    return _Promise(
        FIRST_RESPONSE,
        sla.first_response_target,
        sla.first_response_due,
        sla.first_response_left,
        sla.first_response_at,
        sla.first_response_breached,
    )


def _resolution(sla: Sla) -> _Promise:
    return _Promise(
        RESOLUTION,
        sla.resolution_target,
        sla.resolution_due,
        sla.resolution_left,
        sla.resolved_at,
        sla.resolution_breached,
    )


def _wanted(status: Status) -> _Clock:
    if status is Status.WAITING:
        return _Clock.PAUSED
    return _Clock.RUNNING if status.is_open else _Clock.STOPPED


def _standing(sla: Sla) -> _Clock:
    if sla.resolved_at is not None:
        return _Clock.STOPPED
    return _Clock.RUNNING if sla.paused_at is None else _Clock.PAUSED


def _fits(row: SlaTarget, priority: Priority, category: Category, tier: Tier) -> bool:
    return row.priority in (None, priority) and row.category in (None, category) and row.tier in (None, tier)


def _grounds(ticket: Ticket) -> tuple[Priority, Category, Tier | None]:
    """What a promise depends on."""
    return ticket.priority, ticket.category, None if ticket.customer is None else ticket.customer.tier


def _pace(ticket: Ticket) -> float:
    if ticket.status in (Status.IN_PROGRESS, Status.WAITING):
        return _PACE_IN_WORK
    return _PACE_UNTAKEN if ticket.status is Status.NEW and ticket.assignee is None else _PACE_TAKEN


def _tick(now: datetime) -> datetime:
    return now.replace(microsecond=0) if now.microsecond else now


def _due(calendar: Calendar, at: datetime, left: int | None) -> datetime | None:
    """When ``left`` working seconds from ``at`` are over (before ``at``, if negative), within five years."""
    if left is None:
        return None
    try:
        return calendar.add(at, left) if left >= 0 else calendar.subtract(at, -left)
    except TooFar:  # a calendar that was changed meanwhile must not stop the work on a ticket
        return at + HORIZON if left > 0 else at - HORIZON


def _rfc3339(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
