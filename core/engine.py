"""What a command or an alert makes of a ticket. Pure: values in, a new ticket and its events out.

``decide`` answers people, ``take`` answers monitoring. Neither reads a clock, a database or a network; both return the
events that happened, which are history, timeline and outbox at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from core import commands as c
from core.errors import BadField, TicketChanged
from core.lifecycle import move, untouched
from core.model import (
    DESKBELL,
    Alert,
    AlertStatus,
    Customer,
    Event,
    KnownAlert,
    PersonRef,
    Priority,
    Reason,
    Status,
    Ticket,
)
from core.rules.conditions import held_by_source, still_flaps
from core.rules.dedupe import News, news

# How often a repeating alert is news: its card is brought up to date at these counts.
MILESTONES = frozenset({2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000, 1_000_000})
_UNRESOLVED: dict[str, Any] = {"resolved_at": None, "resolution": None}


class Decision(msgspec.Struct, frozen=True):
    """``ticket`` after the command (the same value where nothing changed) and what happened."""

    ticket: Ticket
    events: tuple[Event, ...]


def opened(command: c.Open, ticket_id: int, by: PersonRef, origin: str, now: datetime, priority: Priority) -> Decision:
    """A new ticket from a person's request. ``priority`` is the one asked for or the default. Raises ``BadField``."""
    title = " ".join(command.title.split())
    if not title:
        raise BadField(field="title", why="required")
    if len(title) > c.TITLE_LIMIT:
        raise BadField(field="title", why="too_long", limit=c.TITLE_LIMIT)
    if len(command.description) > c.TEXT_LIMIT:
        raise BadField(field="description", why="too_long", limit=c.TEXT_LIMIT)
    ticket = Ticket(
        id=ticket_id,
        title=title,
        created_at=now,
        updated_at=now,
        description=command.description,
        category=command.category,
        priority=priority,
        status=untouched(command.assignee is not None),
        requester=command.requester or by,
        assignee=command.assignee,
        team=command.team,
        customer=command.customer,
        business_impact=command.business_impact,
        affected_users=command.affected_users,
        systems=command.systems,
        source=origin,
        external_references=command.external_references,
        requires_code_fix=command.requires_code_fix,
        affected_repository=command.affected_repository,
        customer_satisfaction_required=command.customer_satisfaction_required,
        priority_set_by_person=command.priority is not None,
        origin=command.origin,
    )
    events = [Event("ticket.created", ticket_id, now, by, origin, {"title": title})]
    if command.assignee is not None:
        events.append(Event("ticket.assigned", ticket_id, now, by, origin, {"assignee": _ref(command.assignee)}))
    return Decision(ticket, tuple(events))


def decide(ticket: Ticket, command: c.Command, by: PersonRef, origin: str, now: datetime) -> Decision:
    """What ``command`` makes of ``ticket``.

    Raises ``IllegalMove`` where the lifecycle does not know the move, ``TicketChanged`` where somebody was faster,
    ``BadField`` for a value that makes no sense; then nothing changes. A command that changes nothing (assigning the
    one who has it) returns no events.
    """
    status = move(ticket.status, command.verb)
    changes, kind, data = _EFFECTS[type(command)](ticket, command, by)
    if kind is None:
        return Decision(ticket, ())
    if status is not ticket.status:
        changes.setdefault("status", status)
    if status is Status.RESOLVED and ticket.status.is_open:
        changes["resolved_at"] = now
    after = replace(ticket, updated_at=now, **changes)
    return Decision(after, (Event(kind, ticket.id, now, by, origin, data),))


Effect = tuple[dict[str, Any], str | None, dict[str, Any]]


def _assign(ticket: Ticket, command: c.Assign, by: PersonRef) -> Effect:
    if ticket.assignee is not None:
        if ticket.assignee.id == command.assignee.id:
            return {}, None, {}
        if command.only_if_unassigned:
            raise TicketChanged(ticket_id=ticket.id, by=ticket.assignee.name)
    before = {"before": ticket.assignee.name} if ticket.assignee else {}
    return {"assignee": command.assignee}, "ticket.assigned", {"assignee": _ref(command.assignee), **before}


