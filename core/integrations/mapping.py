"""Any JSON, by a mapping written in the configuration: every field is a JMESPath expression over the message.

``sources.<name>.mapping.alerts`` finds the alert or the list of alerts; the other expressions are read on each of them.
https://jmespath.org/specification.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from core.config.settings import AlertSettings, FieldMapping, SourceSettings
from core.integrations.normal import (
    Normalised,
    NotUnderstood,
    bare_host,
    bounded_fingerprint,
    clip_text,
    clip_title,
    fingerprint_of,
    kind_of,
    read_json,
    storable,
    utc,
)
from core.model import Alert, AlertStatus, Problem, RawDelivery
from core.rules.severity import severity_of

_NUMBER = re.compile(r"[0-9]{1,16}(?:\.[0-9]*)?")
_LATEST_SECOND = 1e11  # Larger numbers are milliseconds: as seconds they would lie beyond the year 5000.
# What JMESPath's functions raise for values that they cannot work on, besides its own errors.
_CANNOT_APPLY = (JMESPathError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The alerts of one message. Raises ``NotUnderstood`` for a body that is not JSON or that the mapping finds nothing
    in."""
    mapping = source.mapping
    if mapping is None:
        raise NotUnderstood(
            "no_mapping", f"sources.{delivery.source} has no mapping", f"sources.{delivery.source}.mapping"
        )
    data = read_json(storable(delivery.body))
    found = _search(mapping.alerts, data, "alerts")
    if found is None:
        raise NotUnderstood("missing", f"nothing at {mapping.alerts!r}", "alerts")
    messages = found if isinstance(found, list) else [found]
    alerts: list[Alert] = []
    problem: Problem | None = None
    for index, message in enumerate(messages):
        try:
            alerts.append(_alert(message, mapping, delivery, source))
        except NotUnderstood as error:
            at = f"[{index}].{error.problem.path}"
            problem = problem or Problem(error.problem.code, error.problem.message, at)
    if not messages:
        return Normalised((), 0, ignored="no alerts in the delivery")
    return Normalised(tuple(alerts), len(messages), problem)


def _alert(message: Any, mapping: FieldMapping, delivery: RawDelivery, source: SourceSettings) -> Alert:
    title = clip_title(_text(mapping.title, message, "title") or "")
    if not title:
        raise NotUnderstood("missing", f"title: nothing at {mapping.title!r}", "title")
    host, service = _text(mapping.host, message, "host"), _text(mapping.service, message, "service")
    given = _text(mapping.fingerprint, message, "fingerprint")
    status_word = _text(mapping.status, message, "status") or ""
    resolved = status_word.strip().lower() in source.resolved_values
    started = _moment(mapping.started_at, message, "started_at") or delivery.received_at
    return Alert(
        fingerprint=bounded_fingerprint(given) if given else fingerprint_of((host or "", service or "", title)),
        source=delivery.source,
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        severity=severity_of(_text(mapping.severity, message, "severity"), source.severities),
        title=title,
        started_at=started,
        description=clip_text(_text(mapping.description, message, "description") or ""),
        host=bare_host(host) if host else None,
        service=service,
        labels=_labels(mapping.labels, message),
        ended_at=(_moment(mapping.ended_at, message, "ended_at") or delivery.received_at) if resolved else None,
        url=_text(mapping.url, message, "url"),
    )


@cache
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def _search(expression: str, message: Any, field: str) -> Any:
    try:
        return _compiled(expression).search(message)
    except _CANNOT_APPLY as error:
        raise NotUnderstood("bad_mapping", f"{field}: {expression!r} cannot be applied: {error}", field) from error


def _text(expression: str | None, message: Any, field: str) -> str | None:
    """The value as text; None where there is none. A list or an object is not a text."""
    if expression is None:
        return None
    value = _search(expression, message, field)
    if value is None or value == "":
        return None
    if isinstance(value, (dict, list)):
        raise NotUnderstood("wrong_type", f"{field}: {expression!r} gives {kind_of(value)}, not one value", field)
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _moment(expression: str | None, message: Any, field: str) -> datetime | None:
    """RFC 3339, or seconds or milliseconds since 1970. A time without a zone is UTC."""
    text = _text(expression, message, field)
    if text is None:
        return None
    try:
        if _NUMBER.fullmatch(text):
            number = float(text)
            moment = datetime.fromtimestamp(number / 1000 if number > _LATEST_SECOND else number, UTC)
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as error:
        raise NotUnderstood("bad_time", f"{field}: {text[:40]!r} is no time", field) from error
    known = utc(moment)
    if known is None:
        raise NotUnderstood("bad_time", f"{field}: {text[:40]!r} is beyond the calendar", field)
    return known


def _labels(expression: str | None, message: Any) -> dict[str, str]:
    if expression is None:
        return {}
    value = _search(expression, message, "labels")
    if not isinstance(value, dict):
        return {}
    return {
        str(name): _plain(item)
        for name, item in value.items()
        if not isinstance(item, (dict, list)) and item is not None
    }
