from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adaptive_cards
from adaptive_cards import text
from adaptive_cards.card import SIZE_LIMIT
from bot.demo.adaptive_card_lint import lint_card
from core.i18n import LANGUAGES, Words
from core.model import Category, Customer, PersonRef, Priority, Severity, SlaClock, Status, Tier
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
    Option,
    RatingRequest,
    SlaFacts,
    TicketCard,
    TicketLine,
    TicketList,
    Timeline,
    View,
)
from tests.adaptive_card_views import (
    ENGLISH,
    HOSTILE,
    KIM,
    KOREAN,
    NOW,
    alert,
    card_of,
    form,
    looks,
    shown,
    ticket,
)


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60), st.text("\\`*_{}[]()#+-.!|~<>&1 a가\n", max_size=30)))
@settings(max_examples=120, deadline=None)
def test_escaped_text_looks_as_it_was(written: str) -> None:
    clean = text.line(written, 1000)
    assert looks(text.markdown(clean)) == clean


def test_ordinary_names_need_no_backslash() -> None:
    for name in (
        "db-01.example",
        "payment_api",
        "2026. 11. 23. 오후 6:00",
        "Lee Min-ho (Payments)",
        "R&D",
        "#42",
        "C:\\Users",
    ):
        assert "\\" not in text.markdown(name).replace("C:\\Users", "")


def test_invisible_and_directional_characters_are_taken_out() -> None:
    assert text.line("a\u202eb\u200bc\u2066d\ufeffe\u3164f\x00g\u00adh\ud800i", 100) == "abcdefghi"


def test_a_block_keeps_its_lines_and_a_line_does_not() -> None:
    assert text.block("a\r\n\r\n\r\n\r\nb\u2028c  ", 100) == "a\n\nb\nc"
    assert text.line(" a\nb\t c ", 100) == "a b c"
    assert text.block("x\n" * 50, 1000, lines=3) == "x\nx\nx\n…"


def test_clipping_counts_utf16_units_and_never_splits_a_character() -> None:
    assert text.clip("abcdef", 6) == "abcdef"
    assert text.clip("abcdefg", 6) == "abcde…"
    assert text.clip("😀😀😀", 6) == "😀😀😀"
    assert text.clip("😀😀😀😀", 6) == "😀😀…"


def test_a_double_brace_is_broken_where_there_is_no_markdown() -> None:
    assert text.plain("{{DATE(x)}} {{{") == "{ {DATE(x)}} { { {"


_fragment = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30))
_hostile = st.one_of(_fragment, st.builds(lambda part, times: part * times, _fragment, st.sampled_from([50, 2000])))
_name = st.builds(PersonRef, st.just("p"), _hostile)
_moments = st.sampled_from([NOW, NOW + timedelta(days=400)])
_sla = st.builds(
    SlaFacts,
    st.sampled_from(SlaClock),
    st.none() | _moments,
    st.none() | _moments,
    st.none() | st.integers(-(10**7), 10**7),
)
_alerts = st.lists(st.builds(alert, _hostile, host=_hostile, count=st.integers(1, 10**9)), max_size=8).map(tuple)
_cards = st.builds(
    TicketCard,
    id=st.integers(1, 2**53),
    version=st.integers(1, 2**31),
    title=_hostile,
    description=_hostile,
    category=st.sampled_from(Category),
    priority=st.sampled_from(Priority),
    status=st.sampled_from(Status),
    created_at=_moments,
    updated_at=_moments,
    sla=_sla,
    requester=st.none() | _name,
    assignee=st.none() | _name,
    team=st.none() | _hostile,
    customer=st.none() | st.builds(Customer, _hostile, st.sampled_from(Tier)),
    business_impact=st.none() | _hostile,
    affected_users=st.none() | st.integers(0, 10**12),
    systems=st.lists(_hostile, max_size=40).map(tuple),
    alerts=_alerts,
    alerts_total=st.integers(0, 10**6),
    alerts_firing=st.integers(0, 10**6),
    resolution=st.none() | _hostile,
    satisfaction=st.none() | st.integers(1, 5),
    actions=st.lists(st.sampled_from(CARD_ACTIONS), max_size=11).map(tuple),
    link=st.none() | _hostile.map("https://desk.example.com/".__add__) | _hostile,
    last_kind=st.none() | st.sampled_from(["ticket.assigned", "nothing.known"]),
    last_by=st.none() | _name,
    last_at=st.none() | _moments,
)
_lines = st.builds(
    TicketLine,
    st.integers(1, 2**53),
    _hostile,
    st.sampled_from(Priority),
    st.sampled_from(Status),
    st.none() | _name,
    _sla,
)
_lists = st.builds(
    TicketList,
    tickets=st.lists(_lines, max_size=6).map(lambda few: tuple(few) * 12) | st.lists(_lines, max_size=3).map(tuple),
    query=_hostile,
    next_cursor=st.none() | _hostile,
)
_options = st.lists(
    st.builds(Option, value=st.integers(0, 9).map(str), label=_hostile),
    max_size=5,
    unique_by=lambda option: option.value,
)
_fields = st.builds(
    Field,
    name=st.sampled_from([f"field{number}" for number in range(50)]),
    kind=st.sampled_from(["text", "multiline", "number", "select", "person", "rating", "systems"]),
    label_key=st.just("field.title"),
    required=st.booleans(),
    initial=st.none() | _hostile,
    options=_options.map(tuple).filter(bool),
    max_length=st.none() | st.integers(1, 20_000),
    hint_key=st.none() | st.just("field.title_hint"),
)
_errors = st.builds(
    FieldError,
    st.sampled_from(["field1", "elsewhere"]),
    st.just("error.field.unknown_person"),
    st.fixed_dictionaries({"name": _hostile}),
)
_forms = st.builds(
    Form,
    name=st.just("note"),
    title_key=st.just("form.note.title"),
    submit_key=st.just("form.note.submit"),
    fields=st.lists(_fields, min_size=1, max_size=6, unique_by=lambda field: field.name).map(tuple),
    errors=st.lists(_errors, max_size=3).map(tuple),
    ticket_id=st.none() | st.integers(1, 99),
    ticket_title=st.none() | _hostile,
)
_notices = st.builds(
    Notice,
    key=st.just("notice.ticket.waiting_why"),
    ticket_id=st.integers(1, 99),
    title=_hostile,
    facts=st.fixed_dictionaries({"actor": _name, "reason": _hostile}),
    body=st.none() | _hostile,
    urgent=st.booleans(),
    link=st.none() | _hostile,
    actions=st.lists(st.sampled_from(CARD_ACTIONS), max_size=11).map(tuple),
    text=st.none() | _hostile,
    priority=st.none() | st.sampled_from(Priority),
    version=st.none() | st.integers(1, 99),
)
_views: st.SearchStrategy[View] = st.one_of(
    _cards,
    _lists,
    _forms,
    _notices,
    st.builds(RatingRequest, st.integers(1, 99), _hostile, st.none() | st.integers(1, 5)),
    st.builds(
        Help,
        _hostile,
        st.lists(st.builds(HelpEntry, _hostile, st.just("help.list")), max_size=60).map(tuple),
        st.none() | _hostile,
        st.none() | _hostile,
    ),
    st.builds(
        Message,
        st.just("error.ticket_changed"),
        st.fixed_dictionaries({"ticket_id": st.integers(1, 99), "by": _hostile}),
        st.booleans(),
    ),
    st.builds(
        Timeline,
        st.integers(1, 99),
        _hostile,
        st.lists(st.tuples(_moments, _notices), max_size=5).map(lambda few: tuple(few) * 15),
    ),
)