def _start(ticket: Ticket, command: c.Start, by: PersonRef) -> Effect:
    return ({} if ticket.assignee else {"assignee": by}), "ticket.started", {}


def _wait(ticket: Ticket, command: c.Wait, by: PersonRef) -> Effect:
    return {}, "ticket.waiting", _text("reason", command.reason)


def _escalate(ticket: Ticket, command: c.Escalate, by: PersonRef) -> Effect:
    level = ticket.escalation_level + 1
    return {"escalation_level": level}, "ticket.escalated", {"level": level, **_text("reason", command.reason)}


def _prioritize(ticket: Ticket, command: c.Prioritize, by: PersonRef) -> Effect:
    if command.priority is ticket.priority:
        return {}, None, {}
    changes = {"priority": command.priority, "priority_set_by_person": True}
    return changes, "ticket.prioritized", {"priority": command.priority.value, "before": ticket.priority.value}


def _note(ticket: Ticket, command: c.Note, by: PersonRef) -> Effect:
    data = _text("text", command.text)
    if not data:
        raise BadField(field="note", why="required")
    place = {"place": command.place} if command.place else {}
    return {}, "ticket.noted", {**data, **_text("source_id", command.source_id or ""), **place}


def _expert(ticket: Ticket, command: c.CallExpert, by: PersonRef) -> Effect:
    expert = {"expert": _ref(command.expert)} if command.expert else {}
    return {}, "ticket.expert_called", {**expert, **_text("skill", command.skill)}


def _resolve(ticket: Ticket, command: c.Resolve, by: PersonRef) -> Effect:
    data = _text("resolution", command.resolution)
    assignee = {} if ticket.assignee else {"assignee": by}
    return {"resolution": data.get("resolution"), **assignee}, "ticket.resolved", data


def _reopen(ticket: Ticket, command: c.Reopen, by: PersonRef) -> Effect:
    changes = _UNRESOLVED | {"status": untouched(ticket.assignee is not None), "parent": None}
    return changes, "ticket.reopened", _text("reason", command.reason)


def _close(ticket: Ticket, command: c.Close, by: PersonRef) -> Effect:
    return {}, "ticket.closed", {}


def _merge(ticket: Ticket, command: c.Merge, by: PersonRef) -> Effect:
    if command.into == ticket.id:
        raise BadField(field="into", why="same_ticket")
    return {"parent": command.into}, "ticket.merged", {"into_id": command.into}


def _split(ticket: Ticket, command: c.Split, by: PersonRef) -> Effect:
    if not command.alerts:
        raise BadField(field="alerts", why="required")
    return {}, "ticket.split", {"alerts": list(command.alerts)}


def _rate(ticket: Ticket, command: c.Rate, by: PersonRef) -> Effect:
    if not 1 <= command.score <= 5:
        raise BadField(field="score", why="out_of_range", minimum=1, maximum=5)
    same, before = ticket.satisfaction == command.score, ticket.satisfaction_comment
    data = {"score": command.score, **_text("comment", command.comment or "")}
    comment = before if same and command.comment is None else data.get("comment")
    if same and comment == before:
        return {}, None, {}
    return {"satisfaction": command.score, "satisfaction_comment": comment}, "ticket.rated", data


_EFFECTS: dict[type[c.Command], Callable[[Ticket, Any, PersonRef], Effect]] = {
    c.Assign: _assign,
    c.Start: _start,
    c.Wait: _wait,
    c.Escalate: _escalate,
    c.Prioritize: _prioritize,
    c.Note: _note,
    c.CallExpert: _expert,
    c.Resolve: _resolve,
    c.Reopen: _reopen,
    c.Close: _close,
    c.Merge: _merge,
    c.Split: _split,
    c.Rate: _rate,
}


def _ref(person: PersonRef) -> dict[str, str]:
    return {"id": person.id, "name": person.name}


def _text(name: str, text: str) -> dict[str, Any]:
    """The fact, if there is one; too long a text is refused here, once for every command."""
    if len(text) > c.TEXT_LIMIT:
        raise BadField(field=name, why="too_long", limit=c.TEXT_LIMIT)
    return {name: text.strip()} if text.strip() else {}


