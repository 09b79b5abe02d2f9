"""One view of every kind, for the golden files of the Slack renderer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from core.model import (
    DESKBELL,
    AlertStatus,
    Category,
    Customer,
    PersonRef,
    Priority,
    Severity,
    SlaClock,
    Status,
    Tier,
)
from core.views import (
    CARD_ACTIONS,
    AlertLine,
    Digest,
    Field,
    FieldError,
    Form,
    Help,
    HelpEntry,
    Home,
    HomePart,
    Message,
    Notice,
    OnCallLine,
    OnCallList,
    Option,
    RatingRequest,
    SlaFacts,
    TicketCard,
    TicketLine,
    TicketList,
    Timeline,
    View,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KIM = PersonRef("kim", "Kim Minji")
LEE = PersonRef("lee", "Lee Junho")
LINK = "https://desk.example.com/tickets/42"

OPEN_ACTIONS = tuple(verb for verb in CARD_ACTIONS if verb not in ("reopen", "close"))

OUTAGE = TicketCard(
    id=42,
    version=3,
    title="Connection pool exhausted on db_primary",
    description="Connections time out since 08:50.\nAll 50 are in use; see https://grafana.example.com/d/pool",
    category=Category.OUTAGE,
    priority=Priority.CRITICAL,
    status=Status.NEW,
    created_at=NOW - timedelta(minutes=5),
    updated_at=NOW,
    sla=SlaFacts(SlaClock.RUNNING, NOW + timedelta(minutes=15), NOW + timedelta(minutes=125), 7500, 0.83),
    team="payments",
    customer=Customer("Acme & Sons", Tier.VIP),
    affected_users=1200,
    systems=("payments", "orders"),
    source="alertmanager",
    alerts=(
        AlertLine(
            "a1",
            "Connection pool exhausted on db_primary",
            AlertStatus.FIRING,
            Severity.CRITICAL,
            12,
            "https://prometheus.example.com/graph",
            "alertmanager",
            "db-1",
            "postgres",
        ),
        AlertLine("a2", "Latency high", AlertStatus.RESOLVED, Severity.WARNING, 1, None, "alertmanager", "web-1"),
    ),
    alerts_total=7,
    alerts_firing=4,
    actions=OPEN_ACTIONS,
    link=LINK,
    last_kind="ticket.created",
    last_by=DESKBELL,
    last_at=NOW - timedelta(minutes=5),
)
REQUEST = TicketCard(
    id=7,
    version=1,
    title="New laptop",
    description="",
    category=Category.SERVICE_REQUEST,
    priority=Priority.LOW,
    status=Status.WAITING,
    created_at=NOW,
    updated_at=NOW,
    sla=SlaFacts(SlaClock.PAUSED, remaining=90_000),
    requester=LEE,
    assignee=KIM,
    source="slack",
    actions=("resolve", "start", "note"),
    last_kind="ticket.waiting",
    last_by=KIM,
    last_at=NOW,
)
RESOLVED = replace(
    OUTAGE,
    version=9,
    status=Status.RESOLVED,
    assignee=KIM,
    sla=SlaFacts(SlaClock.MET),
    alerts_firing=0,
    resolution="Raised the pool to 200 & restarted the leaking job.",
    satisfaction=5,
    resolved_at=NOW,
    actions=("note", "reopen", "close"),
    last_kind="ticket.resolved",
    last_by=KIM,
    last_at=NOW,
)
_CHOICES = tuple(Option(priority.value, label_key=f"priority.{priority.value}") for priority in Priority)
CREATE = Form(
    name="create",
    title_key="form.create.title",
    submit_key="form.create.submit",
    fields=(
        Field("title", "text", "field.title", True, max_length=250, hint_key="field.title_hint"),
        Field("description", "multiline", "field.description", max_length=20_000, hint_key="field.description_hint"),
        Field("priority", "select", "field.priority", initial="high", options=_CHOICES),
        Field("affected_users", "number", "field.affected_users", minimum=0, maximum=1_000_000, initial="12"),
        Field("assignee", "person", "field.assignee", initial="U0KIM"),
    ),
    context={"channel": "C1", "permalink": "https://example.slack.com/archives/C1/p1"},
)
RATE = Form(
    name="rate",
    title_key="form.rate.title",
    submit_key="form.rate.submit",
    fields=(
        Field("score", "rating", "field.score", True, initial="4"),
        Field("comment", "multiline", "field.comment", hint_key="field.comment_hint"),
    ),
    errors=(FieldError("score", "error.field.out_of_range", {"minimum": 1, "maximum": 5}),),
    ticket_id=42,
    ticket_title="New laptop",
)
_ASSIGNED = Notice("notice.ticket.assigned", 42, OUTAGE.title, {"actor": KIM, "assignee": LEE})
_NOTED = Notice("notice.ticket.noted", 42, OUTAGE.title, {"actor": KIM}, body="Restarted it.\nStill *failing* :fire:")

VIEWS: dict[str, View] = {
    "card_new": OUTAGE,
    "card_overdue": replace(
        OUTAGE,
        status=Status.IN_PROGRESS,
        assignee=KIM,
        alerts=OUTAGE.alerts[:1],
        alerts_total=1,
        alerts_firing=1,
        sla=replace(OUTAGE.sla, state=SlaClock.BREACHED, remaining=-600),
    ),
    "card_waiting": REQUEST,
    "card_resolved": RESOLVED,
    "list": TicketList(
        (
            TicketLine(42, OUTAGE.title, Priority.CRITICAL, Status.NEW, None, OUTAGE.sla, LINK),
            TicketLine(7, "New laptop", Priority.LOW, Status.RESOLVED, KIM, SlaFacts(SlaClock.MET)),
        ),
        "status:open laptop",
        "c2",
    ),
    "list_empty": TicketList((), "mine"),
    "form_message": replace(RATE, errors=()),
    "notice": _ASSIGNED,
    "notice_urgent": Notice(
        "notice.sla_breach_warning",
        42,
        OUTAGE.title,
        {"remaining_seconds": 1500},
        urgent=True,
        link=LINK,
        actions=("assign_to_me", "escalate", "note"),
        mention=("U0KIM", "lee"),
        priority=Priority.HIGH,
        version=3,
    ),
    "notice_template": Notice("", 42, OUTAGE.title, text="Deploy freeze!\n<!channel> *now*"),
    "digest": Digest(
        NOW,
        57,
        55,
        ((Priority.HIGH, 12), (Priority.MEDIUM, 45)),
        (("결제 *<!here>*", 30), ("mail", 9)),
        (TicketLine(42, OUTAGE.title, Priority.CRITICAL, Status.NEW, None, OUTAGE.sla, LINK),) * 5,
        "https://desk.example.com/",
    ),
    "rating": RatingRequest(42, "New laptop"),
    "rating_redirected": RatingRequest(42, "New laptop", redirected=("slack:#it-support", "is_archived")),
    "notice_redirected": replace(_NOTED, redirected=("slack:#it-alerts", "channel_not_found")),
    "rating_thanks": RatingRequest(42, "New laptop", 4),
    "rating_comment": RatingRequest(42, "New laptop", 2, "Took *two* weeks.\n<!channel>"),
    "help": Help(
        "/ticket",
        (HelpEntry("create [title]", "help.create"), HelpEntry("assign 42 @Kim", "help.assign")),
        "asign",
        "assign",
    ),
    "message": Message("message.assigned", {"ticket_id": 42, "assignee": LEE}),
    "message_error": Message(
        "error.illegal_move", {"verb": "rate", "status": Status.NEW, "legal": ("assign", "start")}, is_error=True
    ),
    "expert_called": Notice(
        "notice.expert_called_skill_systems",
        42,
        OUTAGE.title,
        {"caller": LEE, "skill": "BGP", "systems": ["edge-router"], "due": NOW + timedelta(minutes=5)},
        urgent=True,
        link=LINK,
        actions=("expert_accept", "expert_decline"),
        priority=Priority.CRITICAL,
        version=4,
    ),
    "on_call": OnCallList(
        (OnCallLine("network", KIM, NOW + timedelta(days=2), LEE), OnCallLine("nights", None), OnCallLine("desk", LEE))
    ),
    "timeline": Timeline(42, OUTAGE.title, ((NOW, _ASSIGNED), (NOW + timedelta(minutes=1), _NOTED))),
}
_PAGE = VIEWS["list"]
assert isinstance(_PAGE, TicketList)
VIEWS["overview"] = Home(
    (HomePart("mine", _PAGE.tickets, 5, 1000), HomePart("team", ()), HomePart("breaching", _PAGE.tickets, 0, 2)), NOW
)
FORMS = {"modal_create": CREATE, "modal_rate": RATE}
