"""A strict reading of Adaptive Cards 1.4 as this project uses them; the stand-in for Teams refuses what it finds wrong.

Teams shows a card with a mistake in it as an empty box, or not at all, and tells nobody why. So this knows only the
elements, properties and values that the project sends, and beyond the published schema
(https://adaptivecards.io/schemas/adaptive-card.json) what Teams asks for: size, number of buttons, unique ids, wrapping
text, labelled inputs, and no text that could format, link, expand or hide.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

SIZE_LIMIT = 25_000
ACTION_LIMIT = 6
READER_LIMIT = 60

Problems = Iterator[str]
Check = Callable[[Any, str], Problems]

# Text that acts as Markdown once escaped characters are taken away.
_MARKDOWN = re.compile(
    r"[`*\[\]<~]|(?<![^\W_])_|_(?![^\W_])|\$\{|&#?\w+;|^>|^#{1,6}( |$)|^[+-]( |-*$)|^\d+[.)]( |$)", re.MULTILINE
)
_ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]")
_HIDDEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2028\u2029\u3164\uffa0\U000e0000-\U000e0fff]")


def lint_card(card: object) -> list[str]:
    """Everything that is wrong with a card, each as ``path: problem``; nothing for a card that Teams will show."""
    if not isinstance(card, dict):
        return ["$: not an object"]
    try:
        size = len(json.dumps(card, allow_nan=False))
    except (TypeError, ValueError) as error:
        return [f"$: not JSON: {error}"]
    problems = [f"$: {size} bytes, more than {SIZE_LIMIT}"] if size > SIZE_LIMIT else []
    return [*problems, *_card(card), *_ids(card), *_targets(card)]


def _card(card: dict[str, Any]) -> Problems:
    names = {mention["text"] for mention in _mentions(card)}
    known = _object("AdaptiveCard", _CARD, ("type", "version", "body", "fallbackText"))
    yield from known(_without_mentions(card, names), "$")
    if not card.get("body"):
        yield "$.body: empty"


def _mentions(card: dict[str, Any]) -> list[dict[str, Any]]:
    msteams = card.get("msteams")
    entities = msteams.get("entities") if isinstance(msteams, dict) else None
    listed = entities if isinstance(entities, list) else []
    return [entity for entity in listed if isinstance(entity, dict) and isinstance(entity.get("text"), str)]


def _without_mentions(value: Any, names: set[str]) -> Any:
    """The card with the mentions that Teams knows taken out of its text blocks."""
    if isinstance(value, list):
        return [_without_mentions(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {key: item if key == "msteams" else _without_mentions(item, names) for key, item in value.items()}
    if value.get("type") == "TextBlock" and isinstance(value.get("text"), str):
        for name in names:
            plain["text"] = plain["text"].replace(name, "@")
    return plain


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a card, except what buttons carry."""
    if isinstance(value, dict):
        yield value
        for key, item in value.items():
            if key != "data":
                yield from _walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item)


def _ids(card: dict[str, Any]) -> Problems:
    seen: set[str] = set()
    for element in _walk({key: item for key, item in card.items() if key != "msteams"}):
        name = element.get("id")
        if isinstance(name, str):
            if name in seen:
                yield f"$: the id {name!r} stands twice"
            seen.add(name)


def _targets(card: dict[str, Any]) -> Problems:
    ids = [element["id"] for element in _walk(card) if isinstance(element.get("id"), str)]
    for element in _walk(card):
        targets = element.get("targetElements")
        if isinstance(targets, list):
            yield from (f"$: no element has the id {target!r}" for target in targets if target not in ids)


# --- values


def _hidden(value: str) -> bool:
    return bool(_HIDDEN.search(value)) or any(
        character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in value
    )


def _text(value: Any, path: str) -> Problems:
    """Text that is shown as it is."""
    if not isinstance(value, str):
        yield f"{path}: not a string"
    elif not value.strip():
        yield f"{path}: empty"
    else:
        if "{{" in value:
            yield f"{path}: {{{{ would expand"
        if _hidden(value):
            yield f"{path}: control, bidirectional or zero-width characters"


def _line(value: Any, path: str) -> Problems:
    yield from _text(value, path)
    if isinstance(value, str) and "\n" in value:
        yield f"{path}: more than one line"


def _markdown(value: Any, path: str) -> Problems:
    yield from _line(value, path)
    if isinstance(value, str) and (found := _MARKDOWN.search(_ESCAPED.sub("x", value))):
        yield f"{path}: {found[0]!r} is live Markdown"