class Ownership(msgspec.Struct, frozen=True):
    """Whose problem an alert is and what it is about, for the ticket that it opens."""

    team: str | None = None
    customer: Customer | None = None
    systems: tuple[str, ...] = ()


class AlertPolicy(msgspec.Struct, frozen=True):
    """What ``take`` needs of the configuration. Durations in seconds."""

    priorities: Mapping[Any, Priority]
    reopen_within: int
    recovery_resolves: frozenset[Status]


class Taken(msgspec.Struct, frozen=True):
    """``known`` is what to remember of the alert, ``ticket`` the ticket after it (None: it has none).

    ``meaning`` says what the message was; with REPEAT only ``known.count`` and ``last_at`` changed, unless there are
    events.
    """

    meaning: News
    known: KnownAlert
    ticket: Ticket | None
    events: tuple[Event, ...] = ()


def take(
    alert: Alert,
    known: KnownAlert | None,
    ticket: Ticket | None,
    now: datetime,
    policy: AlertPolicy,
    new_id: Callable[[], int],
    owned: Ownership = Ownership(),  # noqa: B008 -- frozen
) -> Taken:
    """What one normalised alert makes of its ticket.

    ``ticket`` is the one that ``known`` belongs to; ``new_id`` gives the number of a new one and is called only when
    one is opened. A repeat counts; a problem that comes back opens its ticket again when that was resolved recently,
    else a new one; a recovery resolves the ticket when all its alerts are over and nobody holds it in another state.
    """
    meaning = news(alert, known)
    if known is None:
        if meaning is News.FIRST:
            return _open(alert, None, now, policy, new_id, owned)
        event = alert_event("alert.resolved", alert, None, now, stray=True)
        return Taken(meaning, KnownAlert(alert, None, 1, now, now), None, (event,))
    if meaning is News.REPEAT:
        return _repeat(alert, known, ticket, now, policy)
    if meaning is News.REFIRED:
        return _refire(alert, known, ticket, now, policy, new_id, owned)
    if meaning is News.RECOVERED:
        return _recover(alert, known, ticket, now, policy)
    return Taken(meaning, replace(known, last_at=now), ticket)


def alert_event(kind: str, alert: Alert, ticket_id: int | None, now: datetime, **more: Any) -> Event:
    data = {
        "fingerprint": alert.fingerprint,
        "source": alert.source,
        "alert": alert.title,
        "severity": alert.severity.value,
        **more,
    }
    return Event(kind, ticket_id, now, DESKBELL, "webhook:" + alert.source, data)


def _open(
    alert: Alert,
    known: KnownAlert | None,
    now: datetime,
    policy: AlertPolicy,
    new_id: Callable[[], int],
    owned: Ownership,
) -> Taken:
    ticket_id = new_id()
    priority = policy.priorities[alert.severity]
    title = alert.title[: c.TITLE_LIMIT]
    ticket = Ticket(
        id=ticket_id,
        title=title,
        created_at=now,
        updated_at=now,
        description=alert.description,
        priority=priority,
        source=alert.source,
        team=owned.team,
        customer=owned.customer,
        systems=owned.systems,
        alerts_firing=1,
        alerts_total=1,
        why=(Reason("severity", {"severity": alert.severity.value, "priority": priority.value}),),
    )
    origin = "webhook:" + alert.source
    events = (
        Event("ticket.created", ticket_id, now, DESKBELL, origin, {"title": title}),
        alert_event("alert.fired", alert, ticket_id, now, first=True),
    )
    if known is None:
        remembered = KnownAlert(alert, ticket_id, 1, now, now)
        return Taken(News.FIRST, remembered, ticket, events)
    remembered = replace(known, alert=alert, ticket_id=ticket_id, count=known.count + 1, last_at=now)
    return Taken(News.REFIRED, remembered, ticket, events)


def _raised(ticket: Ticket, alert: Alert, policy: AlertPolicy) -> Priority | None:
    """The higher priority that an alert asks for, unless a person has set the ticket's."""
    wanted = policy.priorities[alert.severity]
    if ticket.priority_set_by_person or not ticket.status.is_open or wanted.rank <= ticket.priority.rank:
        return None
    return wanted


