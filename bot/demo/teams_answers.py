"""What Teams makes of the answer to an invoke: what is wrong with it, in one list. Pure.

A malformed answer shows people "Unable to reach app" and tells the bot nothing, so it has to be caught here.
Shapes: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards and /messaging-extensions.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.demo.adaptive_card_lint import lint_card
from bot.demo.teams_records import ADAPTIVE, Json

_MESSAGE = "application/vnd.microsoft.activity.message"
_ERROR = "application/vnd.microsoft.error"
_SIZES = ("small", "medium", "large")


def invoke_problems(name: str, body: object) -> list[str]:
    """Complaints about the body of the answer to the invoke ``name``; empty when Teams can show it."""
    check = _CHECKS.get(name)
    if check is None:
        return []
    if body is None:
        return [] if name in _MAY_BE_EMPTY else [f"{name} needs an answer"]
    if not isinstance(body, dict):
        return [f"{name} is answered with {type(body).__name__}, not with an object"]
    return check(body)


def _card(card: object) -> list[str]:
    if not isinstance(card, dict) or card.get("contentType") != ADAPTIVE:
        return ["the card is not an attachment with an adaptive card"]
    return lint_card(card.get("content"))


def _task(body: Json) -> list[str]:
    task = body.get("task")
    if not isinstance(task, dict):
        return ["task is missing"]
    if task.get("type") == "message":
        return [] if isinstance(task.get("value"), str) and task["value"] else ["task.value is not a text"]
    value = task.get("value")
    if task.get("type") != "continue" or not isinstance(value, dict):
        return [f"task.type {task.get('type')!r} with a value of {type(value).__name__}"]
    problems = [] if value.get("title") else ["task.value.title is missing"]
    for side in ("width", "height"):
        if side in value and not (isinstance(value[side], int) or value[side] in _SIZES):
            problems.append(f"task.value.{side} {value[side]!r}")
    return problems + _card(value.get("card"))


def _execute(body: Json) -> list[str]:
    kind, value = body.get("type"), body.get("value")
    problems = [] if isinstance(body.get("statusCode"), int) else ["statusCode is missing"]
    if kind == ADAPTIVE:
        return problems + lint_card(value)
    if kind == _MESSAGE:
        return problems + ([] if isinstance(value, str) and value else ["value is not a text"])
    if kind == _ERROR:
        told = isinstance(value, dict) and value.get("code") and value.get("message")
        return problems + ([] if told else ["value is not a code and a message"])
    return [*problems, f"type {kind!r}"]


def _extension(body: Json) -> list[str]:
    if "task" in body:
        return _task(body)
    result = body.get("composeExtension")
    if not isinstance(result, dict):
        return ["neither task nor composeExtension"]
    if result.get("type") == "message":
        return [] if result.get("text") else ["composeExtension.text is missing"]
    if result.get("type") != "result" or result.get("attachmentLayout") not in ("list", "grid"):
        return [f"composeExtension of type {result.get('type')!r}, layout {result.get('attachmentLayout')!r}"]
    problems: list[str] = []
    for attachment in result.get("attachments") or []:
        problems += _card(attachment)
        if not isinstance(attachment, dict) or not isinstance(attachment.get("preview"), dict):
            problems.append("an attachment without preview")
    return problems


_CHECKS: dict[str, Callable[[Json], list[str]]] = {
    "task/fetch": _task,
    "task/submit": _task,
    "adaptiveCard/action": _execute,
    "composeExtension/fetchTask": _extension,
    "composeExtension/submitAction": _extension,
    "composeExtension/query": _extension,
}
_MAY_BE_EMPTY = frozenset({"task/submit", "composeExtension/submitAction"})
