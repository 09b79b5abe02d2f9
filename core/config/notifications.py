"""Who is told of what: the rules of ``notifications`` and those that hold when the file has none."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.config.fields import RULE_PATTERN, Duration, Model


class NotificationRule(Model):
    """Tells an audience about an event, when a condition holds."""

    name: str = Field(pattern=RULE_PATTERN, description="Stands in the delivery log.")
    on: tuple[str, ...] = Field(description="Kinds of events, like ticket.created, ticket.sla_warning, alert.fired.")
    when: str = Field(
        default="true", description="Condition in Jinja2: ticket.priority >= 'high' or ticket.customer.tier == 'vip'."
    )
    to: tuple[str, ...] = Field(
        description="Audiences: slack:#channel, teams:<conversation>, person:<id>, team:<key>, oncall:<schedule>, "
        "a name of `audiences`, or assignee, requester, team_lead, expert, caller, cards (every card of the ticket)."
    )
    show: Literal["card", "thread", "message", "rating"] = Field(
        default="message",
        description="card: the live card; thread: a line in the card's thread; message; rating: the question.",
    )
    template: str | None = Field(
        default=None, description="Name of a text in `templates`; without it the built-in text."
    )
    once: bool = Field(default=False, description="Tell each audience once for a ticket, however often the rule holds.")
    fallback: tuple[str, ...] | None = Field(
        default=None,
        description="Audiences to tell in place of one that cannot be reached, the first that can be; without it "
        "`notifications_fallback` counts, an empty list means nobody.",
    )
    urgent: bool = Field(
        default=False, description="Overtakes what waits, alerts the reader's device, ignores quiet hours."
    )


class StormSettings(Model):
    """When new tickets of one channel are listed in one message, in place of a card each."""

    cards: int = Field(default=40, ge=0, description="New cards that a channel gets within the time; 0: always cards.")
    within: Duration = Field(default=60, gt=0, description="The time in which they are counted.")


_OPEN_CARD = NotificationRule(name="ticket_card", on=("ticket.created",), to=("desk",), show="card")
DEFAULT_RULES = (
    _OPEN_CARD,
    NotificationRule(
        name="ticket_created",
        on=("ticket.created", "ticket.prioritized"),
        when="ticket.priority >= 'high' or ticket.customer.tier == 'vip'",
        to=("slack:#it-support", "slack:#general"),
        show="card",
        once=True,
    ),
    NotificationRule(
        name="sla_warning",
        on=("ticket.sla_warning",),
        when="ticket.sla_breach_risk > 0.8",
        to=("slack:#it-alerts",),
        urgent=True,
    ),
    NotificationRule(
        name="ticket_resolved",
        on=("ticket.resolved",),
        when="ticket.customer_satisfaction_required",
        to=("slack:#it-support",),
        show="rating",
    ),
    NotificationRule(
        name="vip_customer_ticket",
        on=("ticket.created",),
        when="ticket.customer.tier == 'vip'",
        to=("vip_support", "management"),
        urgent=True,
        once=True,
    ),
    NotificationRule(
        name="system_outage",
        on=("ticket.created", "ticket.updated"),
        when="ticket.category == 'outage' and ticket.affected_users > 100",
        to=("incident_response", "executives"),
        urgent=True,
        once=True,
    ),
    NotificationRule(
        name="sla_breach_warning",
        on=("ticket.sla_warning",),
        when="ticket.sla.remaining < minutes(30)",
        to=("assignee", "team_lead"),
        urgent=True,
    ),
    NotificationRule(
        name="sla_breached",
        on=("ticket.sla_breached",),
        to=("slack:#it-alerts", "assignee", "team_lead"),
        urgent=True,
    ),
    NotificationRule(
        name="expert_called", on=("ticket.expert_called",), to=("expert",), urgent=True
    ),
    NotificationRule(
        name="expert_answered", on=("ticket.expert_accepted", "ticket.expert_unavailable"), to=("caller",), urgent=True
    ),
    NotificationRule(name="assigned_to_you", on=("ticket.assigned",), to=("assignee",)),
    NotificationRule(
        name="story",
        on=(
            "ticket.assigned", "ticket.started", "ticket.waiting", "ticket.escalated", "ticket.prioritized",
            "ticket.noted", "ticket.expert_called", "ticket.expert_accepted", "ticket.expert_declined",
            "ticket.expert_unanswered", "ticket.expert_unavailable", "ticket.resolved", "ticket.reopened",
            "ticket.closed", "ticket.merged", "ticket.split", "ticket.sla_warning", "ticket.sla_breached",
            "ticket.rated", "ticket.recovered", "alert.fired", "alert.resolved", "alert.severity_changed",
            "alert.acknowledged", "alert.unacknowledged", "alert.downtime_started", "alert.downtime_ended",
            "alert.flapping_started", "alert.flapping_stopped", "alert.closed",
        ),
        to=("cards",),
        show="thread",
    ),
)  # fmt: skip
