from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.adaptive_card_lint import lint_card
from core.views import (
    CARD_ACTIONS,
)
from tests.adaptive_card_views import (
    SAMPLES,
    card_of,
    ticket,
)


def spoilt(path: list[str | int], value: Any, *, sample: str = "ticket_new") -> dict[str, Any]:
    card: dict[str, Any] = json.loads(json.dumps(card_of(SAMPLES[sample])))
    place: Any = card
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return card


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        (["version"], "1.5", "none of 1.4"),
        (["fallbackText"], "see [this](https://x)", "live Markdown"),
        (["body"], [], "empty"),
        (["titel"], "x", "unknown in AdaptiveCard"),
        (["body", 0, "columns", 0, "items", 0, "wrap"], False, "must be true"),
        (["body", 0, "columns", 0, "items", 0, "text"], "*bold*", "live Markdown"),
        (["body", 0, "columns", 0, "items", 0, "text"], "1. one", "live Markdown"),
        (["body", 0, "columns", 0, "items", 0, "text"], "<at>Kim</at>", "live Markdown"),
        (["body", 0, "columns", 0, "items", 0, "color"], "red", "'red' is none of"),
        (["body", 0, "columns", 0, "width"], "50px", "none of stretch"),
        (["body", 1, "inlines", 0, "text"], "{{DATE(2026-11-23T00:00:00Z)}}", "would expand"),
        (["body", 1, "inlines", 0, "text"], "a\u202eb", "bidirectional"),
        (["body", 1, "inlines", 0, "text"], "", "empty"),
        (["body", 1, "inlines", 0, "style"], "heading", "unknown in TextRun"),
        (["body", 3, "facts", 0, "value"], 42, "not a string"),
        (["body", 3, "facts", 0, "value"], None, "not a string"),
        (["body", 3, "type"], "Table", "'Table' is not one of"),
        (["body", 3, "id"], "same", ""),
        (["actions", 2, "url"], "javascript:alert(1)", "not an http or https address"),
        (["actions", 0, "data"], {"ticket_id": 42}, "neither an action nor a form"),
        (["actions", 0, "data", "ticket_id"], "42", "not a whole number"),
        (["actions", 0, "data", "msteams"], {"type": "imBack"}, "not a dialog"),
        (["actions", 0, "type"], "Action.Execute", "is not one of"),
        (["actions", 0, "mode"], "secondary", "unknown in Action.Submit"),
        (["actions", 0, "title"], "", "empty"),
        (["actions"], [{"type": "Action.OpenUrl", "title": "x", "url": "https://x.example"}] * 7, "7 items"),
        (["msteams"], {"width": "Full"}, "unknown in this place"),
        (["body", 3, "height"], float("nan"), "not JSON"),
    ],
)
def test_the_linter_finds_what_is_wrong(path: list[str | int], value: Any, wrong: str) -> None:
    problems = lint_card(spoilt(path, value))
    assert any(wrong in problem for problem in problems) if wrong else problems == []


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        (["body", 0, "label"], "", "empty"),
        (["body", 0, "id"], "description", "stands twice"),
        (["body", 4, "choices", 0, "value"], "high", "a value stands twice"),
        (["body", 4, "value"], "urgent", "none of the choices"),
        (["body", 4, "style"], "filtered", "none of compact"),
        (["body", 0, "isRequired"], "yes", "not true or false"),
    ],
)
def test_the_linter_reads_inputs(path: list[str | int], value: Any, wrong: str) -> None:
    assert any(wrong in problem for problem in lint_card(spoilt(path, value, sample="form_create")))


def test_the_linter_asks_for_labels_messages_and_targets() -> None:
    card = card_of(SAMPLES["form_create"])
    del card["body"][0]["label"], card["body"][0]["errorMessage"]
    card["actions"].append({"type": "Action.ToggleVisibility", "title": "x", "targetElements": ["nowhere"]})
    assert lint_card(card) == [
        "$.body[0]: label is missing",
        "$.body[0]: required, and no errorMessage",
        "$: no element has the id 'nowhere'",
    ]


def test_the_linter_weighs_a_card_as_it_is_sent() -> None:
    assert "more than 25000" in lint_card(spoilt(["body", 1, "inlines", 0, "text"], "가" * 4500))[0]


def test_the_linter_allows_one_card_within_a_card_and_no_more() -> None:
    card = card_of(ticket(actions=CARD_ACTIONS))
    inner = card["actions"][-1]["card"]
    inner["body"].append({"type": "ActionSet", "actions": [json.loads(json.dumps(card["actions"][-1]))]})
    assert any("unfolds within" in problem for problem in lint_card(card))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "body", "actions", "id", "choices", "msteams", "text"]), inner)
    ),
    max_leaves=12,
)


@given(_json, st.sampled_from([["body"], ["actions"], ["body", 0], ["body", 3, "facts"], ["actions", 0], ["msteams"]]))
@settings(max_examples=50, deadline=None)
def test_the_linter_answers_to_anything(value: Any, path: list[str | int]) -> None:
    assert isinstance(lint_card(value), list)
    assert isinstance(lint_card(spoilt(path, value)), list)
    assert lint_card({"type": "AdaptiveCard", "version": "1.4", "fallbackText": "x", "body": value}) != []
