"""Slack's blocks: what a reader sees, within every limit, with user text that stays text."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from slack_sdk.models.blocks import Block as SdkBlock

from blocks import Block, Rendered, field_errors, home, loading_modal, modal, render
from blocks.text import units
from bot.demo.block_kit_lint import lint_message, lint_view
from core.i18n import LANGUAGES, Words
from core.model import (
    DESKBELL,
    AlertStatus,
    Priority,
    Severity,
    SlaClock,
    Status,
)
from core.views import (
    FieldError,
    Form,
    Home,
    HomePart,
    Message,
    Notice,
    TicketCard,
    TicketLine,
    TicketList,
    Timeline,
    View,
)
from tests.block_samples import CREATE, FORMS, KIM, LINK, NOW, OUTAGE, REQUEST, RESOLVED, VIEWS
from tests.block_strategies import forms, views

GOLDEN = Path(__file__).parent / "golden" / "blocks"
EN, KO = Words("en", "UTC"), Words("ko", "Asia/Seoul")
READERS = {"en": EN, "ko": KO}


def payload(rendered: Rendered) -> dict[str, Any]:
    return {"channel": "C1", "text": rendered.text, "blocks": rendered.blocks}


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within blocks, outermost first."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def as_slack_sdk_reads(blocks: list[Block]) -> list[Block]:
    """The blocks through the models of Slack's own library, which drop or refuse what they do not know."""
    return [block.to_dict() for block in SdkBlock.parse_all(blocks)]


def texts(blocks: Any) -> str:
    return "\n".join(str(each["text"]) for each in walk(blocks) if isinstance(each.get("text"), str))


def buttons(blocks: list[Block]) -> dict[str, Block]:
    return {each["action_id"]: each for block in blocks if block["type"] == "actions" for each in block["elements"]}


def fields(card: TicketCard, words: Words = EN) -> list[str]:
    grid = next(block for block in render(card, words).blocks if "fields" in block)
    return [field["text"] for field in grid["fields"]]


# ---------------------------------------------------------------- golden files


def check_golden(name: str, made: Any) -> None:
    """DESKBELL_UPDATE_GOLDEN=1 writes the files anew."""
    path = GOLDEN / f"{name}.json"
    if os.environ.get("DESKBELL_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert made == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", VIEWS)
def test_each_view_looks_as_agreed(name: str, language: str) -> None:
    rendered = render(VIEWS[name], READERS[language])
    assert lint_message(payload(rendered)) == []
    assert as_slack_sdk_reads(rendered.blocks) == rendered.blocks
    check_golden(f"{name}.{language}", {"text": rendered.text, "blocks": rendered.blocks})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", FORMS)
def test_each_form_looks_as_agreed(name: str, language: str) -> None:
    view = modal(FORMS[name], READERS[language])
    assert lint_view(view) == []
    assert as_slack_sdk_reads(view["blocks"]) == view["blocks"]
    check_golden(f"{name}.{language}", view)


@pytest.mark.parametrize("language", LANGUAGES)
def test_home_shows_each_list_below_its_heading(language: str) -> None:
    page = VIEWS["list"]
    assert isinstance(page, TicketList)
    parts = (HomePart("mine", page.tickets, 5, 1000), HomePart("team", ()), HomePart("breaching", page.tickets, 0, 2))
    view = home(Home(parts, NOW, (("Payments", KIM),)), READERS[language])
    assert lint_view(view) == []
    check_golden(f"home.{language}", view)


def test_no_golden_file_is_left_over() -> None:
    names = {f"{name}.{language}.json" for name in (*VIEWS, *FORMS, "home") for language in LANGUAGES}
    assert {path.name for path in GOLDEN.iterdir()} == names


# ---------------------------------------------------------------- the card


