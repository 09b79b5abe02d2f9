"""Hypothesis strategies: any view, with texts that try to become more than text."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from core.model import DESKBELL, AlertStatus, Category, Customer, PersonRef, Priority, Severity, SlaClock, Status, Tier
from core.views import (
    CARD_ACTIONS,
    AlertLine,
    Field,
    FieldError,
    Form,
    Help,
    HelpEntry,
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


class Long(str):
    """A text that is shown short when a test fails."""

    def __repr__(self) -> str:
        return f"Long({self[:8]!r} ... {len(self)})"


_ATTACKS = (
    "<!channel>", "<@U1>", "<https://evil.example|login>", "*bold* _it_ ~no~ `code`", ":fire:", ":", "@here #general",
    "\u202eRTL\u2066", "> quote\n>>> more", "a\nb\r\n\n\n\nc", "\x00\x1b[31m", "\ud83d", "👩‍👩‍👧‍👦🇰🇷👍🏽",
    "{actor} {0}", "&amp; &lt; &", "", " ", "\u200b", "https://evil.example", "}}{{ %s", "|>^", "_a_b_",
    Long("e" + "\u0301" * 90), Long('"' * 400), Long("\\" * 400), Long("한" * 300),
)  # fmt: skip
_HUGE = ("x" * 100_000, '"' * 100_000, "👍🏽" * 50_000, "\u0301" * 100_000, "<!here>\n" * 20_000)
hostile = st.one_of(
    st.sampled_from(_ATTACKS),
    st.tuples(st.sampled_from(_ATTACKS), st.sampled_from(_ATTACKS)).map("".join),
    st.text(st.characters(exclude_categories=()), max_size=10),
    st.sampled_from([Long(text) for text in _HUGE]),
)
maybe = st.none() | hostile
people = st.builds(PersonRef, hostile, hostile)
person = st.none() | people | st.just(DESKBELL)
numbers = st.integers(1, 10**9)
priorities, statuses, severities = st.sampled_from(Priority), st.sampled_from(Status), st.sampled_from(Severity)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
moment = st.none() | moments
slas = st.builds(
    SlaFacts, st.sampled_from(SlaClock), moment, moment, st.none() | st.integers(-(10**8), 10**8), st.floats(0, 1)
)
urls = maybe | st.just("https://desk.example/tickets/42") | st.just(Long("https://x.example/" + "a" * 900))
verbs = st.lists(st.sampled_from((*CARD_ACTIONS, "merge", "split")), unique=True).map(tuple)
customers = st.none() | st.builds(Customer, hostile, st.sampled_from(Tier))
alerts = st.builds(
    AlertLine, hostile, hostile, st.sampled_from(AlertStatus), severities, numbers, urls, hostile, maybe, maybe
)
cards = st.builds(
    TicketCard,
    id=numbers, version=numbers, title=hostile, description=hostile, category=st.sampled_from(Category),
    priority=priorities, status=statuses, created_at=moments, updated_at=moments, sla=slas, requester=person,
    assignee=person, team=maybe, customer=customers, business_impact=maybe, affected_users=st.none() | numbers,
    systems=st.lists(hostile, max_size=12).map(tuple), source=hostile, alerts=st.lists(alerts, max_size=7).map(tuple),
    alerts_total=st.integers(0, 99), alerts_firing=st.integers(0, 99), resolution=maybe, resolved_at=moment,
    satisfaction=st.none() | st.integers(1, 5), actions=verbs, link=urls, last_by=person, last_at=moment,
    last_kind=st.none() | st.sampled_from(("ticket.resolved", "alert.fired", "unheard.of")),
)  # fmt: skip
lines = st.builds(TicketLine, numbers, hostile, priorities, statuses, person, slas, urls)
notices = st.builds(
    Notice,
    key=st.sampled_from(("notice.ticket.escalated_why", "notice.sla_breached", "notice.alert.fired_host")),
    ticket_id=numbers,
    title=hostile,
    facts=st.fixed_dictionaries({
        "actor": people, "reason": hostile, "due": moments, "severity": severities, "host": hostile, "alert": hostile,
    }),
    body=maybe, urgent=st.booleans(), link=urls, actions=verbs, text=maybe, priority=st.none() | priorities,
    mention=st.lists(hostile | st.just("U1"), max_size=30).map(tuple), version=st.none() | numbers,
)  # fmt: skip
messages = st.builds(
    Message,
    st.sampled_from([
        "error.bad_field", "error.not_found", "error.ticket_changed", "error.unknown_command", "error.illegal_move",
    ]),
    st.fixed_dictionaries({
        "field": hostile, "why": hostile, "what": hostile, "id": hostile, "by": hostile, "ticket_id": numbers,
        "word": hostile, "nearest": hostile, "verb": hostile, "legal": st.lists(hostile, max_size=4).map(tuple),
        "status": statuses,
    }),
    st.just(True),
)  # fmt: skip
_NAMES = st.sampled_from(("title", "note", "score", "skill"))
_KINDS = st.sampled_from(("text", "multiline", "number", "select", "person", "rating", "systems"))
_OPTIONS = st.lists(st.builds(Option, hostile, st.none(), maybe), max_size=4).map(tuple)
inputs = st.builds(
    Field, _NAMES, _KINDS, st.just("field.title"), st.booleans(), maybe, _OPTIONS, st.none() | st.integers(1, 9999),
    st.none() | st.integers(-9, 0), st.none() | st.integers(1, 9), st.just("field.title_hint"),
)  # fmt: skip
errors = st.builds(
    FieldError,
    _NAMES | hostile,
    st.just("error.field.unknown_person"),
    st.fixed_dictionaries({"name": hostile}),
)
forms = st.builds(
    Form,
    st.just("create"),
    st.just("form.create.title"),
    st.just("form.create.submit"),
    st.lists(inputs, min_size=1, max_size=4, unique_by=lambda field: field.name).map(tuple),
    st.dictionaries(_NAMES, hostile),
    st.lists(errors, max_size=5).map(tuple),
    st.none() | numbers,
    maybe,
)
helps = st.builds(
    Help, hostile, st.lists(st.builds(HelpEntry, hostile, st.just("help.list")), max_size=30).map(tuple), maybe, maybe
)
on_call = st.builds(OnCallLine, hostile, st.none() | people, moments, people) | st.builds(
    OnCallLine, hostile, st.none() | people
)
views: st.SearchStrategy[View] = st.one_of(
    cards,
    st.builds(TicketList, st.lists(lines, max_size=30).map(tuple), hostile, st.none() | st.text("0aZ=-", min_size=1)),
    notices,
    st.builds(RatingRequest, numbers, hostile, st.none() | st.integers(1, 5)),
    helps,
    messages,
    forms,
    st.builds(Timeline, numbers, hostile, st.lists(st.tuples(moments, notices), max_size=8).map(tuple)),
    st.builds(OnCallList, st.lists(on_call, max_size=60).map(tuple)),
)
