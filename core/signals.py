"""What a word of a source makes of a ticket that is neither the begin nor the end of a problem.

Acknowledged there: somebody works on it. A comment there is a note here. In a downtime the ticket waits. While a
problem flaps its ticket stays open and calm, whatever its state is at the moment. Closed by hand there: resolved here,
with the reason. Each leaves one line in the story; said again, it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from core.commands import TEXT_LIMIT
from core.engine import Taken, alert_event
from core.lifecycle import untouched
from core.model import (
    DESKBELL,
    Alert,
    AlertStatus,
    Condition,
    Event,
    KnownAlert,
    PersonRef,
    Signal,
    SignalKind,
    Status,
    Ticket,
)
from core.rules.dedupe import News, news

# What ends a condition counts before the state that the message shows, everything else after it.
ENDINGS = frozenset({SignalKind.DOWNTIME_ENDED, SignalKind.FLAPPING_STOPPED})
_WITHOUT_STATE = frozenset({SignalKind.DOWNTIME_STARTED, SignalKind.CLOSED})


def shows_news(signal: Signal, known: KnownAlert | None) -> bool:
    """Whether the message shows a begin or an end that was not heard before.

    An acknowledgement that comes after the end of what it speaks of begins nothing.
    """
    if signal.kind in _WITHOUT_STATE:
        return False
    meaning = news(signal.alert, known)
    if meaning is News.REFIRED and known is not None and known.alert.ended_at is not None:
        return signal.kind in ENDINGS or signal.alert.started_at > known.alert.ended_at
    return meaning in (News.FIRST, News.REFIRED, News.RECOVERED)


def hear(signal: Signal, known: KnownAlert, ticket: Ticket | None, now: datetime) -> Taken:
    """What a signal makes of a known alert and of its ticket. Without a ticket only the alert's condition changes."""
    remembered, after, events = _EFFECTS[signal.kind](signal, replace(known, last_at=now), ticket, now)
    if after is not None and after is not ticket:
        after = replace(after, updated_at=now)
    return Taken(News.REPEAT, remembered, after, events)


Effect = tuple[KnownAlert, Ticket | None, tuple[Event, ...]]


def _acknowledged(signal: Signal, known: KnownAlert, ticket: Ticket | None, now: datetime) -> Effect:
    if known.alert.condition is Condition.ACKNOWLEDGED and not signal.text:
        return known, ticket, ()
    if known.alert.condition is None:
        known = _with(known, Condition.ACKNOWLEDGED)
    if ticket is not None and ticket.status in (Status.NEW, Status.ASSIGNED):
        ticket = replace(ticket, status=Status.IN_PROGRESS)
    return known, ticket, _told(signal, known, ticket, now)


def _unacknowledged(signal: Signal, known: KnownAlert, ticket: Ticket | None, now: datetime) -> Effect:
    if known.alert.condition is Condition.ACKNOWLEDGED:
        known = _with(known, None)
    if ticket is not None and ticket.status is Status.IN_PROGRESS and ticket.assignee is None:
        ticket = replace(ticket, status=Status.NEW)
    return known, ticket, _told(signal, known, ticket, now)


def _commented(signal: Signal, known: KnownAlert, ticket: Ticket | None, now: datetime) -> Effect:
    if ticket is None or not signal.text:
        return known, ticket, ()
    data = {"text": signal.text[:TEXT_LIMIT]}
    return known, ticket, (Event("ticket.noted", ticket.id, now, _who(signal), _origin(signal), data),)


def _downtime_started(signal: Signal, known: KnownAlert, ticket: Ticket | None, now: datetime) -> Effect:
    if ticket is None or not ticket.status.is_open or known.alert.condition is Condition.DOWNTIME:
        return known, ticket, ()
    nobody_works = ticket.status in (Status.NEW, Status.ASSIGNED) or (
        ticket.status is Status.IN_PROGRESS and ticket.assignee is None
    )
    if nobody_works and ticket.alerts_firing <= 1:
        known, ticket = _with(known, Condition.DOWNTIME), replace(ticket, status=Status.WAITING)
    return known, ticket, _told(signal, known, ticket, now)