def test_a_card_says_at_a_glance_what_how_bad_whose_and_until_when() -> None:
    blocks = render(OUTAGE, EN).blocks
    assert blocks[0]["text"]["text"].startswith("*Ticket #42*")
    assert blocks[1]["elements"][0]["elements"][0]["text"] == OUTAGE.title
    status, priority, assignee, sla = fields(OUTAGE)
    assert status == "*Status*\nNew"
    assert priority == "*Priority*\n🔴 critical"
    assert assignee == "*Assignee*\nUnassigned"
    due = int((OUTAGE.sla.resolution_due or NOW).timestamp())
    assert sla.startswith(f"*SLA*\n2 h 5 min left, due <!date^{due}^{{date_short_pretty}} {{time}}|")
    assert "breach risk 83%" in sla


def test_the_due_time_falls_back_to_the_zone_of_the_reader() -> None:
    assert "KST>" in fields(OUTAGE, KO)[3]


def test_a_vip_customer_is_named_in_words() -> None:
    assert "VIP customer Acme & Sons" in texts(render(OUTAGE, EN).blocks)
    assert "VIP 고객 Acme & Sons" in texts(render(OUTAGE, KO).blocks)


def test_a_button_names_the_ticket_and_the_version_that_was_seen() -> None:
    row = buttons(render(OUTAGE, EN).blocks)
    assert list(row) == ["assign_to_me", "change_priority", "call_expert", "resolve", "open_ticket", "more"]
    assert json.loads(row["assign_to_me"]["value"]) == {"ticket": 42, "v": 3}
    options = [json.loads(option["value"]) for option in row["more"]["options"]]
    assert options == [{"do": verb, "ticket": 42, "v": 3} for verb in ("start", "wait", "note", "assign", "escalate")]
    assert row["open_ticket"]["url"] == LINK


def test_a_card_without_an_address_has_no_button_to_it() -> None:
    assert "open_ticket" not in buttons(render(replace(OUTAGE, link=None), EN).blocks)
    assert "open_ticket" not in buttons(render(replace(OUTAGE, link="javascript:alert(1)"), EN).blocks)


def test_what_cannot_be_taken_back_asks_first() -> None:
    row = buttons(render(RESOLVED, EN).blocks)
    assert row["close"]["style"] == "danger"
    assert row["close"]["confirm"]["style"] == "danger"


def test_a_resolved_card_is_calm_and_says_who_solved_it_and_how() -> None:
    shown = texts(render(RESOLVED, EN).blocks)
    assert "Resolved by Kim Minji" in shown
    assert "Raised the pool to 200 & restarted the leaking job." in shown
    assert "time out since" not in shown
    assert not set(shown) & set("🔴🟠🟡🚨⚠")
    assert not [button for button in buttons(render(RESOLVED, EN).blocks).values() if button.get("style") == "primary"]


def test_a_card_resolved_by_recovery_names_nobody() -> None:
    shown = texts(render(replace(RESOLVED, last_by=DESKBELL), EN).blocks)
    assert "Resolved automatically" in shown
    assert "Deskbell" not in shown


def test_an_alert_with_the_title_of_the_ticket_does_not_repeat_it() -> None:
    assert texts(render(OUTAGE, EN).blocks).count(OUTAGE.title) == 1


def test_firing_alerts_come_first_and_the_others_are_counted() -> None:
    many = tuple(
        replace(OUTAGE.alerts[0], title=f"alert {n}", status=list(AlertStatus)[n % 2], severity=list(Severity)[n % 4])
        for n in range(20)
    )
    blocks = render(replace(OUTAGE, alerts=many, alerts_total=31, alerts_firing=20), EN).blocks
    listed = next(each for each in walk(blocks) if each.get("type") == "rich_text_list")
    assert len(listed["elements"]) == 5
    assert not any("recovered" in texts(item) for item in listed["elements"])
    assert "+26 more" in texts(blocks)


def test_an_overdue_ticket_says_by_how_much() -> None:
    late = replace(OUTAGE, sla=replace(OUTAGE.sla, remaining=-600, state=SlaClock.BREACHED))
    assert fields(late)[3].startswith("*SLA*\n⚠️ overdue by 10 min, due ")


