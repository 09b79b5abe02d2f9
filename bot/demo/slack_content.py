"""What may stand in a Slack message: text, blocks, attachments and metadata, refused as Slack refuses them."""

from __future__ import annotations

import json

from bot.demo.block_kit_lint import MESSAGE_LIMIT, lint_message
from bot.demo.slack_facts import ATTACHMENTS_LIMIT, METADATA_LIMIT
from bot.demo.slack_records import Json, SlackRefusal


def truth(value: object) -> bool:
    """Slack's idea of a boolean argument, as JSON or as a form field."""
    return value in (True, 1, "1", "true", "True")


def listed(value: object, code: str) -> list[Json]:
    """Blocks or attachments, as JSON or as JSON in a string."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise SlackRefusal(code) from error
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise SlackRefusal(code)
    return json.loads(json.dumps(value))  # type: ignore[no-any-return]  # a copy of its own


def content(arguments: Json, *, text_limit: int) -> tuple[str, list[Json], list[Json]]:
    """Text, blocks and attachments of a message; raises what Slack refuses about them."""
    text = arguments.get("text") or ""
    if arguments.get("markdown_text"):
        if text or arguments.get("blocks"):
            raise SlackRefusal("markdown_text_conflict")
        text = arguments["markdown_text"]
    if not isinstance(text, str):
        raise SlackRefusal("invalid_arguments", "[ERROR] must be a string [json-pointer:/text]")
    blocks = listed(arguments.get("blocks"), "invalid_blocks_format")
    attachments = listed(arguments.get("attachments"), "invalid_arguments")
    if not text.strip() and not blocks and not attachments:
        raise SlackRefusal("no_text")
    if len(text) > text_limit:
        raise SlackRefusal("msg_too_long")
    if len(attachments) > ATTACHMENTS_LIMIT:
        raise SlackRefusal("too_many_attachments")
    if len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) > MESSAGE_LIMIT:
        raise SlackRefusal("msg_blocks_too_long")
    _lint({key: value for key, value in arguments.items() if value not in (None, [])} | {"blocks": blocks})
    return text, blocks, attachments


def _lint(arguments: Json) -> None:
    problems = lint_message(arguments)
    if problems:
        code = "invalid_blocks" if any(problem.startswith("blocks") for problem in problems) else "invalid_arguments"
        raise SlackRefusal(code, *(f"[ERROR] {problem}" for problem in problems))


def metadata(value: object) -> Json | None:
    """Message metadata; raises what Slack refuses about it."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise SlackRefusal("invalid_metadata_format") from error
    if value is None:
        return None
    if not isinstance(value, dict):
        raise SlackRefusal("invalid_metadata_format")
    if not value:
        return {}
    if not isinstance(value.get("event_type"), str) or not isinstance(value.get("event_payload"), dict):
        raise SlackRefusal("invalid_metadata_schema", "event_type (string) and event_payload (object) are required")
    if len(json.dumps(value, ensure_ascii=False)) > METADATA_LIMIT:
        raise SlackRefusal("metadata_too_large")
    return json.loads(json.dumps(value))  # type: ignore[no-any-return]  # a copy of its own
