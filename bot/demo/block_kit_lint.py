"""What Slack would refuse in a message or a view, and what a careful sender avoids, as a list of complaints.

Strict: unknown properties, wrong types, every documented limit, ids used twice, empty objects, plain_text where mrkdwn
is not taken, markup that is not well formed. It knows the block types that Deskbell uses and refuses all others.
Limits: https://docs.slack.dev/reference/block-kit and, for the size of a whole message, issues 2509 and 2867 of
slackapi/bolt-js. Lengths are UTF-16 units, as Slack's JavaScript counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

MESSAGE_LIMIT = 13_000
VIEW_LIMIT = 250_000
TEXT_LIMIT = 4000
_MESSAGE_KEYS = frozenset({
    "as_user", "blocks", "channel", "client_msg_id", "delete_original", "icon_emoji", "icon_url", "link_names",
    "metadata", "mrkdwn", "parse", "replace_original", "reply_broadcast", "response_type", "text", "thread_ts",
    "token", "ts", "unfurl_links", "unfurl_media", "user", "username",
})  # fmt: skip
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt);)")
_SPECIAL = re.compile(
    r"<(?:@[UW][A-Z0-9]+|#C[A-Z0-9]+|!subteam\^S[A-Z0-9]+|!(?:here|channel|everyone)|!date\^\d+\^[^<>|^]+(?:\^https?://[^<>|]+)?"
    r"|(?:https?://|mailto:)[^<>|\s]+)(?:\|[^<>|]+)?>"
)
_HALF = re.compile("[\ud800-\udfff]")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

Check = Callable[[Any, str], Iterator[str]]


def lint_message(payload: Mapping[str, Any]) -> list[str]:
    """Complaints about the arguments of chat.postMessage, chat.update and their kin; empty when all is well."""
    found = [f"{key}: not a property of a message" for key in payload if key not in _MESSAGE_KEYS]
    found += _text(TEXT_LIMIT, markup=True)(payload.get("text"), "text")
    if payload.get("link_names") or payload.get("parse", "none") != "none":
        found.append("link_names, parse: turn plain text into mentions and links")
    blocks = payload.get("blocks", [])
    found += _list(_typed(_BLOCKS), 0, 50)(blocks, "blocks")
    if not found:
        found += _unique_ids(blocks)
        length = _units(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))
        found += _over("blocks (as JSON, together)", length, MESSAGE_LIMIT)
    return found


def lint_options(answer: Any) -> list[str]:
    """Complaints about the answer to an options request; empty when all is well."""
    return list(_object({"options": _list(_OPTION, 0, 100)})(answer, "answer"))


def lint_view(view: Mapping[str, Any]) -> list[str]:
    """Complaints about a view of type modal or home; empty when all is well."""
    found = list(_typed(_VIEWS)(view, "view"))
    if not found:
        blocks = view["blocks"]
        found += _unique_ids(blocks)
        if view["type"] == "modal" and "submit" not in view and any(block["type"] == "input" for block in blocks):
            found.append("view.submit: required with input blocks")
        found += _over("view (as JSON)", len(json.dumps(view, ensure_ascii=False).encode()), VIEW_LIMIT)
    return found


def _unique_ids(blocks: list[dict[str, Any]]) -> Iterator[str]:
    named = [block["block_id"] for block in blocks if "block_id" in block]
    yield from (
        f"block_id {name!r}: stands twice" for name in sorted({name for name in named if named.count(name) > 1})
    )
    for index, block in enumerate(blocks):
        elements = block["elements"] if block["type"] == "actions" else []
        actions = [element["action_id"] for element in elements]
        twice = sorted({action for action in actions if actions.count(action) > 1})
        yield from (f"blocks[{index}]: action_id {action!r} stands twice" for action in twice)
        primary = [element for element in elements if element.get("style") == "primary"]
        if len(primary) > 1:
            yield f"blocks[{index}]: more than one primary button"


def _units(text: str) -> int:
    return len(text) + sum(1 for character in text if character > "\uffff")


def _over(where: str, length: int, limit: int) -> Iterator[str]:
    if length > limit:
        yield f"{where}: {length} characters, at most {limit}"


def _text(high: int, *, markup: bool = False, pattern: str | None = None, blank: bool = False) -> Check:
    """A string of 1 to ``high`` units, with something to see in it unless ``blank``.

    ``markup``: it is mrkdwn, whose escapes and specials must be well formed.
    """

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"{where}: {type(value).__name__}, not a string"
            return
        if not value or not (blank or value.strip()):
            yield f"{where}: empty"
        yield from _over(where, _units(value), high)
        if _UNSEEN.search(value):
            yield f"{where}: control character, bidirectional override or lone surrogate"
        if pattern and not re.fullmatch(pattern, value):
            yield f"{where}: {value[:40]!r} does not look like {pattern}"
        if markup:
            yield from _markup(value, where)

    return check


def _opaque(high: int) -> Check:
    """A string that nobody reads and that comes back as it is."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, str) or not value:
            yield f"{where}: not a string, or empty"
            return
        yield from _over(where, _units(value), high)
        if _HALF.search(value):
            yield f"{where}: lone surrogate"

    return check


