from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import adaptive_cards
from bot.demo.adaptive_card_lint import lint_card
from core.i18n import LANGUAGES, Words, catalogue
from core.model import SlaClock
from core.views import (
    CARD_ACTIONS,
    RatingRequest,
    SlaFacts,
)
from tests.adaptive_card_views import (
    ENGLISH,
    KOREAN,
    NOW,
    SAMPLES,
    alert,
    buttons,
    card_of,
    facts_of,
    shown,
    submits,
    ticket,
)

GOLDEN = Path(__file__).parent / "golden" / "adaptive_cards"
SCHEMA = Path(__file__).parents[2] / "shared/fixtures/teams/schemas/adaptive-card-1.4.0.json"
EVERY_WORDS = pytest.mark.parametrize("words", [ENGLISH, KOREAN], ids=LANGUAGES)
EVERY_SAMPLE = pytest.mark.parametrize("name", SAMPLES)


@EVERY_WORDS
@EVERY_SAMPLE
def test_every_view_renders_as_its_golden_file(name: str, words: Words) -> None:
    rendered = adaptive_cards.render(SAMPLES[name], words)
    path = GOLDEN / f"{name}.{words.language}.json"
    made = json.dumps({"summary": rendered.summary, "card": rendered.card}, ensure_ascii=False, indent=2) + "\n"
    if os.environ.get("DESKBELL_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == made


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.{tag}.json" for name in SAMPLES for tag in LANGUAGES}


@EVERY_WORDS
@EVERY_SAMPLE
def test_every_card_is_free_of_faults(name: str, words: Words) -> None:
    assert lint_card(card_of(SAMPLES[name], words)) == []


@pytest.mark.skipif(not SCHEMA.exists(), reason="the published schema is not here")
@EVERY_WORDS
@EVERY_SAMPLE
def test_every_card_follows_the_published_schema(name: str, words: Words) -> None:
    from jsonschema import Draft6Validator

    card = card_of(SAMPLES[name], words)
    card.pop("msteams", None)
    assert card["version"] == "1.4"
    assert [error.message for error in Draft6Validator(json.loads(SCHEMA.read_text())).iter_errors(card)] == []


def test_the_ticket_card_shows_what_a_ticket_is() -> None:
    card = card_of(ticket(assignee=None))
    assert card["body"][0]["columns"][0]["items"][0]["text"] == "Ticket #42"
    facts = facts_of(card)
    assert facts["Status"] == "New"
    assert facts["Priority"] == "Critical"
    assert facts["Assignee"] == "Unassigned"
    assert "VIP customer ACME 코리아" in shown(card)
    assert "2 of 7 alerts firing" in shown(card)
    assert "Priority changed by 김담당" in shown(card)


def test_times_are_told_in_the_readers_own_zone() -> None:
    assert facts_of(card_of(ticket(), Words("en", "Asia/Seoul")))["Created"] == "Nov 23, 2026 9:30 AM KST"
    assert facts_of(card_of(ticket(), Words("en", "UTC")))["Created"] == "Nov 23, 2026 12:30 AM UTC"


@pytest.mark.parametrize(
    ("sla", "said"),
    [
        (SlaFacts(SlaClock.RUNNING, None, NOW, 60), "Nov 23, 2026 9:30 AM KST"),
        (SlaFacts(SlaClock.BREACHED, None, NOW, -60), "Nov 23, 2026 9:30 AM KST, breached"),
        (SlaFacts(SlaClock.PAUSED, None, None, 5400), "clock paused, 1 h 30 min left"),
        (SlaFacts(SlaClock.MET), "met"),
        (SlaFacts(SlaClock.RUNNING), "none"),
    ],
)
def test_the_card_says_how_the_promise_stands(sla: SlaFacts, said: str) -> None:
    assert facts_of(card_of(ticket(sla=sla)))["SLA due"] == said


@EVERY_WORDS
@EVERY_SAMPLE
def test_a_summary_is_one_plain_line(name: str, words: Words) -> None:
    summary = adaptive_cards.render(SAMPLES[name], words).summary
    assert summary
    assert len(summary) <= 250
    assert "\n" not in summary
    assert "\\" not in summary


def test_the_words_for_teams_are_the_same_in_every_language() -> None:
    keys = [{key for key in catalogue(language) if key.startswith("teams.")} for language in LANGUAGES]
    assert keys[0]
    assert keys[0] == keys[1]


# --- what clicks carry


@pytest.mark.parametrize("verb", CARD_ACTIONS)
def test_a_click_names_the_verb_the_ticket_and_the_version(verb: str) -> None:
    data = next(data for data in submits(card_of(ticket(actions=(verb,)))) if data["action"] == verb)
    wanted: dict[str, Any] = {"action": verb, "ticket_id": 42, "v": 3}
    if verb in {"assign", "change_priority", "note", "resolve", "escalate", "wait", "call_expert"}:
        wanted["msteams"] = {"type": "task/fetch"}
    assert data == wanted


def test_assign_update_status_and_open_come_first() -> None:
    titles = [button["title"] for button in card_of(ticket(), KOREAN)["actions"]]
    assert titles[:3] == ["담당자 할당", "상태 업데이트", "티켓 보기"]


@given(st.lists(st.sampled_from([*CARD_ACTIONS, "destroy"]), max_size=14).map(tuple), st.booleans())
@settings(max_examples=60, deadline=None)
def test_only_what_is_legal_is_offered_and_all_of_it(verbs: tuple[str, ...], linked: bool) -> None:
    card = card_of(ticket(actions=verbs, link="https://desk.example.com/42" if linked else None))
    offered = [data["action"] for data in submits(card)]
    assert len(offered) == len(set(offered))
    assert set(offered) - {"update_status"} == set(verbs) - {"destroy"}
    assert ("update_status" in offered) == bool({"start", "wait", "resolve", "reopen", "close"} & set(verbs))
    assert any(button.get("url") == "https://desk.example.com/42" for button in buttons(card)) == linked
    assert lint_card(card) == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "//evil.example",
        "https://[::1",
        "x" * 5000,
        "ms-word:x",
    ],
)
def test_a_link_that_is_not_a_web_address_makes_no_button(url: str) -> None:
    card = card_of(ticket(link=url, alerts=(replace(alert("x"), url=url),)))
    assert [button for button in buttons(card) if "url" in button] == []