def test_a_paused_clock_says_so() -> None:
    assert fields(REQUEST)[3] == "*SLA*\nClock paused, 1 d 1 h left"


# ---------------------------------------------------------------- other views


def test_a_list_offers_each_ticket_and_the_next_page() -> None:
    blocks = render(VIEWS["list"], EN).blocks
    shows = [block["accessory"] for block in blocks if "accessory" in block]
    assert [(show["action_id"], json.loads(show["value"])) for show in shows] == [
        ("show", {"ticket": 42}),
        ("show", {"ticket": 7}),
    ]
    assert json.loads(buttons(blocks)["list"]["value"]) == {"query": "status:open laptop", "cursor": "c2"}


def test_a_list_that_does_not_fit_says_how_much_is_left_out() -> None:
    line = TicketLine(1, "x" * 250, Priority.LOW, Status.NEW, KIM, OUTAGE.sla)
    rendered = render(TicketList((line,) * 100), EN)
    assert lint_message(payload(rendered)) == []
    shown = sum(1 for block in rendered.blocks if "accessory" in block)
    assert 0 < shown < 48
    assert f"+{100 - shown} more" in texts(rendered.blocks)


def test_a_timeline_that_does_not_fit_keeps_its_newest_part() -> None:
    entries = tuple(
        (NOW, Notice("notice.ticket.noted", 42, "t", {"actor": KIM}, body=f"note {n} " + "x" * 200)) for n in range(200)
    )
    rendered = render(Timeline(42, "t", entries), EN)
    assert lint_message(payload(rendered)) == []
    shown = re.findall(r"note (\d+) ", texts(rendered.blocks))
    assert shown[-1] == "199"
    assert [int(number) for number in shown] == list(range(200 - len(shown), 200))
    assert f"{200 - len(shown)} earlier entries" in texts(rendered.blocks)


def test_a_line_of_the_thread_does_not_repeat_the_ticket() -> None:
    notice = Notice("notice.ticket.noted", 42, "Pool exhausted", {"actor": KIM}, body="done", link=LINK)
    assert "Pool exhausted" in texts(render(notice, EN).blocks)
    assert "Pool exhausted" not in texts(render(notice, EN, in_thread=True).blocks)
    assert render(notice, EN, in_thread=True).text == "Ticket #42, Pool exhausted: Kim Minji wrote: done"


def test_a_notice_calls_only_people_of_slack() -> None:
    rendered = render(VIEWS["notice_urgent"], EN)
    assert [each["user_id"] for each in walk(rendered.blocks) if each.get("type") == "user"] == ["U0KIM"]


def test_a_template_of_the_operator_is_shown_as_it_is() -> None:
    rendered = render(VIEWS["notice_template"], EN)
    assert rendered.blocks[0]["elements"][0]["elements"] == [
        {"type": "text", "text": "Deploy freeze!\n<!channel> *now*"}
    ]


def test_a_refusal_names_the_moves_that_are_possible() -> None:
    assert render(VIEWS["message_error"], KO).text.endswith("지금 할 수 있는 작업: 담당자 할당, 작업 시작.")


def test_a_missing_fact_is_a_defect_and_not_a_hole() -> None:
    with pytest.raises(KeyError):
        render(Message("message.assigned", {"ticket_id": 1}), EN)


# ---------------------------------------------------------------- forms


def test_the_errors_of_a_submission_stand_at_their_fields() -> None:
    errors = (
        FieldError("title", "error.field.required"),
        FieldError("description", "error.field.too_long", {"limit": 3000}),
        FieldError("customer", "error.field.empty"),
    )
    names = [field.name for field in CREATE.fields]
    assert field_errors(errors, EN, names) == {
        "title": "Please fill this in. Customer: Please write something.",
        "description": "At most 3,000 characters.",
    }
    assert set(field_errors(errors, EN)) == {"title", "description", "customer"}