def _typed(value: Any, path: str) -> Problems:
    """What stands in an input: never interpreted, but not hidden either."""
    if not isinstance(value, str):
        yield f"{path}: not a string"
    elif _hidden(value):
        yield f"{path}: control, bidirectional or zero-width characters"


def _name(value: Any, path: str) -> Problems:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", value):
        yield f"{path}: not a name"


def _flag(value: Any, path: str) -> Problems:
    if not isinstance(value, bool):
        yield f"{path}: not true or false"


def _number(value: Any, path: str) -> Problems:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield f"{path}: not a number"


def _true(value: Any, path: str) -> Problems:
    if value is not True:
        yield f"{path}: must be true"


def _one_of(*allowed: str) -> Check:
    def check(value: Any, path: str) -> Problems:
        if value not in allowed:
            yield f"{path}: {value!r} is none of {', '.join(allowed)}"

    return check


def _url(value: Any, path: str) -> Problems:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and value.isascii()
    except (AttributeError, TypeError, ValueError):
        good = False
    if not good:
        yield f"{path}: not an http or https address"


def _list_of(check: Check, *, least: int = 1, most: int | None = None) -> Check:
    def items(value: Any, path: str) -> Problems:
        if not isinstance(value, list):
            yield f"{path}: not a list"
            return
        if len(value) < least or (most is not None and len(value) > most):
            yield f"{path}: {len(value)} items"
        for index, item in enumerate(value):
            yield from check(item, f"{path}[{index}]")

    return items


def _object(kind: str | None, properties: dict[str, Check], required: tuple[str, ...]) -> Check:
    def check(value: Any, path: str) -> Problems:
        if not isinstance(value, dict):
            yield f"{path}: not an object"
            return
        if kind is not None and value.get("type") != kind:
            yield f"{path}.type: not {kind}"
        yield from (f"{path}: {name} is missing" for name in required if name not in value)
        for name, item in value.items():
            if name == "type" and kind is not None:
                continue
            if name not in properties:
                yield f"{path}.{name}: unknown in {kind or 'this place'}"
            else:
                yield from properties[name](item, f"{path}.{name}")

    return check


def _by_type(kinds: dict[str, Check]) -> Check:
    def check(value: Any, path: str) -> Problems:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in kinds:
            yield f"{path}: {kind!r} is not one of {', '.join(sorted(kinds))}"
        else:
            yield from kinds[kind](value, path)

    return check


def _data(value: Any, path: str) -> Problems:
    """What a button carries: an action with its ticket, or the name of a form."""
    if not isinstance(value, dict):
        yield f"{path}: not an object"
        return
    if not isinstance(value.get("action", value.get("form")), str) or ("action" in value) == ("form" in value):
        yield f"{path}: names neither an action nor a form, or both"
    for name in ("ticket_id",) if "form" in value else ("ticket_id", "v", "score"):
        if name in value and (isinstance(value[name], bool) or not isinstance(value[name], int)):
            yield f"{path}.{name}: not a whole number"
    if value.get("msteams", {"type": "task/fetch"}) != {"type": "task/fetch"}:
        yield f"{path}.msteams: not a dialog"


def _input(kind: str, properties: dict[str, Check], *required: str) -> Check:
    check = _object(kind, {**_INPUT, **properties}, ("id", "label", *required))

    def whole(value: Any, path: str) -> Problems:
        yield from check(value, path)
        if value.get("isRequired") and "errorMessage" not in value:
            yield f"{path}: required, and no errorMessage"
        choices = value.get("choices")
        listed = choices if isinstance(choices, list) else []
        values = [choice.get("value") for choice in listed if isinstance(choice, dict)]
        if len({str(item) for item in values}) != len(values):
            yield f"{path}.choices: a value stands twice"
        if "choices" in value and "value" in value and value["value"] not in values:
            yield f"{path}.value: none of the choices"

    return whole


def _shown_card(value: Any, path: str) -> Problems:
    """Teams shows no card inside a card inside a card."""
    card = _object("AdaptiveCard", {"version": _one_of("1.4"), "body": _list_of(_element)}, ("type", "body"))
    yield from card(value, path)
    if any(element.get("type") == "Action.ShowCard" for element in _walk(value)):
        yield f"{path}: unfolds within what unfolds"


# --- the tables