def test_a_web_address_is_sent_as_ascii() -> None:
    card = card_of(ticket(link="https://desk.example.com/티켓 42?q=a&b"))
    assert [button["url"] for button in card["actions"] if "url" in button] == [
        "https://desk.example.com/%ED%8B%B0%EC%BC%93%2042?q=a&b"
    ]


def test_a_rating_has_five_buttons_that_say_what_they_mean() -> None:
    card = card_of(RatingRequest(44, "x"), KOREAN)
    assert submits(card) == [{"action": "rate", "ticket_id": 44, "score": score} for score in (1, 2, 3, 4, 5)]
    assert card["actions"][4]["title"] == "5점 – 매우 만족"


def test_a_rated_ticket_asks_only_for_a_comment_and_that_once() -> None:
    (more,) = buttons(card_of(RatingRequest(44, "x", score=4)))
    assert more["data"] == {"action": "rate", "ticket_id": 44, "msteams": {"type": "task/fetch"}}
    assert buttons(card_of(RatingRequest(44, "x", score=4, comment="Quick"))) == []


def test_a_list_turns_its_page_and_shows_each_ticket() -> None:
    assert submits(card_of(SAMPLES["list_page"])) == [
        *({"action": "show", "ticket_id": number} for number in (42, 43, 41, 45)),
        {"action": "list", "query": "team status:open 결제", "cursor": "c2"},
    ]


# --- calling people


def test_people_are_called_by_name_in_a_first_line() -> None:
    card = adaptive_cards.calling(card_of(SAMPLES["notice_vip"]), {"29:kim": "김담당", "29:lee": "Lee *Min*</at> <b>"})
    assert card["body"][0]["text"] == "<at>김담당</at> <at>Lee Min /at b</at>"
    assert card["msteams"]["entities"] == [
        {"type": "mention", "text": "<at>김담당</at>", "mentioned": {"id": "29:kim", "name": "김담당"}},
        {"type": "mention", "text": "<at>Lee Min /at b</at>", "mentioned": {"id": "29:lee", "name": "Lee Min /at b"}},
    ]
    assert lint_card(card) == []


def test_calling_nobody_changes_nothing_and_calling_a_crowd_still_fits() -> None:
    card = card_of(SAMPLES["notice_vip"])
    assert adaptive_cards.calling(card, {}) == card
    crowd = adaptive_cards.calling(card, {f"29:{number}": f"이름 {number}" for number in range(1000)})
    assert lint_card(crowd) == []
    assert len(crowd["msteams"]["entities"]) > 50