def test_the_context_of_a_form_comes_back_whole() -> None:
    metadata = json.loads(modal(CREATE, EN)["private_metadata"])
    assert metadata == {"ticket_id": None, "context": CREATE.context}


def test_a_context_too_long_for_slack_loses_its_longest_value_first() -> None:
    form = replace(CREATE, context={"channel": "C1", "quote": "한" * 9000}, ticket_id=42)
    metadata = modal(form, EN)["private_metadata"]
    assert units(metadata) <= 3000
    assert json.loads(metadata)["context"]["channel"] == "C1"
    assert len(json.loads(metadata)["context"]["quote"]) > 1500


def test_a_form_keeps_what_was_typed() -> None:
    blocks = {block["block_id"]: block for block in modal(CREATE, EN)["blocks"]}
    assert blocks["priority"]["element"]["initial_option"]["value"] == "high"
    assert blocks["affected_users"]["element"]["initial_value"] == "12"
    assert blocks["assignee"]["element"]["initial_user"] == "U0KIM"
    assert [block["optional"] for block in blocks.values()] == [False, True, True, True, True]


def test_where_no_modal_can_open_a_button_opens_it() -> None:
    opener = buttons(render(replace(CREATE, ticket_id=42), EN).blocks)["create"]
    assert json.loads(opener["value"]) == {"ticket": 42, "context": CREATE.context}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_modal_can_be_opened_before_its_form_is_known(language: str) -> None:
    assert lint_view(loading_modal(READERS[language])) == []


# ---------------------------------------------------------------- hostile text, any view

_DATE = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|[^<>|]+>")
_LABEL = re.compile(r"^\*[^*\n]+\*")
_LIVE = re.compile(
    r"[<>*~`]|:(?!\d\d\s)[\w+'/-]|(?<![A-Za-z0-9_])_|_(?![A-Za-z0-9_])|@(?:here|channel|everyone)\b|&(?!(?:amp|lt|gt);)",
    re.I,
)


def addresses(view: Any) -> set[str]:
    """What the view itself gives as addresses, apart from text."""
    found = {view.link} if isinstance(view, TicketCard | Notice) else set()
    if isinstance(view, TicketCard):
        found |= {alert.url for alert in view.alerts}
    if isinstance(view, Timeline):
        found |= {entry.link for _, entry in view.entries}
    return {url for url in found if url}


def live(value: Any, view: Any) -> list[str]:
    """Whatever in the blocks Slack would bring to life though the view did not ask for it."""
    found: list[str] = []
    for each in walk(value):
        kind = each.get("type")
        if kind == "mrkdwn":
            assert each["verbatim"] is True
            found += _LIVE.findall(_LABEL.sub("", _DATE.sub("", each["text"])))
        elif kind == "plain_text":
            found += [] if each["emoji"] is False else [each["text"]]
        elif kind == "user":
            found += [] if each["user_id"] in getattr(view, "mention", ()) else [each["user_id"]]
        elif kind in ("emoji", "channel", "usergroup", "broadcast", "markdown"):
            found.append(str(each))
        if "url" in each and each["url"] not in addresses(view):
            found.append(each["url"])
    return found


quickly = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("words", READERS.values(), ids=READERS)
@quickly
@given(view=views)
def test_any_text_in_any_view_passes_the_linter_and_stays_text(words: Words, view: View) -> None:
    rendered = render(view, words)
    assert lint_message(payload(rendered)) == []
    assert live(rendered.blocks, view) == []
    assert _LIVE.findall(rendered.text) == []
    assert json.dumps(payload(rendered), ensure_ascii=False).encode()


@quickly
@given(form=forms, words=st.sampled_from((EN, KO)))
def test_any_text_in_any_form_passes_the_linter_and_stays_text(form: Form, words: Words) -> None:
    view = modal(form, words)
    assert lint_view(view) == []
    assert live(view, form) == []
    assert set(field_errors(form.errors, words, [field.name for field in form.fields])) <= {f.name for f in form.fields}
