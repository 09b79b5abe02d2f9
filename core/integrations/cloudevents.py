"""CloudEvents 1.0 over HTTP: binary mode (``ce-`` headers), structured mode and batches.

An event is an alert when it says so: by ``status`` or ``state`` among its attributes or its data, or by the last word
of its type (``com.example.disk.firing``). Anything else is not understood, never guessed. The subject of a source is
the problem; the id names the event alone. https://github.com/cloudevents/spec/blob/main/cloudevents/spec.md
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import unquote

from core.config.settings import AlertSettings, SourceSettings
from core.integrations.fields import Fields, child, first, moment, needed, plain
from core.integrations.normal import (
    Normalised,
    NotUnderstood,
    bare_host,
    bounded_fingerprint,
    clip_text,
    clip_title,
    fingerprint_of,
    first_label,
    kind_of,
    read_json,
    storable,
)
from core.model import Alert, AlertStatus, Problem, RawDelivery, Signal, SignalKind
from core.rules.severity import severity_of

_FIRING = frozenset({"firing", "fired", "triggered", "alerting", "raised", "problem", "alert", "alarm", "active"})
_OVER = frozenset({"resolved", "recovered", "cleared", "ok", "normal"})
_SIGNALS = {
    "acknowledged": SignalKind.ACKNOWLEDGED,
    "unacknowledged": SignalKind.UNACKNOWLEDGED,
    "commented": SignalKind.COMMENTED,
    "closed": SignalKind.CLOSED,
}
_LAST_WORD = re.compile(r"[./:_-]")
_REQUIRED = ("id", "source", "specversion", "type")
_OWN = frozenset({*_REQUIRED, "subject", "time", "datacontenttype", "dataschema", "data", "data_base64"})
_DATA_LABELS = 50


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The alerts of one event or of a batch. Raises ``NotUnderstood`` for what is no CloudEvent at all."""
    events = _events(delivery)
    alerts: list[Alert] = []
    signals: list[Signal] = []
    problem: Problem | None = None
    for index, event in enumerate(events):
        try:
            found = _understood(event, delivery, source, settings)
        except NotUnderstood as error:
            path = f"[{index}].{error.problem.path}" if len(events) > 1 else error.problem.path
            problem = problem or Problem(error.problem.code, error.problem.message, path)
            continue
        if isinstance(found, Signal):
            signals.append(found)
        else:
            alerts.append(found)
    ignored = None if events else "no events in the batch"
    return Normalised(tuple(alerts), len(events), problem, ignored, tuple(signals))


def _events(delivery: RawDelivery) -> list[Any]:
    headers = {name.lower(): value for name, value in delivery.headers.items() if name[:3].lower() == "ce-"}
    if "ce-specversion" in headers:
        event: dict[str, Any] = {name[3:]: unquote(value).replace("\0", "\ufffd") for name, value in headers.items()}
        return [{**event, "data": _data(delivery)}]
    message = read_json(storable(delivery.body))
    return message if isinstance(message, list) else [message]


def _data(delivery: RawDelivery) -> Any:
    """The data of an event in binary mode."""
    if not delivery.body:
        return None
    if "json" in delivery.content_type.lower():
        return read_json(storable(delivery.body))
    return delivery.body.decode("utf-8", "replace").replace("\0", "\ufffd")


def _understood(event: Any, delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Alert | Signal:
    if not isinstance(event, dict):
        raise NotUnderstood("wrong_type", f"an event is an object, not {kind_of(event)}", "$")
    for name in _REQUIRED:
        needed(first(event, name), name, "every CloudEvent has it")
    data = _payload(event)
    word = _word(event, data, source)
    kind = _SIGNALS.get(word)
    status = AlertStatus.RESOLVED if word in _OVER or kind is SignalKind.CLOSED else AlertStatus.FIRING
    alert = _alert(event, data, status, delivery, source, settings)
    if kind is None:
        return alert
    by, text = first(data, "by", "user", "author"), first(data, "text", "comment", "message")
    return Signal(kind, alert, clip_title(by or ""), clip_text(text or ""))


def _payload(event: Fields) -> dict[str, Any]:
    """The data's fields; empty where the data is no object."""
    encoded = event.get("data_base64")
    if isinstance(encoded, str):
        try:
            decoded = read_json(storable(base64.b64decode(encoded, validate=True)))
        except (binascii.Error, ValueError, NotUnderstood):
            return {}
        return child({"data": decoded}, "data")
    return child(event, "data")


def _word(event: Fields, data: Fields, source: SourceSettings) -> str:
    """What the event says of its problem. Raises ``NotUnderstood`` where it says nothing."""
    said = first(event, "status", "state") or first(data, "status", "state")
    word = (said or _LAST_WORD.split(str(event["type"]))[-1]).lower()
    if word in _SIGNALS and word != "closed":
        return word
    if said is not None and word != "closed" and word in source.resolved_values:
        return "resolved"
    if word in _FIRING or word in _OVER or word in _SIGNALS:
        return word
    raise NotUnderstood(
        "no_state",
        f"{word[:40]!r} says neither that a problem begins nor that it ends",
        "type" if said is None else "data.status",
    )


def _alert(
    event: Fields,
    data: Fields,
    status: AlertStatus,
    delivery: RawDelivery,
    source: SourceSettings,
    settings: AlertSettings,
) -> Alert:
    where, subject = str(event["source"]), first(event, "subject")
    labels = _labels(event, data)
    names = settings.labels
    host = first_label(labels, names.get("host", ()))
    own = first(data, "fingerprint", "key", "alert_id")
    stem = _LAST_WORD.split(str(event["type"]))[:-1]
    key = own or (f"{where}#{subject}" if subject else f"{where}#{'.'.join(stem)}")
    at = moment(first(data, "started_at", "startsat")) or moment(first(event, "time"))
    title = first(data, "title", "summary", "name") or subject or str(event["type"])
    word = first(event, "severity") or first(data, "severity", "priority", "level")
    return Alert(
        fingerprint=bounded_fingerprint(key) if key.strip() else fingerprint_of((where, str(event["type"]))),
        source=delivery.source,
        status=status,
        severity=severity_of(word, source.severities),
        title=clip_title(title),
        started_at=min(at, delivery.received_at) if at else delivery.received_at,
        description=clip_text(first(data, "description", "message", "text") or ""),
        host=bare_host(host) if host else None,
        service=first_label(labels, names.get("service", ())),
        labels=labels,
        symptoms=(".".join(stem) or str(event["type"]),),
        ended_at=delivery.received_at if status is AlertStatus.RESOLVED else None,
        url=first(data, "url", "link") or first(event, "dataref"),
    )


def _labels(event: Fields, data: Fields) -> dict[str, str]:
    """The extension attributes, the data's single values and its own labels."""
    extensions = {name: value for name, value in event.items() if name not in _OWN}
    given = {**dict(list(data.items())[:_DATA_LABELS]), **child(data, "labels"), **extensions}
    return {name: clip_title(text) for name, value in given.items() if (text := plain(value)) is not None}
