"""One view of each kind and state, hostile text, and ways to look into a card, for all tests of Adaptive Cards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

import adaptive_cards
from core.i18n import Words
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

ENGLISH = Words("en", "Asia/Seoul")
KOREAN = Words("ko", "Asia/Seoul")

NOW = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
KIM = PersonRef("kim", "김담당")
LEE = PersonRef("lee", "Lee Min-ho (Payments)")
LINK = "https://desk.example.com/tickets/42"
PEOPLE = (Option("kim", label="김담당"), Option("lee", label="Lee Min-ho (Payments)"), Option("park", label="박지원"))
PRIORITIES = tuple(Option(priority.value, label_key=f"priority.{priority.value}") for priority in Priority)

# Text that would format, link, mention, expand, hide or break out, if it were let.
HOSTILE = (
    "[클릭](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "[a]: https://evil.example",
    "<https://evil.example> <b>bold</b> <script>alert(1)</script>",
    "<at>Everyone</at>",
    "**bold** __bold__ *it* _it_ ~~gone~~ `code`",
    "# heading",
    "> quotation",
    "- list",
    "+ list",
    "1. list",
    "2026. 11. 23.",
    "---",
    "***",
    "1)",
    "-",
    "| a | b |",
    "&lt;b&gt; &amp; &#42;",
    "C:\\Users\\*\\_x_\\",
    "{{DATE(2026-11-23T00:00:00Z, SHORT)}} {{TIME(2026-11-23T00:00:00Z)}}",
    "{{{{{{ ${title} $${{x}}",
    "safe\u202eexe.txt \u2066hidden\u2069 zero\u200bwidth\ufeff",
    "\u3164",
    "line one\nline two\r\n\r\n\r\n# three\u2028four",
    "\x00\x1b[31mred\x07\ud800",
    "snake_case_name _edge_ __init__.py",
    '"quoted" \'single\' {"json": true}',
    "가나다라마바사 👩‍👩‍👧‍👦 𝕏",
)


def alert(title: str, *, firing: bool = True, count: int = 1, host: str | None = None) -> AlertLine:
    return AlertLine(
        fingerprint=title,
        title=title,
        status=AlertStatus.FIRING if firing else AlertStatus.RESOLVED,
        severity=Severity.CRITICAL if firing else Severity.WARNING,
        count=count,
        url="https://grafana.example.com/alerting/grafana/abc/view",
        source="grafana",
        host=host,
    )


_NEW = TicketCard(
    id=42,
    version=3,
    title="결제 서비스 응답 지연: p99 > 5s",
    description="Checkout requests time out since 09:10.\nRestarting payment-api did not help.",
    category=Category.OUTAGE,
    priority=Priority.CRITICAL,
    status=Status.NEW,
    created_at=NOW,
    updated_at=NOW + timedelta(minutes=4),
    sla=SlaFacts(SlaClock.RUNNING, NOW + timedelta(minutes=15), NOW + timedelta(hours=4), 14_400, 0.35),
    requester=LEE,
    team="payments",
    customer=Customer("ACME 코리아", Tier.VIP),
    business_impact="온라인 결제 전체가 느려져 매출에 영향이 있습니다.",
    affected_users=1250,
    systems=("payment-api", "payment-db-01", "checkout_web"),
    source="webhook:grafana",
    alerts=(
        alert("p99 latency above 5 s", count=12, host="payment-api-7d9f"),
        alert("Connection pool exhausted", host="payment-db-01"),
        alert("Queue is growing", firing=False, count=3),
    ),
    alerts_total=7,
    alerts_firing=2,
    actions=(
        "assign_to_me",
        "change_priority",
        "call_expert",
        "resolve",
        "start",
        "wait",
        "note",
        "assign",
        "escalate",
    ),
    link=LINK,
    last_kind="ticket.prioritized",
    last_by=KIM,
    last_at=NOW + timedelta(minutes=4),
)
_WORKED = TicketCard(
    id=43,
    version=9,
    title="VPN drops every ten minutes",
    description="",
    category=Category.INCIDENT,
    priority=Priority.HIGH,
    status=Status.WAITING,
    created_at=NOW,
    updated_at=NOW,
    sla=SlaFacts(SlaClock.PAUSED, None, None, 5400, 0.6),
    requester=KIM,
    assignee=LEE,
    customer=Customer("Hanbit", Tier.GOLD),
    actions=("call_expert", "resolve", "start", "note", "assign", "escalate", "change_priority"),
    last_kind="ticket.waiting",
    last_by=LEE,
    last_at=NOW,
)
_RESOLVED = TicketCard(
    id=44,
    version=12,
    title="디스크 사용량 95%",
    description="web-03:/var is almost full.",
    category=Category.INCIDENT,
    priority=Priority.MEDIUM,
    status=Status.RESOLVED,
    created_at=NOW,
    updated_at=NOW,
    sla=SlaFacts(SlaClock.MET, None, NOW + timedelta(hours=8), None),
    assignee=KIM,
    alerts=(alert("Disk usage", firing=False, host="web-03"),),
    alerts_total=1,
    resolution="로그 보관 기간을 7일로 줄이고 오래된 로그를 삭제했습니다.\nlogrotate now runs hourly.",
    satisfaction=5,
    resolved_at=NOW,
    actions=("note", "reopen", "close"),
    link="https://desk.example.com/tickets/44",
    last_kind="ticket.resolved",
    last_by=KIM,
    last_at=NOW,
)
_BARE = TicketCard(
    id=45,
    version=1,
    title="New laptop",
    description="",
    category=Category.SERVICE_REQUEST,
    priority=Priority.LOW,
    status=Status.CLOSED,
    created_at=NOW,
    updated_at=NOW,
    sla=SlaFacts(SlaClock.BREACHED),
)

_LIST = TicketList(
    tickets=(
        TicketLine(42, _NEW.title, Priority.CRITICAL, Status.NEW, None, _NEW.sla, LINK),
        TicketLine(43, _WORKED.title, Priority.HIGH, Status.WAITING, LEE, _WORKED.sla),
        TicketLine(
            41,
            "Outlook cannot connect after the certificate of mail.example.com was renewed last night",
            Priority.MEDIUM,
            Status.IN_PROGRESS,
            KIM,
            SlaFacts(SlaClock.RUNNING, None, NOW, -300),
        ),
        TicketLine(45, _BARE.title, Priority.LOW, Status.CLOSED, None, _BARE.sla),
    ),
    query="team status:open 결제",
    next_cursor="c2",
)

_CREATE = Form(
    name="create",
    title_key="form.create.title",
    submit_key="form.create.submit",
    fields=(
        Field("title", "text", "field.title", required=True, max_length=250, hint_key="field.title_hint"),
        Field("description", "multiline", "field.description", max_length=20_000, hint_key="field.description_hint"),
        Field("priority", "select", "field.priority", options=PRIORITIES, hint_key="field.priority_hint"),
        Field("affected_users", "number", "field.affected_users", minimum=0, maximum=1_000_000),
        Field("assignee", "person", "field.assignee", options=PEOPLE),
    ),
    context={"origin": "teams"},
)
_REFUSED = Form(
    name="create",
    title_key="form.create.title",
    submit_key="form.create.submit",
    fields=(
        Field("title", "text", "field.title", required=True, initial="프린터 고장", max_length=250),
        Field("priority", "select", "field.priority", required=True, initial="high", options=PRIORITIES),
        Field("affected_users", "number", "field.affected_users", required=True, initial="7", minimum=0),
        Field("assignee", "person", "field.assignee", required=True, initial="홍길동"),
    ),
    errors=(
        FieldError("assignee", "error.field.unknown_person", {"name": "홍길동"}),
        FieldError("affected_users", "error.field.out_of_range", {"minimum": 10, "maximum": 1000}),
    ),
)


def _about_42(name: str, *fields: Field) -> Form:
    return Form(
        name=name,
        title_key=f"form.{name}.title",
        submit_key=f"form.{name}.submit",
        fields=fields,
        context={"v": "3"},
        ticket_id=42,
        ticket_title=_NEW.title,
    )


SAMPLES: dict[str, View] = {
    "ticket_new": _NEW,
    "ticket_waiting": _WORKED,
    "ticket_resolved": _RESOLVED,
    "ticket_bare": _BARE,
    "list_page": _LIST,
    "home": Home(
        (HomePart("mine", _LIST.tickets, 5, 1000), HomePart("team", ()), HomePart("breaching", _LIST.tickets, 0, 7)),
        NOW,
        (("Payments", KIM), ("", LEE)),
    ),
    "list_empty": TicketList(tickets=(), query="프린터"),
    "form_create": _CREATE,
    "form_refused": _REFUSED,
    "form_assign": _about_42("assign", Field("assignee", "person", "field.assignee", required=True, options=PEOPLE)),
    "form_resolve": _about_42(
        "resolve", Field("resolution", "multiline", "field.resolution", hint_key="field.resolution_hint")
    ),
    "form_rate": _about_42(
        "rate",
        Field("score", "rating", "field.score", required=True),
        Field("comment", "multiline", "field.comment", hint_key="field.comment_hint"),
    ),
    "notice_note": Notice(
        key="notice.ticket.noted",
        ticket_id=42,
        title=_NEW.title,
        facts={"actor": KIM},
        body="DB 커넥션 풀을 50에서 200으로 늘렸습니다.\nWatching the graphs now.",
        priority=Priority.CRITICAL,
        link=LINK,
    ),
    "notice_vip": Notice(
        key="notice.vip_customer_ticket",
        ticket_id=42,
        title=_NEW.title,
        facts={"customer": "ACME 코리아", "priority": Priority.CRITICAL},
        urgent=True,
        link=LINK,
        actions=("assign_to_me", "call_expert"),
        priority=Priority.CRITICAL,
        version=3,
    ),
    "notice_sla": Notice(
        key="notice.sla_breach_warning",
        ticket_id=43,
        title=_WORKED.title,
        facts={"remaining_seconds": 1500},
        urgent=True,
        actions=("escalate", "show"),
        priority=Priority.HIGH,
        version=9,
    ),
    "digest": Digest(
        NOW,
        57,
        55,
        ((Priority.HIGH, 12), (Priority.MEDIUM, 45)),
        (("결제 **x**", 30), ("mail", 9)),
        _LIST.tickets,
        "https://desk.example.com/",
    ),
    "rating_ask": RatingRequest(44, _RESOLVED.title),
    "rating_redirected": RatingRequest(44, _RESOLVED.title, redirected=("slack:#it-support", "is_archived")),
    "notice_redirected": Notice(
        "notice.ticket.escalated",
        42,
        _NEW.title,
        {"actor": KIM, "level": 1},
        urgent=True,
        redirected=("slack:#it-alerts", "channel_not_found"),
    ),
    "rating_thanks": RatingRequest(44, _RESOLVED.title, score=5),
    "rating_comment": RatingRequest(44, _RESOLVED.title, score=2, comment="Took **two** weeks.\n[x](https://evil)"),
    "help": Help(
        "@Deskbell",
        (
            HelpEntry("create [title]", "help.create"),
            HelpEntry("list [mine|team] [status:…] [priority:…]", "help.list"),
            HelpEntry("assign 42 @Kim", "help.assign"),
            HelpEntry("priority 42 high", "help.priority"),
        ),
    ),
    "help_unknown": Help("@Deskbell", (HelpEntry("list", "help.list"),), wrong="lsit", nearest="list"),
    "message_done": Message("message.assigned", {"ticket_id": 42, "assignee": LEE}, ticket_id=42),
    "message_refused": Message("error.ticket_changed", {"ticket_id": 42, "by": "김담당"}, is_error=True, ticket_id=42),
    "expert_called": Notice(
        "notice.expert_called_skill_systems",
        42,
        _NEW.title,
        {"caller": LEE, "skill": "BGP", "systems": ["edge-router"], "due": NOW + timedelta(minutes=5)},
        urgent=True,
        actions=("expert_accept", "expert_decline"),
        priority=Priority.CRITICAL,
        version=4,
    ),
    "on_call": OnCallList(
        (OnCallLine("network", KIM, NOW + timedelta(days=2), LEE), OnCallLine("nights", None), OnCallLine("desk", LEE))
    ),
    "timeline": Timeline(
        42,
        _NEW.title,
        (
            (NOW, Notice("notice.ticket.created_alert", 42, _NEW.title, {"source": "grafana"})),
            (
                NOW + timedelta(minutes=4),
                Notice(
                    "notice.ticket.prioritized",
                    42,
                    _NEW.title,
                    {"actor": KIM, "before": Priority.HIGH, "priority": Priority.CRITICAL},
                ),
            ),
            (
                NOW + timedelta(minutes=9),
                Notice("notice.ticket.noted", 42, _NEW.title, {"actor": LEE}, body="Rolled back release 2026.47."),
            ),
            (NOW + timedelta(hours=1), Notice("notice.ticket.resolved_auto", 42, _NEW.title, {"actor": DESKBELL})),
        ),
    ),
}


def card_of(view: View, words: Words = ENGLISH) -> dict[str, Any]:
    return adaptive_cards.render(view, words).card


def ticket(**changes: Any) -> TicketCard:
    sample = SAMPLES["ticket_new"]
    assert isinstance(sample, TicketCard)
    return replace(sample, **changes)


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def buttons(card: dict[str, Any]) -> list[dict[str, Any]]:
    shown = {key: item for key, item in card.items() if key != "refresh"}
    return [item for item in walk(shown) if str(item.get("type")).startswith("Action.")]


def submits(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [button["data"] for button in buttons(card) if button["type"] == "Action.Submit"]


def facts_of(card: dict[str, Any]) -> dict[str, str]:
    return {fact["title"]: fact["value"] for item in walk(card) for fact in item.get("facts", ())}


def shown(card: dict[str, Any]) -> str:
    """Everything that a reader sees, as it will look."""
    runs = [item["text"] for item in walk(card) if item.get("type") == "TextRun"]
    blocks = [item["text"] for item in walk(card) if item.get("type") == "TextBlock"]
    values = [part for fact in facts_of(card).items() for part in fact]
    return "\n".join([*runs, *(looks(marked) for marked in [*blocks, *values])])


def looks(marked: str) -> str:
    """What Markdown makes of escaped text."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", marked).replace("\N{NO-BREAK SPACE}", " ")


def form(*fields: Field, **more: Any) -> Form:
    return Form("note", "form.note.title", "form.note.submit", fields, **more)


def inputs(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in walk(card) if str(item.get("type")).startswith("Input.")]