def _repeat(alert: Alert, known: KnownAlert, ticket: Ticket | None, now: datetime, policy: AlertPolicy) -> Taken:
    count = known.count + 1
    events: tuple[Event, ...] = ()
    before = known.alert.severity
    if known.alert.condition is not None:
        alert = replace(alert, condition=known.alert.condition)
    if alert.severity is not before:
        events = (alert_event("alert.severity_changed", alert, known.ticket_id, now, before=before.value),)
        raised = _raised(ticket, alert, policy) if ticket else None
        if ticket and raised:
            ticket, event = _reprioritised(ticket, raised, alert, now)
            events = (*events, event)
    elif count in MILESTONES and ticket is not None and ticket.status.is_open:
        events = (alert_event("alert.repeated", alert, known.ticket_id, now, count=count),)
    return Taken(News.REPEAT, replace(known, alert=alert, count=count, last_at=now), ticket, events)


def _reprioritised(ticket: Ticket, priority: Priority, alert: Alert, now: datetime) -> tuple[Ticket, Event]:
    data = {"priority": priority.value, "before": ticket.priority.value}
    event = Event("ticket.prioritized", ticket.id, now, DESKBELL, "webhook:" + alert.source, data)
    why = Reason("severity", {"severity": alert.severity.value, "priority": priority.value})
    return replace(ticket, priority=priority, updated_at=now, why=(*ticket.why, why)), event


def _refire(
    alert: Alert,
    known: KnownAlert,
    ticket: Ticket | None,
    now: datetime,
    policy: AlertPolicy,
    new_id: Callable[[], int],
    owned: Ownership,
) -> Taken:
    if ticket is None or ticket.status is Status.CLOSED:
        return _open(alert, known, now, policy, new_id, owned)
    if ticket.status is Status.RESOLVED:
        resolved_at = ticket.resolved_at or ticket.updated_at
        if (now - resolved_at).total_seconds() > policy.reopen_within:
            return _open(alert, known, now, policy, new_id, owned)
    firing = min(ticket.alerts_firing + 1, ticket.alerts_total)
    events: tuple[Event, ...] = (alert_event("alert.fired", alert, ticket.id, now, count=known.count + 1),)
    changes: dict[str, Any] = {"alerts_firing": firing, "updated_at": now}
    if not ticket.status.is_open:
        changes |= _UNRESOLVED | {"status": untouched(ticket.assignee is not None)}
        reopened = Event("ticket.reopened", ticket.id, now, DESKBELL, "webhook:" + alert.source, {"alert": alert.title})
        events = (*events, reopened)
    after = replace(ticket, **changes)
    raised = _raised(after, alert, policy)
    if raised:
        after, event = _reprioritised(after, raised, alert, now)
        events = (*events, event)
    remembered = replace(known, alert=alert, count=known.count + 1, last_at=now)
    return Taken(News.REFIRED, remembered, after, events)


def _recover(alert: Alert, known: KnownAlert, ticket: Ticket | None, now: datetime, policy: AlertPolicy) -> Taken:
    if still_flaps(known, now):
        return Taken(News.REPEAT, replace(known, count=known.count + 1, last_at=now), ticket)
    over = replace(known.alert, status=AlertStatus.RESOLVED, ended_at=alert.ended_at or now, condition=None)
    remembered = replace(known, alert=over, last_at=now)
    events: tuple[Event, ...] = (alert_event("alert.resolved", alert, known.ticket_id, now),)
    if ticket is None:
        return Taken(News.RECOVERED, remembered, None, events)
    firing = max(ticket.alerts_firing - 1, 0)
    changes: dict[str, Any] = {"alerts_firing": firing, "updated_at": now}
    if firing == 0 and ticket.status.is_open:
        if ticket.status in policy.recovery_resolves or held_by_source(known, ticket):
            changes |= {"status": Status.RESOLVED, "resolved_at": now}
            kind, data = "ticket.resolved", {"recovered": True}
        else:
            kind, data = "ticket.recovered", {}
        events = (*events, Event(kind, ticket.id, now, DESKBELL, "webhook:" + alert.source, data))
    return Taken(News.RECOVERED, remembered, replace(ticket, **changes), events)
