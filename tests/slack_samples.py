"""Views that the tests of Slack's door show."""

from __future__ import annotations

from datetime import UTC, datetime

from core.model import Category, Priority, SlaClock, Status
from core.views import Field, Form, Message, SlaFacts, TicketCard

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CARD = TicketCard(
    id=42,
    version=3,
    title="VPN is down",
    description="",
    category=Category.INCIDENT,
    priority=Priority.HIGH,
    status=Status.NEW,
    created_at=NOON,
    updated_at=NOON,
    sla=SlaFacts(SlaClock.RUNNING, remaining=1800),
    actions=("assign_to_me", "change_priority", "call_expert", "resolve", "note", "wait"),
)
NOTE = Form(
    name="note",
    title_key="form.note.title",
    submit_key="form.note.submit",
    fields=(Field("text", "multiline", "field.text"), Field("assignee", "person", "field.assignee")),
    context={"v": "3", "why": "asked"},
    ticket_id=42,
)
REFUSED = Message("error.not_allowed", {"verb": "assign"}, is_error=True)
DONE = Message("message.noted", {"ticket_id": 42})