_SPACING = _one_of("none", "small", "default", "medium", "large")
_COLOR = _one_of("default", "accent", "good", "warning", "attention")
_SIZE = _one_of("small", "default", "medium", "large")
_WEIGHT = _one_of("lighter", "default", "bolder")
_STYLE = _one_of("default", "emphasis", "good", "attention", "warning", "accent")
_ELEMENT: dict[str, Check] = {"spacing": _SPACING, "separator": _flag, "id": _name, "isVisible": _flag}
_FONT: dict[str, Check] = {"size": _SIZE, "weight": _WEIGHT, "color": _COLOR, "isSubtle": _flag}
_INPUT: dict[str, Check] = {
    **_ELEMENT,
    "label": _line,
    "isRequired": _flag,
    "errorMessage": _line,
    "placeholder": _line,
}

_run = _object("TextRun", {**_FONT, "text": _text, "fontType": _one_of("default", "monospace")}, ("type", "text"))
_fact = _object(None, {"title": _markdown, "value": _markdown}, ("title", "value"))
_choice = _object(None, {"title": _line, "value": _typed}, ("title", "value"))

_ACTION: dict[str, Check] = {"title": _line}
_actions = _by_type(
    {
        "Action.Submit": _object("Action.Submit", {**_ACTION, "data": _data}, ("title", "data")),
        "Action.OpenUrl": _object("Action.OpenUrl", {**_ACTION, "url": _url}, ("title", "url")),
        "Action.ShowCard": _object("Action.ShowCard", {**_ACTION, "card": _shown_card}, ("title", "card")),
        "Action.ToggleVisibility": _object(
            "Action.ToggleVisibility", {**_ACTION, "targetElements": _list_of(_name)}, ("title", "targetElements")
        ),
    }
)
_action_list = _list_of(_actions, most=ACTION_LIMIT)


def _element(value: Any, path: str) -> Problems:
    yield from _elements(value, path)


_elements = _by_type(
    {
        "TextBlock": _object("TextBlock", {**_ELEMENT, **_FONT, "text": _markdown, "wrap": _true}, ("text", "wrap")),
        "RichTextBlock": _object("RichTextBlock", {**_ELEMENT, "inlines": _list_of(_run)}, ("inlines",)),
        "FactSet": _object("FactSet", {**_ELEMENT, "facts": _list_of(_fact)}, ("facts",)),
        "Container": _object("Container", {**_ELEMENT, "style": _STYLE, "items": _list_of(_element)}, ("items",)),
        "ColumnSet": _object(
            "ColumnSet",
            {
                **_ELEMENT,
                "columns": _list_of(
                    _object(
                        "Column",
                        {
                            "width": _one_of("stretch", "auto"),
                            "verticalContentAlignment": _one_of("top", "center", "bottom"),
                            "items": _list_of(_element),
                        },
                        ("type", "width", "items"),
                    )
                ),
            },
            ("columns",),
        ),
        "ActionSet": _object("ActionSet", {**_ELEMENT, "actions": _action_list}, ("actions",)),
        "Input.Text": _input("Input.Text", {"value": _typed, "isMultiline": _flag, "maxLength": _number}),
        "Input.Number": _input("Input.Number", {"value": _number, "min": _number, "max": _number}),
        "Input.ChoiceSet": _input(
            "Input.ChoiceSet",
            {
                "value": _typed,
                "style": _one_of("compact", "expanded"),
                "choices": _list_of(_choice),
                "isMultiSelect": _flag,
            },
            "choices",
        ),
    }
)

_mention = _object(
    "mention",
    {"text": _line, "mentioned": _object(None, {"id": _line, "name": _line}, ("id", "name"))},
    ("type", "text", "mentioned"),
)


def _reader(value: Any, path: str) -> Problems:
    if not isinstance(value, str) or not value.startswith("29:"):
        yield f"{path}: not the 29: id of a person"


_refresh = _object(
    None,
    {
        "action": _object("Action.Execute", {"verb": _name, "data": _data}, ("verb", "data")),
        "userIds": _list_of(_reader, most=READER_LIMIT),
    },
    ("action",),
)
_CARD: dict[str, Check] = {
    "refresh": _refresh,
    "$schema": _one_of("http://adaptivecards.io/schemas/adaptive-card.json"),
    "version": _one_of("1.4"),
    "fallbackText": _markdown,
    "body": _list_of(_element),
    "actions": _action_list,
    "msteams": _object(None, {"entities": _list_of(_mention)}, ("entities",)),
}
