"""What the API takes and gives, as types: bodies are decoded into them, and the OpenAPI document is made from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from core.commands import TEXT_LIMIT, TITLE_LIMIT
from core.desk.policy import DeskPolicy
from core.model import (
    AlertStatus,
    Category,
    Event,
    KnownAlert,
    PersonRef,
    Priority,
    Severity,
    SlaClock,
    Status,
    Ticket,
    Tier,
)

Title = Annotated[str, Meta(min_length=1, max_length=TITLE_LIMIT)]
Text = Annotated[str, Meta(max_length=TEXT_LIMIT)]
Short = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class Ref(msgspec.Struct, forbid_unknown_fields=True):
    """A person: Deskbell's id and the name to show."""

    id: Short
    name: str = ""


class CustomerGiven(msgspec.Struct, forbid_unknown_fields=True):
    name: Short
    tier: Tier | None = None


class NewTicket(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    title: Title
    description: Text = ""
    category: Category = Category.INCIDENT
    priority: Priority | None = None
    customer: Short | CustomerGiven | None = None
    business_impact: Text | None = None
    affected_users: Count | None = None
    systems: Annotated[list[Short], Meta(max_length=50)] = []
    requester: Short | Ref | None = None
    assignee: Short | Ref | None = None
    team: Short | None = None
    requires_code_fix: bool = False
    affected_repository: Short | None = None
    customer_satisfaction_required: bool = False
    external_references: dict[Short, Short] = {}


class AssignBody(msgspec.Struct, forbid_unknown_fields=True):
    assignee: Short | Ref


class ReasonBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Text = ""


class PriorityBody(msgspec.Struct, forbid_unknown_fields=True):
    priority: Priority


class NoteBody(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]


class ExpertBody(msgspec.Struct, forbid_unknown_fields=True):
    expert: Short | Ref | None = None
    skill: Annotated[str, Meta(max_length=200)] = ""


class ResolveBody(msgspec.Struct, forbid_unknown_fields=True):
    resolution: Text = ""


class MergeBody(msgspec.Struct, forbid_unknown_fields=True):
    into: Annotated[int, Meta(ge=1, le=2**63 - 1)]


class SplitBody(msgspec.Struct, forbid_unknown_fields=True):
    alerts: Annotated[list[str], Meta(min_length=1, max_length=1000)]


class RateBody(msgspec.Struct, forbid_unknown_fields=True):
    score: Annotated[int, Meta(ge=1, le=5)]
    comment: Text | None = None


class EmptyBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing is needed."""


class AlertOfTicket(msgspec.Struct):
    fingerprint: str
    status: AlertStatus
    severity: Severity
    count: int


class CustomerShown(msgspec.Struct):
    name: str
    tier: Tier


class SlaShown(msgspec.Struct):
    """``remaining``: working seconds to the resolution due time, negative when late. ``breach_risk``: 0 to 1."""

    first_response_due: datetime | None
    resolution_due: datetime | None
    remaining: int | None
    breach_risk: float
    state: SlaClock


class WhyShown(msgspec.Struct):
    """The rule that decided something, and the facts it used."""

    rule: str
    facts: dict[str, Any]


class TicketShown(msgspec.Struct):
    id: int
    version: int
    title: str
    description: str
    category: Category
    priority: Priority
    status: Status
    requester: PersonRef | None
    assignee: PersonRef | None
    team: str | None
    customer: CustomerShown | None
    affected_users: int | None
    business_impact: str | None
    systems: Sequence[str]
    source: str
    alerts: Sequence[AlertOfTicket]
    external_references: dict[str, str]
    parent: int | None
    requires_code_fix: bool
    affected_repository: str | None
    customer_satisfaction_required: bool
    satisfaction: int | None
    satisfaction_comment: str | None
    resolution: str | None
    sla: SlaShown
    why: Sequence[WhyShown]
    created_at: datetime
    updated_at: datetime
    resolved_at: datetime | None


class TicketPage(msgspec.Struct):
    items: Sequence[TicketShown]
    next_cursor: str | None


class AlertShown(msgspec.Struct):
    id: int
    fingerprint: str
    source: str
    status: AlertStatus
    severity: Severity
    host: str | None
    service: str | None
    title: str
    description: str
    labels: dict[str, str]
    symptoms: Sequence[str]
    started_at: datetime
    ended_at: datetime | None
    url: str | None
    ticket: int | None
    count: int
    first_at: datetime
    last_at: datetime


class AlertPage(msgspec.Struct):
    items: Sequence[AlertShown]
    next_cursor: str | None


class EventShown(msgspec.Struct):
    seq: int
    stream: str
    type: str
    ticket: int | None
    at: datetime
    actor: PersonRef
    origin: str
    data: dict[str, Any]


class EventPage(msgspec.Struct):
    """``next`` is the ``after`` of the following page."""

    items: Sequence[EventShown]
    next: int


class AttemptShown(msgspec.Struct):
    """``outcome``: sent, found, retry, unknown or failed."""

    at: datetime
    outcome: str
    reason: str | None
    took_ms: int


class NoticeShown(msgspec.Struct):
    """``state``: waiting, sending, sent, failed, unknown, superseded, skipped. ``to``: a channel or ``person:<id>``.
    ``instead_of``: the place that was meant, where that one could not be reached."""

    id: int
    rule: str
    event: int
    platform: str
    to: str
    show: str
    urgent: bool
    state: str
    reason: str | None
    created_at: datetime
    sent_at: datetime | None
    instead_of: str | None
    attempts: Sequence[AttemptShown]


class NoticePage(msgspec.Struct):
    items: Sequence[NoticeShown]


class DeadLetterShown(msgspec.Struct):
    id: int
    source: str
    received_at: datetime
    content_type: str
    problem: dict[str, Any] | None


class DeadLetterPage(msgspec.Struct):
    items: Sequence[DeadLetterShown]
    next_cursor: str | None


class ReplayShown(msgspec.Struct):
    delivery: str
    received: int
    tickets: Sequence[int]
    problem: dict[str, Any] | None


class SatisfactionOfTeam(msgspec.Struct):
    """``mean`` from 1 to 5, ``low_share`` from 0 to 1: how many gave 1 or 2. Both null without any rating."""

    count: int
    mean: float | None
    low_share: float | None


class SatisfactionShown(SatisfactionOfTeam):
    """Ratings given in the last ``days`` days, altogether and by team; tickets of no team stand under ``""``."""

    days: int
    teams: dict[str, SatisfactionOfTeam]


class StatsShown(msgspec.Struct):
    """Open tickets by status and priority; tickets resolved in the last 24 hours and their mean time in seconds."""

    tickets: dict[str, dict[str, int]]
    resolved: dict[str, int | None]
    satisfaction: SatisfactionShown
    notices_waiting: int
    dead_letters: int


def ticket_shown(ticket: Ticket, alerts: Sequence[KnownAlert], now: datetime, policy: DeskPolicy) -> TicketShown:
    sla = policy.sla.facts(ticket, now)
    own = {name: getattr(ticket, name) for name in _SAME}
    return TicketShown(
        **own,
        customer=CustomerShown(ticket.customer.name, ticket.customer.tier) if ticket.customer else None,
        alerts=[AlertOfTicket(k.alert.fingerprint, k.alert.status, k.alert.severity, k.count) for k in alerts],
        sla=SlaShown(sla.first_response_due, sla.resolution_due, sla.remaining, round(sla.breach_risk, 4), sla.state),
        why=[WhyShown(reason.rule, reason.facts) for reason in ticket.why],
    )


_SAME = tuple(name for name in TicketShown.__struct_fields__ if name not in ("customer", "alerts", "sla", "why"))


def alert_shown(known: KnownAlert) -> AlertShown:
    alert = known.alert
    of_alert = {name: getattr(alert, name) for name in AlertShown.__struct_fields__ if hasattr(alert, name)}
    return AlertShown(
        **of_alert,
        id=known.id,
        ticket=known.ticket_id,
        count=known.count,
        first_at=known.first_at,
        last_at=known.last_at,
    )


def event_shown(event: Event) -> EventShown:
    return EventShown(
        seq=event.seq,
        stream=event.stream,
        type=event.kind,
        ticket=event.ticket_id,
        at=event.at,
        actor=event.actor,
        origin=event.origin,
        data=event.data,
    )


def notice_shown(row: Any, attempts: Sequence[Any]) -> NoticeShown:
    to = row.address or f"person:{row.person_id}"
    tried = [AttemptShown(a.at, a.outcome, a.reason, a.took_ms) for a in attempts]
    own = {
        name: getattr(row, name)
        for name in NoticeShown.__struct_fields__
        if name not in ("event", "to", "attempts", "instead_of")
    }
    instead_of = row.redirect["place"] if row.redirect else None
    return NoticeShown(**own, event=row.event_seq, to=to, attempts=tried, instead_of=instead_of)
