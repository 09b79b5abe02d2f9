"""The linter finds what Slack would refuse. Each case is a sound payload with one thing made wrong."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bot.demo.block_kit_lint import lint_message, lint_view

PLAIN = {"type": "plain_text", "text": "Go", "emoji": False}
BUTTON = {"type": "button", "action_id": "go", "text": PLAIN, "value": "1"}
MENU = {
    "type": "overflow",
    "action_id": "more",
    "options": [{"text": PLAIN, "value": "a"}, {"text": PLAIN, "value": "b"}],
}
MESSAGE: dict[str, Any] = {
    "channel": "C1",
    "text": "A sentence &amp; <@U1>",
    "blocks": [
        {"type": "section", "block_id": "top", "text": {"type": "mrkdwn", "text": "*Ticket #42*", "verbatim": True}},
        {"type": "header", "text": PLAIN},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "<!date^1795431900^{date_short} {time}|later>"}]},
        {"type": "actions", "elements": [BUTTON, MENU]},
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": " ", "style": {"bold": True}}]},
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": [
                        {"type": "rich_text_section", "elements": [{"type": "link", "url": "https://x.example"}]},
                    ],
                },
            ],
        },
        {"type": "divider"},
    ],
}
VIEW: dict[str, Any] = {
    "type": "modal",
    "callback_id": "create",
    "title": PLAIN,
    "submit": PLAIN,
    "private_metadata": "{}",
    "blocks": [
        {
            "type": "input",
            "block_id": "title",
            "label": PLAIN,
            "element": {"type": "plain_text_input", "action_id": "value", "max_length": 10, "initial_value": "abc"},
        },
        {
            "type": "input",
            "block_id": "priority",
            "label": PLAIN,
            "element": {"type": "static_select", "action_id": "value", "options": [{"text": PLAIN, "value": "a"}]},
        },
        {
            "type": "input",
            "block_id": "users",
            "label": PLAIN,
            "element": {"type": "number_input", "action_id": "value", "is_decimal_allowed": False, "min_value": "1"},
        },
    ],
}


def test_sound_payloads_have_no_complaints() -> None:
    assert lint_message(MESSAGE) == []
    assert lint_view(VIEW) == []
    assert lint_view({"type": "home", "blocks": MESSAGE["blocks"]}) == []


def changed(payload: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value at ``path`` (``blocks.0.text``) set, or taken away when it is Ellipsis."""
    made = copy.deepcopy(payload)
    *way, last = path.split(".")
    place: Any = made
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    key: Any = int(last) if isinstance(place, list) else last
    if value is ...:
        del place[key]
    else:
        place[key] = value
    return made


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("text", ..., "text: NoneType"),
        ("text", " ", "text: empty"),
        ("text", "x" * 4001, "4001 characters"),
        ("text", "a < b", "bare < or >"),
        ("text", "<!everybody>", "bare < or >"),
        ("text", "AT&T", "bare &"),
        ("text", "half \ud800", "surrogate"),
        ("colour", "red", "colour: not a property"),
        ("link_names", True, "link_names"),
        ("blocks", [{"type": "divider"}] * 51, "51 items"),
        ("blocks", [MESSAGE["blocks"][0]] * 2, "stands twice"),
        ("blocks", [{"type": "section", "text": {"type": "plain_text", "text": "x" * 2900}}] * 5, "together"),
        ("blocks.0.type", "markdown", "type 'markdown'"),
        ("blocks.0.text", ..., "needs text or fields"),
        ("blocks.0.text.emoji", True, "emoji: not a property"),
        ("blocks.0.text.text", "x" * 3001, "3001 characters"),
        ("blocks.0.fields", [PLAIN] * 11, "11 items"),
        ("blocks.0.accessory", {"type": "image", "image_url": "x", "alt_text": ""}, "not an http"),
        ("blocks.1.text", {"type": "mrkdwn", "text": "x"}, "type 'mrkdwn'"),
        ("blocks.1.text.text", "x" * 151, "151 characters"),
        ("blocks.1.text.text", "한👍" * 51, "153 characters"),
        ("blocks.2.elements", [], "0 items"),
        ("blocks.2.elements.0.text", "<!date^1^{date}>", "without a fallback"),
        ("blocks.3.elements.0.value", "x" * 2001, "2001 characters"),
        ("blocks.3.elements.0.style", "loud", "not one of primary"),
        ("blocks.3.elements.0.url", "javascript:1", "not an http"),
        ("blocks.3.elements.1.action_id", "go", "stands twice"),
        ("blocks.3.elements.1.options", [MENU["options"][0]] * 2, "a value stands twice"),
        ("blocks.3.elements.1.options", [{"text": PLAIN, "value": str(n)} for n in range(6)], "6 items"),
        ("blocks.3.elements", [{**BUTTON, "style": "primary", "action_id": a} for a in "ab"], "more than one primary"),
        ("blocks.4.elements.0.elements.0.text", "", "empty"),
        ("blocks.4.elements.0.elements.0.style", {"loud": True}, "loud: not a property"),
        ("blocks.4.elements.1.elements.0.elements.0.url", "ftp://x", "not an http"),
        ("blocks.4.elements.0.type", "rich_text_table", "type 'rich_text_table'"),
        ("blocks.5.text", PLAIN, "text: not a property"),
    ],
)
def test_a_wrong_message_is_complained_about(path: str, value: Any, complaint: str) -> None:
    found = lint_message(changed(MESSAGE, path, value))
    assert any(complaint in each for each in found), found


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("type", "dialog", "type 'dialog'"),
        ("title.text", "x" * 25, "25 characters"),
        ("submit", ..., "submit: required"),
        ("private_metadata", "x" * 3001, "3001 characters"),
        ("callback_id", "x" * 256, "256 characters"),
        ("blocks.0.block_id", ..., "block_id: missing"),
        ("blocks.1.block_id", "title", "stands twice"),
        ("blocks.0.element.initial_value", "x" * 11, "outside min_length"),
        ("blocks.0.element.initial_value", "a\nb", "line breaks"),
        ("blocks.0.element.max_length", 3001, "integer of 1 to 3000"),
        ("blocks.0.element.type", "email_text_input", "type 'email_text_input'"),
        ("blocks.1.element.options", [], "0 items"),
        ("blocks.1.element.initial_option", {"text": PLAIN, "value": "z"}, "not among the options"),
        ("blocks.2.element.initial_value", "0", "contradict"),
        ("blocks.2.element.min_value", "one", "does not look like"),
    ],
)
def test_a_wrong_view_is_complained_about(path: str, value: Any, complaint: str) -> None:
    found = lint_view(changed(VIEW, path, value))
    assert any(complaint in each for each in found), found


def test_inputs_are_for_views_only() -> None:
    assert lint_message({"text": "x", "blocks": VIEW["blocks"]})