def _markup(value: str, where: str) -> Iterator[str]:
    rest = _SPECIAL.sub("", value)
    if "<" in rest or ">" in rest:
        yield f"{where}: a bare < or > outside a mention, date or link: {rest[:60]!r}"
    if _ENTITY.search(value):
        yield f"{where}: a bare &"
    dates = [found for found in _SPECIAL.findall(value) if found.startswith("<!date")]
    if any("|" not in date for date in dates):
        yield f"{where}: a date without a fallback"


def _url(limit: int) -> Check:
    def check(value: Any, where: str) -> Iterator[str]:
        yield from _text(limit)(value, where)
        if isinstance(value, str):
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.netloc or re.search(r"\s", value):
                yield f"{where}: not an http or https address"

    return check


def _flag(value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"{where}: not a boolean"


def _integer(low: int, high: int) -> Check:
    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            yield f"{where}: not an integer of {low} to {high}"

    return check


def _one_of(*values: str) -> Check:
    def check(value: Any, where: str) -> Iterator[str]:
        if value not in values:
            yield f"{where}: {value!r}, not one of {', '.join(values)}"

    return check


def _list(each: Check, low: int, high: int) -> Check:
    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{where}: {type(value).__name__}, not a list"
            return
        if not low <= len(value) <= high:
            yield f"{where}: {len(value)} items, {low} to {high} are taken"
        for index, item in enumerate(value):
            yield from each(item, f"{where}[{index}]")

    return check


def _object(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    known = {**required, **(optional or {})}

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{where}: {type(value).__name__}, not an object"
            return
        yield from (
            f"{where}.{key}: not a property of {value.get('type', 'this object')}" for key in value.keys() - known
        )
        yield from (f"{where}.{key}: missing" for key in required if key not in value)
        for key, item in value.items():
            if key in known:
                yield from known[key](item, f"{where}.{key}")

    return check


def _typed(kinds: Mapping[str, Check]) -> Check:
    """An object whose ``type`` says what it must look like."""

    def check(value: Any, where: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in kinds:
            yield f"{where}: type {kind!r}, not one of {', '.join(sorted(kinds))}"
        else:
            yield from kinds[str(kind)](value, where)

    return check


def _and(first: Check, then: Check) -> Check:
    """``then`` looks only at what ``first`` has nothing against."""

    def check(value: Any, where: str) -> Iterator[str]:
        found = list(first(value, where))
        yield from found or then(value, where)

    return check


_TYPE = _text(50)
_ID = _text(255)


def _plain(limit: int) -> Check:
    return _typed({"plain_text": _object({"type": _TYPE, "text": _text(limit)}, {"emoji": _flag})})


def _texts(limit: int) -> dict[str, Check]:
    marked = _object({"type": _TYPE, "text": _text(limit, markup=True)}, {"verbatim": _flag})
    return {"plain_text": _plain(limit), "mrkdwn": marked}


def _any_text(limit: int) -> Check:
    return _typed(_texts(limit))


_TEXTS = _texts(3000)


_CONFIRM = _object(
    {"title": _plain(100), "text": _any_text(300), "confirm": _plain(30), "deny": _plain(30)},
    {"style": _one_of("primary", "danger")},
)
_OPTION = _object({"text": _plain(75), "value": _opaque(150)}, {"description": _plain(75)})
_RADIO_OPTION = _object({"text": _any_text(75), "value": _opaque(150)}, {"description": _any_text(75)})
_CHOICE = {"confirm": _CONFIRM, "focus_on_load": _flag}
_MENU_OPTION = _object({"text": _plain(75), "value": _opaque(150)}, {"description": _plain(75), "url": _url(3000)})


def _initial_among_options(value: Any, where: str) -> Iterator[str]:
    values = [option["value"] for option in value["options"]]
    if len(set(values)) < len(values):
        yield f"{where}.options: a value stands twice"
    if "initial_option" in value and value["initial_option"] not in value["options"]:
        yield f"{where}.initial_option: not among the options"


def _initial_fits(value: Any, where: str) -> Iterator[str]:
    length = _units(value.get("initial_value", ""))
    if not value.get("min_length", 0) <= length <= value.get("max_length", 3000) and "initial_value" in value:
        yield f"{where}.initial_value: {length} characters, outside min_length and max_length"
    if not value.get("multiline") and "\n" in value.get("initial_value", ""):
        yield f"{where}.initial_value: line breaks in a single line"


def _number_fits(value: Any, where: str) -> Iterator[str]:
    initial = float(value.get("initial_value", value.get("min_value", "0")))
    if not float(value.get("min_value", "-inf")) <= initial <= float(value.get("max_value", "inf")):
        yield f"{where}: initial_value, min_value and max_value contradict each other"


_NUMBER = _text(20, pattern=r"-?\d+(\.\d+)?")
_ACTION = {"type": _TYPE, "action_id": _ID}
_IMAGE = _object({"type": _TYPE, "image_url": _url(3000), "alt_text": _text(2000)})
_BUTTON = _object(
    {**_ACTION, "text": _plain(75)},
    {
        "value": _opaque(2000), "url": _url(3000), "style": _one_of("primary", "danger"), "confirm": _CONFIRM,
        "accessibility_label": _text(75),
    },
)  # fmt: skip
_OVERFLOW = _and(
    _object({**_ACTION, "options": _list(_MENU_OPTION, 1, 5)}, {"confirm": _CONFIRM}), _initial_among_options
)
_SELECT = _and(
    _object(
        {**_ACTION, "options": _list(_OPTION, 1, 100)},
        {**_CHOICE, "placeholder": _plain(150), "initial_option": _OPTION},
    ),
    _initial_among_options,
)
_SYSTEMS = _object(
    _ACTION,
    {
        **_CHOICE, "placeholder": _plain(150), "initial_options": _list(_OPTION, 1, 100),
        "min_query_length": _integer(0, 3000), "max_selected_items": _integer(1, 100),
    },
)  # fmt: skip
_USER_ID = _text(255, pattern="[UW][A-Z0-9]+")
_USERS = _object(_ACTION, {**_CHOICE, "placeholder": _plain(150), "initial_user": _USER_ID})
_RADIO = _and(
    _object({**_ACTION, "options": _list(_RADIO_OPTION, 1, 10)}, {**_CHOICE, "initial_option": _RADIO_OPTION}),
    _initial_among_options,
)
_TEXT_INPUT = _and(
    _object(
        _ACTION,
        {
            "placeholder": _plain(150), "initial_value": _text(3000), "multiline": _flag, "focus_on_load": _flag,
            "min_length": _integer(0, 3000), "max_length": _integer(1, 3000),
        },
    ),
    _initial_fits,
)  # fmt: skip
_NUMBER_INPUT = _and(
    _object(
        {**_ACTION, "is_decimal_allowed": _flag},
        {
            "initial_value": _NUMBER, "min_value": _NUMBER, "max_value": _NUMBER, "placeholder": _plain(150),
            "focus_on_load": _flag,
        },
    ),
    _number_fits,
)  # fmt: skip

_CLICKED = {
    "button": _BUTTON, "overflow": _OVERFLOW, "static_select": _SELECT, "users_select": _USERS, "radio_buttons": _RADIO,
}  # fmt: skip
_FILLED = {
    "plain_text_input": _TEXT_INPUT, "number_input": _NUMBER_INPUT, "static_select": _SELECT, "users_select": _USERS,
    "radio_buttons": _RADIO, "multi_external_select": _SYSTEMS,
}  # fmt: skip

_STYLE = _object({}, {"bold": _flag, "italic": _flag, "strike": _flag, "code": _flag})
_LEAVES = _typed(
    {
        "text": _object({"type": _TYPE, "text": _text(3000, blank=True)}, {"style": _STYLE}),
        "user": _object({"type": _TYPE, "user_id": _USER_ID}, {"style": _STYLE}),
        "emoji": _object({"type": _TYPE, "name": _text(100, pattern="[a-z0-9_+'-]+")}, {"unicode": _TYPE}),
        "link": _object({"type": _TYPE, "url": _url(3000)}, {"text": _text(3000), "style": _STYLE}),
    }
)
_RICH_SECTION = _object({"type": _TYPE, "elements": _list(_LEAVES, 1, 500)})
_RICH_BLOCK = _object({"type": _TYPE, "elements": _list(_LEAVES, 1, 500)}, {"border": _integer(0, 1)})
_RICH = _typed(
    {
        "rich_text_section": _RICH_SECTION,
        "rich_text_list": _object(
            {
                "type": _TYPE, "style": _one_of("bullet", "ordered"),
                "elements": _list(_typed({"rich_text_section": _RICH_SECTION}), 1, 100),
            },
            {"indent": _integer(0, 8), "offset": _integer(0, 1000), "border": _integer(0, 1)},
        ),
        "rich_text_quote": _RICH_BLOCK,
        "rich_text_preformatted": _RICH_BLOCK,
    }
)  # fmt: skip


def _says_something(value: Any, where: str) -> Iterator[str]:
    if "text" not in value and "fields" not in value:
        yield f"{where}: a section needs text or fields"


_NAMED = {"block_id": _ID}
_BLOCKS: dict[str, Check] = {
    "section": _and(
        _object(
            {"type": _TYPE},
            {
                **_NAMED, "text": _any_text(3000), "fields": _list(_any_text(2000), 1, 10), "expand": _flag,
                "accessory": _typed({**_CLICKED, "image": _IMAGE}),
            },
        ),
        _says_something,
    ),
    "header": _object({"type": _TYPE, "text": _plain(150)}, _NAMED),
    "context": _object({"type": _TYPE, "elements": _list(_typed({**_TEXTS, "image": _IMAGE}), 1, 10)}, _NAMED),
    "divider": _object({"type": _TYPE}, _NAMED),
    "actions": _object({"type": _TYPE, "elements": _list(_typed(_CLICKED), 1, 25)}, _NAMED),
    "rich_text": _object({"type": _TYPE, "elements": _list(_RICH, 1, 500)}, _NAMED),
    "image": _object(
        {"type": _TYPE, "image_url": _url(3000), "alt_text": _text(2000)}, {**_NAMED, "title": _plain(2000)}
    ),
}  # fmt: skip
_INPUT = _object(
    {"type": _TYPE, "block_id": _ID, "label": _plain(2000), "element": _typed(_FILLED)},
    {"hint": _plain(2000), "optional": _flag, "dispatch_action": _flag},
)
_IN_A_VIEW = _list(_typed({**_BLOCKS, "input": _INPUT}), 1, 100)
_VIEW_OPTIONS = {"private_metadata": _opaque(3000), "callback_id": _ID, "external_id": _ID}
_VIEWS: dict[str, Check] = {
    "modal": _object(
        {"type": _TYPE, "title": _plain(24), "blocks": _IN_A_VIEW},
        {
            **_VIEW_OPTIONS, "submit": _plain(24), "close": _plain(24), "clear_on_close": _flag,
            "notify_on_close": _flag, "submit_disabled": _flag,
        },
    ),
    "home": _object({"type": _TYPE, "blocks": _IN_A_VIEW}, _VIEW_OPTIONS),
}  # fmt: skip