@given(_views, st.sampled_from([ENGLISH, KOREAN]))
@settings(max_examples=50, deadline=None)
def test_no_text_whatever_breaks_a_card_or_makes_it_too_large(view: View, words: Words) -> None:
    rendered = adaptive_cards.render(view, words)
    assert lint_card(rendered.card) == []
    assert len(json.dumps(rendered.card)) <= SIZE_LIMIT
    assert rendered.summary == text.line(rendered.summary, 250)


@pytest.mark.parametrize("words", [ENGLISH, KOREAN], ids=LANGUAGES)
@pytest.mark.parametrize("flood", ["가" * 30_000, "😀" * 30_000, "\\" * 30_000, '"\n' * 30_000, "{" * 30_000])
def test_a_flood_of_text_in_every_place_still_fits(flood: str, words: Words) -> None:
    who = PersonRef("p", flood)
    notice = Notice(
        "notice.ticket.waiting_why", 1, flood, {"actor": who, "reason": flood}, body=flood, urgent=True, text=flood
    )
    flooded: list[View] = [
        ticket(
            title=flood,
            description=flood,
            requester=who,
            assignee=who,
            team=flood,
            customer=Customer(flood, Tier.VIP),
            business_impact=flood,
            systems=(flood,) * 50,
            alerts=(AlertLine(flood, flood, alert("x").status, Severity.HIGH, 9, host=flood),) * 50,
            resolution=flood,
            actions=CARD_ACTIONS,
            last_by=who,
        ),
        TicketList((TicketLine(1, flood, Priority.LOW, Status.NEW, who, SlaFacts(SlaClock.MET)),) * 100, query=flood),
        form(*(Field(f"f{n}", "multiline", "field.note", initial=flood) for n in range(20)), ticket_title=flood),
        notice,
        Timeline(1, flood, ((NOW, notice),) * 100),
        Help(flood, (HelpEntry(flood, "help.list"),) * 100, wrong=flood, nearest=flood),
    ]
    for view in flooded:
        card = card_of(view, words)
        assert lint_card(card) == []


@pytest.mark.parametrize("written", [part for part in HOSTILE if "{{" not in part])
def test_hostile_text_is_shown_as_it_is_in_every_place(written: str) -> None:
    said = text.line(written, 80)
    who = PersonRef("p", written)
    for view in (
        ticket(title=written, assignee=who, team=written, customer=Customer(written), systems=(written,)),
        Notice("notice.ticket.noted", 1, written, {"actor": who}, body=written),
        TicketList((TicketLine(1, written, Priority.LOW, Status.NEW, who, SlaFacts(SlaClock.MET)),)),
        RatingRequest(1, written),
    ):
        assert said in shown(card_of(view))


def test_a_finished_text_of_the_operator_is_used_instead_of_the_catalogue() -> None:
    card = card_of(Notice("notice.ticket.noted", 1, "x", {"actor": KIM}, text="Kim says [hello](x)"))
    assert "Kim says [hello](x)" in shown(card)
    assert "wrote:" not in shown(card)


def test_what_the_oldest_and_longest_lists_leave_out_is_told() -> None:
    entry = Notice("notice.ticket.noted", 1, "x", {"actor": KIM})
    card = card_of(Timeline(1, "x", tuple((NOW + timedelta(days=day), entry) for day in range(100))))
    assert "70 earlier entries are not shown." in shown(card)
    assert "Mar 2, 2027" in shown(card)
    line = TicketLine(1, "x", Priority.LOW, Status.NEW, None, SlaFacts(SlaClock.MET))
    assert "Not shown here: 15" in shown(card_of(TicketList((line,) * 40)))