def _downtime_ended(signal: Signal, known: KnownAlert, ticket: Ticket | None, now: datetime) -> Effect:
    if known.alert.condition is Condition.DOWNTIME:
        known = _with(known, None)
        if ticket is not None and ticket.status is Status.WAITING:
            ticket = replace(ticket, status=untouched(ticket.assignee is not None))
    return known, ticket, _told(signal, known, ticket, now)


def _flapping_started(signal: Signal, known: KnownAlert, ticket: Ticket | None, now: datetime) -> Effect:
    if known.alert.condition is Condition.FLAPPING:
        return known, ticket, ()
    return _with(known, Condition.FLAPPING), ticket, _told(signal, known, ticket, now)


def _flapping_stopped(signal: Signal, known: KnownAlert, ticket: Ticket | None, now: datetime) -> Effect:
    if known.alert.condition is not Condition.FLAPPING:
        return known, ticket, ()
    return _with(known, None), ticket, _told(signal, known, ticket, now)


def _closed(signal: Signal, known: KnownAlert, ticket: Ticket | None, now: datetime) -> Effect:
    was_firing = known.alert.status is AlertStatus.FIRING
    over = replace(known.alert, status=AlertStatus.RESOLVED, ended_at=known.alert.ended_at or now, condition=None)
    known = replace(known, alert=over)
    if ticket is None or ticket.status is Status.CLOSED:
        return known, ticket, ()
    events = _told(signal, known, ticket, now)
    firing = max(ticket.alerts_firing - 1, 0) if was_firing else ticket.alerts_firing
    changes: dict[str, Any] = {"alerts_firing": firing}
    reason = signal.text[:TEXT_LIMIT] or None
    if firing == 0 and ticket.status.is_open:
        changes |= {"status": Status.RESOLVED, "resolved_at": now, "resolution": reason}
        data = {"resolution": reason} if reason else {}
        events = (*events, Event("ticket.resolved", ticket.id, now, _who(signal), _origin(signal), data))
    elif ticket.status is Status.RESOLVED and ticket.resolution is None:
        changes["resolution"] = reason
    return known, replace(ticket, **changes), events


_EFFECTS: dict[SignalKind, Callable[[Signal, KnownAlert, Ticket | None, datetime], Effect]] = {
    SignalKind.ACKNOWLEDGED: _acknowledged,
    SignalKind.UNACKNOWLEDGED: _unacknowledged,
    SignalKind.COMMENTED: _commented,
    SignalKind.DOWNTIME_STARTED: _downtime_started,
    SignalKind.DOWNTIME_ENDED: _downtime_ended,
    SignalKind.FLAPPING_STARTED: _flapping_started,
    SignalKind.FLAPPING_STOPPED: _flapping_stopped,
    SignalKind.CLOSED: _closed,
}


def _with(known: KnownAlert, condition: Condition | None) -> KnownAlert:
    return replace(known, alert=replace(known.alert, condition=condition))


def _told(signal: Signal, known: KnownAlert, ticket: Ticket | None, now: datetime) -> tuple[Event, ...]:
    """The line of the story, by whoever did it in the source."""
    if ticket is None:
        return ()
    alert: Alert = known.alert
    said = {"text": signal.text[:TEXT_LIMIT]} if signal.text else {}
    event = alert_event(f"alert.{signal.kind.value}", alert, ticket.id, now, **said)
    return (replace(event, actor=_who(signal)),)


def _who(signal: Signal) -> PersonRef:
    """A user of the source, who is nobody that Deskbell knows; Deskbell itself where none is named."""
    return PersonRef(f"{signal.alert.source}:{signal.by}", signal.by) if signal.by else DESKBELL


def _origin(signal: Signal) -> str:
    return "webhook:" + signal.alert.source
