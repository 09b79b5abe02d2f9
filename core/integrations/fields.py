"""Messages that are a flat set of named facts, as forms or JSON, made by templates in the source.

A template's placeholder that was not filled arrives literally (``$HOSTNAME$``, ``{EVENT.ID}``, ``%host``, ``{{x}}``):
it is no value. Names are compared without case. A sender's word on the content type counts little:
PRTG calls JSON a form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from core.integrations.normal import NotUnderstood, kind_of, read_json, storable, utc
from core.model import RawDelivery

Fields = Mapping[str, Any]
_FORM_FIELDS = 500
_UNFILLED = re.compile(
    r"\$[A-Za-z_][\w.:]*\$?"  # Nagios $HOSTNAME$, Icinga $host.name$, Datadog $ALERT_ID
    r"|\{[?]?[A-Z$#][A-Z0-9_.$:#\"]*\}|\*UNKNOWN\*"  # Zabbix {EVENT.ID}, {$MACRO}, {#LLD}
    r"|%[a-z]+"  # PRTG %sensor
    r"|\{\{.*\}\}|null|undefined|None",  # Mustache and Go templates
    re.DOTALL,
)
# Before a form's escapes are undone, or %device becomes the byte 0xDE and "vice".
_UNFILLED_IN_FORM = re.compile(r"=%[a-z]{3,}(?=&|$)")
_MAYBE_UNFILLED = frozenset("${*%nuN")
_NUMBER = re.compile(r"[0-9]{1,16}(?:\.[0-9]*)?")
_LATEST_SECOND = 1e11  # Larger numbers are milliseconds: as seconds they would lie beyond the year 5000.


def read_message(delivery: RawDelivery) -> Any:
    """The JSON value or the fields of the form that a body holds. Raises ``NotUnderstood``."""
    body = storable(delivery.body)
    start = body.lstrip()[:3]
    if start[:1] in (b"{", b"["):
        return read_json(body)
    if start == b"%7B":
        return read_json(storable(unquote_plus(body.decode("utf-8", "replace")).encode()))
    if not delivery.content_type.lower().startswith("application/x-www-form-urlencoded"):
        return read_json(body)
    return read_form(body)


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a form; what is not UTF-8 and NUL become U+FFFD. Raises ``NotUnderstood``."""
    text = body.decode("utf-8", "replace").strip()
    if not text:
        raise NotUnderstood("empty", "the body is empty")
    try:
        pairs = parse_qsl(
            _UNFILLED_IN_FORM.sub("=", text), keep_blank_values=True, errors="replace", max_num_fields=_FORM_FIELDS
        )
    except ValueError as error:
        raise NotUnderstood("not_a_form", f"more than {_FORM_FIELDS} fields") from error
    return {name: value.replace("\0", "\ufffd") for name, value in pairs}


def by_name(message: Any, path: str = "$") -> dict[str, Any]:
    """The fields of an object, by their names in lower case. Raises ``NotUnderstood`` for anything else."""
    if not isinstance(message, dict):
        raise NotUnderstood("wrong_type", f"an object was expected, not {kind_of(message)}", path)
    return {str(name).lower(): value for name, value in message.items()}


def plain(value: Any) -> str | None:
    """A single value as text without blanks around it; None for what says nothing: nothing, a list, an object, a
    placeholder that was not filled."""
    if isinstance(value, str):
        text = value.strip()
        if not text or (text[0] in _MAYBE_UNFILLED and _UNFILLED.fullmatch(text)):
            return None
        return text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return None


def first(fields: Fields, *names: str) -> str | None:
    """The first of several fields that says something."""
    for name in names:
        value = fields.get(name)
        if value is not None:
            text = plain(value)
            if text is not None:
                return text
    return None


def needed(value: str | None, name: str, what: str) -> str:
    """A fact without which nothing can be decided. Raises ``NotUnderstood``, which says where it should be."""
    if value is None:
        raise NotUnderstood("missing", f"{name} is missing: {what}", name)
    return value


def child(fields: Fields, name: str) -> dict[str, Any]:
    """An object within the message, its names in lower case; empty where there is none."""
    value = fields.get(name)
    return {str(key).lower(): item for key, item in value.items()} if isinstance(value, dict) else {}


def moment(text: str | None) -> datetime | None:
    """RFC 3339, or seconds or milliseconds since 1970; None for what is no such time, or 0, which says "never"."""
    if text is None:
        return None
    try:
        if _NUMBER.fullmatch(text):
            number = float(text)
            if number == 0:
                return None
            return datetime.fromtimestamp(number / 1000 if number > _LATEST_SECOND else number, UTC)
        return utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError, OSError):
        return None


def labels_of(fields: Fields, names: Iterable[str]) -> dict[str, str]:
    """Those of the fields that say something, as labels."""
    found = ((name, plain(fields.get(name))) for name in names)
    return {name: text for name, text in found if text is not None}
