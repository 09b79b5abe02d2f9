"""What the stand-in of Slack sends has Slack's shapes and a signature that Slack's own library accepts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from slack_sdk.signature import SignatureVerifier

from bot.demo import slack_payloads as payloads
from bot.demo.slack_person import escape
from bot.demo.slack_records import Json, Message
from tests.stand_in_slack import ASSIGN, SECRET, SECTION, Slack, modal

SHARED = Path(__file__).parents[2] / "shared" / "fixtures" / "slack"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the recorded payloads of Slack are not in this copy")
OPTION: Json = {"text": {"type": "plain_text", "text": "High"}, "value": "p1"}


def test_a_signature_is_what_slack_sdk_accepts() -> None:
    verifier = SignatureVerifier(SECRET)
    now, body = int(time.time()), payloads.form({"command": "/ticket", "text": "새 티켓"})
    assert verifier.is_valid_request(body, payloads.signed_headers(SECRET, now, body))
    assert not verifier.is_valid_request(body + b"&x=1", payloads.signed_headers(SECRET, now, body))
    assert not verifier.is_valid_request(body, payloads.signed_headers(SECRET, now - 400, body))


def test_typed_text_is_escaped_except_for_the_links_that_the_client_makes() -> None:
    typed = "<@U0KIM> <!channel> <b> & <https://example.com/?a=1&b=2> <@nobody>"
    assert escape(typed) == "<@U0KIM> <!channel> &lt;b&gt; &amp; <https://example.com/?a=1&b=2> &lt;@nobody&gt;"


@needs_shared
@pytest.mark.parametrize(
    "made", ["click", "submission", "closing", "message", "mention", "home", "shortcut", "command"]
)
def test_payloads_have_only_keys_that_slack_sends(made: str) -> None:
    ours = _made()[made]
    alike = [known for known in _recorded() if _kind(known) == _kind(ours)]
    assert alike
    seen: Json = {}
    for known in alike:
        _merge(seen, known)
    assert strangers(ours, seen) == []


def _recorded() -> list[Json]:
    files = [*(SHARED / "java_json_logs").glob("*.json"), *(SHARED / "bolt_python").glob("*.json")]
    payloads_ = [json.loads(path.read_text())["payload"] for path in files]
    return [payload.get("__form__", payload) for payload in payloads_]


def _kind(payload: Json) -> tuple[str, str]:
    if "event" in payload:
        return "event", payload["event"]["type"]
    return ("command" if "command" in payload else payload["type"]), ""


def _merge(into: Json, other: Json) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.setdefault(key, {}), dict):
            _merge(into[key], value)
        else:
            into.setdefault(key, value)


def strangers(ours: Json, known: Json, path: str = "") -> list[str]:
    found = [path + key for key in ours if key not in known]
    for key, value in ours.items():
        if isinstance(value, dict) and isinstance(known.get(key), dict) and key not in ("message", "view", "values"):
            found += strangers(value, known[key], f"{path}{key}.")
    return found


def _made() -> dict[str, Json]:
    slack = Slack()
    app, kim, desk = slack.workspace.app, slack.workspace.people["U0KIM"], slack.desk
    message = Message(slack.workspace.next_ts(), desk.id, kim.id, "hi", [SECTION, ASSIGN], thread_ts="1.000001")
    modals = slack.stand_in.modals
    view = modals.payload(modals.open(modals.issue_trigger(kim.id), modal()))
    action = payloads.action_of(ASSIGN["elements"][0], "doing", None, "1.000002")
    envelope = {
        "message": payloads.message_event(app, message, desk, "m"),
        "mention": payloads.app_mention_event(app, message, "m"),
        "home": payloads.home_opened_event(kim.id, "D1", "1.000003", view),
    }
    return {name: payloads.event_payload(app, event, "Ev1", 1) for name, event in envelope.items()} | {
        "click": payloads.block_actions_payload(
            app, kim, action, trigger_id="1.2.a", message=message, channel=desk, answer_to="http://127.0.0.1/r"
        ),
        "submission": payloads.view_submission_payload(app, kim, view, "1.2.a"),
        "closing": payloads.view_closed_payload(app, kim, view),
        "shortcut": payloads.message_action_payload(
            app, kim, "make", message, desk, trigger_id="1.2.a", answer_to="http://127.0.0.1/r", ts="1.000004"
        ),
        "command": payloads.slash_command_payload(app, kim, desk, "/ticket", "", "1.2.a", "http://127.0.0.1/r"),
    }


@pytest.mark.parametrize(
    ("element", "value", "state"),
    [
        ({"type": "plain_text_input"}, "VPN", {"value": "VPN"}),
        ({"type": "users_select"}, "U0KIM", {"selected_user": "U0KIM"}),
        ({"type": "datepicker"}, "2026-11-24", {"selected_date": "2026-11-24"}),
        ({"type": "multi_conversations_select"}, ["C1"], {"selected_conversations": ["C1"]}),
        ({"type": "checkboxes", "options": [OPTION]}, ["p1"], {"selected_options": [OPTION]}),
        ({"type": "radio_buttons", "options": [OPTION]}, "p1", {"selected_option": OPTION}),
        ({"type": "static_select", "option_groups": [{"options": [OPTION]}]}, "p1", {"selected_option": OPTION}),
        ({"type": "static_select", "options": [OPTION]}, None, {"selected_option": None}),
    ],
)
def test_every_kind_of_element_holds_what_was_entered(element: Json, value: object, state: Json) -> None:
    assert payloads.element_state(element, value) == {"type": element["type"], **state}


def test_what_nobody_touched_keeps_its_initial_value() -> None:
    select: Json = {"type": "static_select", "action_id": "p", "options": [OPTION], "initial_option": OPTION}
    typed: Json = {"type": "plain_text_input", "action_id": "t", "initial_value": "as it was"}
    blocks: list[Json] = [
        {"type": "input", "block_id": "one", "element": select},
        {"type": "input", "block_id": "two", "element": typed},
        {"type": "divider", "block_id": "three"},
    ]
    values = payloads.view_state(blocks, {"two": {"t": "changed"}})
    assert values["one"]["p"]["selected_option"] == OPTION
    assert values["two"]["t"]["value"] == "changed"
    assert set(values) == {"one", "two"}
