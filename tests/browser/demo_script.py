"""A small scripted desk for the demo page: two people on each side and one ticket."""

from __future__ import annotations

from typing import Any

START = 1_790_000_000


def text(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words}


def option(words: str, value: str) -> dict[str, Any]:
    return {"text": text(words), "value": value}


def message(ts: int, blocks: list[dict[str, Any]] | None = None, **other: Any) -> dict[str, Any]:
    return {
        "channel": "C1", "ts": f"{START + ts}.000100", "thread_ts": None, "user": "bot", "text": "Ticket #42",
        "blocks": blocks or [], "edited": False, "ephemeral_to": None, "deleted": False, **other,
    }  # fmt: skip


def activity(id: str, card: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    return {
        "id": id, "conversation": "T1", "from": "bot", "text": "", "card": card, "summary": "Ticket #42",
        "reply_to": None, "edited": False, "timestamp": f"2026-09-21T14:{len(id):02d}:00Z", **other,
    }  # fmt: skip


def ticket_blocks(assignee: str) -> list[dict[str, Any]]:
    confirm = {
        "title": text("Close?"),
        "text": {"type": "mrkdwn", "text": "This *ends* it."},
        "confirm": text("Close it"),
        "deny": text("Keep it"),
    }
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*Ticket #42*\nAssignee: {assignee}"}},
        {
            "type": "actions",
            "block_id": "verbs",
            "elements": [
                {"type": "button", "action_id": "assign_to_me", "text": text("Assign to me"), "value": "42"},
                {"type": "button", "action_id": "close", "text": text("Close"), "value": "42", "confirm": confirm},
                {"type": "overflow", "action_id": "more", "options": [option("Note", "note"), option("Wait", "wait")]},
                {
                    "type": "static_select",
                    "action_id": "priority",
                    "placeholder": text("Priority"),
                    "options": [option("Low", "low"), option("High", "high")],
                },
                {"type": "users_select", "action_id": "give", "placeholder": text("Give to")},
            ],
        },
    ]


def input_block(name: str, element: dict[str, Any], *, optional: bool = False) -> dict[str, Any]:
    element = {"action_id": "value", **element}
    return {"type": "input", "block_id": name, "label": text(name.title()), "element": element, "optional": optional}


def modal() -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "create",
        "title": text("New ticket"),
        "submit": text("Create"),
        "close": text("Cancel"),
        "blocks": [
            input_block("title", {"type": "plain_text_input"}),
            input_block(
                "users", {"type": "number_input", "is_decimal_allowed": False, "min_value": "1"}, optional=True
            ),
            input_block("kind", {"type": "radio_buttons", "options": [option("Bug", "bug"), option("Ask", "ask")]}),
            input_block("owner", {"type": "users_select"}, optional=True),
        ],
    }


def submit(title: str, **data: Any) -> dict[str, Any]:
    return {"type": "Action.Submit", "title": title, "data": data}


def ticket_card(assignee: str) -> dict[str, Any]:
    note = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "Input.Text", "id": "text", "label": "Note", "isRequired": True, "errorMessage": "Say it."}],
        "actions": [submit("Save", action="note")],
    }
    return {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": "Ticket #42", "weight": "bolder"},
            {"type": "FactSet", "facts": [{"title": "Assignee", "value": assignee}]},
        ],
        "actions": [
            submit("Assign to me", action="assign_to_me", ticket_id=42),
            submit("Update status", action="update_status", ticket_id=42, msteams={"type": "task/fetch"}),
            {"type": "Action.ShowCard", "title": "Note", "card": note},
            {"type": "Action.Execute", "title": "Acknowledge", "verb": "acknowledge", "data": {"ticket_id": 42}},
        ],
    }


def dialog_card() -> dict[str, Any]:
    choices = [{"title": "Waiting", "value": "waiting"}, {"title": "Resolved", "value": "resolved"}]
    return {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "Input.ChoiceSet", "id": "status", "label": "Status", "choices": choices, "isRequired": True,
             "errorMessage": "Choose one."},
            {"type": "Input.Number", "id": "hours", "label": "Hours", "min": 1, "max": 9, "errorMessage": "1 to 9."},
        ],
        "actions": [submit("Send", form="status")],
    }  # fmt: skip


def state() -> dict[str, Any]:
    return {
        "slack": {
            "users": [{"id": "U1", "name": "Kim Minji"}, {"id": "U2", "name": "Alex Park"}],
            "bot": {"id": "U0BOT", "name": "Deskbell"},
            "homes": {},
            "channels": [
                {"id": "C1", "name": "it-support", "kind": "channel"},
                {"id": "C2", "name": "general", "kind": "channel"},
                {"id": "D1", "name": "Deskbell", "kind": "im", "user": "U1"},
                {"id": "D2", "name": "Deskbell", "kind": "im", "user": "U2"},
            ],
            "messages": {
                "C1": [
                    message(0, ticket_blocks("nobody")),
                    message(1, user="U2", text="Is it the network again?"),
                    message(2, thread_ts=f"{START}.000100", user="U2", text="Looking."),
                    message(3, ephemeral_to="U1", text="Only for Kim."),
                ],
            },
        },
        "teams": {
            "users": [{"id": "V1", "name": "Lee Jiwon"}, {"id": "V2", "name": "Dana Cruz"}],
            "conversations": [
                {"id": "T1", "name": "Operations", "kind": "channel"},
                {"id": "P1", "name": "Deskbell", "kind": "personal", "user": "V1"},
                {"id": "P2", "name": "Deskbell", "kind": "personal", "user": "V2"},
            ],
            "activities": {"T1": [activity("a", ticket_card("nobody"))], "P1": [], "P2": []},
        },
        "stats": {"alerts_received": 12, "tickets_open": 1, "notices_delivered": 3, "sent_twice": 0},
        "scenario": {"paused": False, "step": 1, "steps": 5, "text": "The switch is about to fail."},
    }
