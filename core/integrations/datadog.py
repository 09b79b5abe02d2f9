"""Datadog's webhooks: whatever template was written, flat or in groups, whatever its names.

Only a template says the transition and the monitor; Datadog's default body has both in its title alone, as in
``[P2] [Recovered on {host:a}] Disk is full``. Monitor and scope together are the problem.
https://docs.datadoghq.com/integrations/webhooks/
"""

from __future__ import annotations

import re
from typing import Any

from core.config.settings import AlertSettings, SourceSettings
from core.integrations.fields import Fields, by_name, first, moment, needed, plain, read_message
from core.integrations.normal import (
    Normalised,
    NotUnderstood,
    bare_host,
    bounded_fingerprint,
    clip_text,
    clip_title,
    fingerprint_of,
    first_label,
)
from core.model import Alert, AlertStatus, RawDelivery, Severity
from core.rules.severity import severity_of

_GROUPS = ("alert", "event", "incident")
# "[P2] [Re-Triggered on {host:a,env:b}] Name of the monitor"
_TITLE = re.compile(r"\s*(?:\[(P[1-5])\]\s*)?\[([A-Za-z -]+?)(?: on \{(.*?)\})?\]\s*(.*)", re.DOTALL)
_TRANSITIONS = {
    "triggered": AlertStatus.FIRING,
    "re-triggered": AlertStatus.FIRING,
    "warn": AlertStatus.FIRING,
    "re-warn": AlertStatus.FIRING,
    "no data": AlertStatus.FIRING,
    "re-no data": AlertStatus.FIRING,
    "recovered": AlertStatus.RESOLVED,
}
_TYPES = {"error": AlertStatus.FIRING, "warning": AlertStatus.FIRING, "success": AlertStatus.RESOLVED}
_INCIDENTS = {
    "active": AlertStatus.FIRING,
    "stable": AlertStatus.FIRING,
    "resolved": AlertStatus.RESOLVED,
    "completed": AlertStatus.RESOLVED,
}
_BY_WORD = {"error": Severity.CRITICAL, "warn": Severity.WARNING, "re-warn": Severity.WARNING}


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The one alert of a message. Raises ``NotUnderstood`` where neither the transition nor the title says what
    happened."""
    fields = _flat(by_name(read_message(delivery)))
    incident = first(fields, "incidentpublicid")
    title = first(fields, "title", "eventtitle", "alerttitle")
    if title is None and incident is not None:
        return Normalised((_incident(fields, incident, delivery, source),), 1)
    found = _TITLE.fullmatch(title or "")
    transition = (first(fields, "alerttransition", "transition") or "").lower()
    said = found.group(2).lower() if found else ""
    status = _TRANSITIONS.get(transition) or _TRANSITIONS.get(said) or _TYPES.get(_type(fields))
    if status is None:
        what = transition or said or first(fields, "alerttype", "type") or "nothing"
        raise NotUnderstood(
            "no_transition", f"neither transition nor title says what happened ({what[:40]!r})", "transition"
        )
    name = clip_title((found.group(4) if found else title) or "")
    scope = first(fields, "alertscope", "scope", "scopes") or (found.group(3) if found else None) or ""
    word = transition if transition in _TRANSITIONS else said
    priority = first(fields, "alertpriority", "priority", "severity") or (found.group(1) if found else None)
    return Normalised(
        (_alert(fields, name, scope, status, _severity(word, priority, fields, source), delivery, settings),), 1
    )


def _type(fields: Fields) -> str:
    return (first(fields, "alerttype", "type") or "").lower()


def _flat(fields: Fields) -> dict[str, Any]:
    """Names without underscores; ``alert: {id}`` is ``alertid``."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        key = name.replace("_", "")
        if key in _GROUPS and isinstance(value, dict):
            for inner, item in value.items():
                plain_name = str(inner).lower().replace("_", "")
                flat.setdefault(plain_name if plain_name.startswith(key) else key + plain_name, item)
        else:
            flat[key] = value
    return flat


def _severity(word: str, priority: str | None, fields: Fields, source: SourceSettings) -> Severity:
    """The monitor's priority where it has one, else the kind of the transition."""
    if priority is not None and (priority.lower() in source.severities or re.fullmatch(r"[Pp][1-5]", priority)):
        return severity_of(priority, source.severities)
    if word in _BY_WORD:
        return _BY_WORD[word]
    if word.endswith("no data"):
        return Severity.WARNING
    kind = _type(fields)
    return _BY_WORD.get(kind) or (severity_of(kind) if kind in ("warning", "info") else Severity.CRITICAL)


def _alert(
    fields: Fields,
    name: str,
    scope: str,
    status: AlertStatus,
    severity: Severity,
    delivery: RawDelivery,
    settings: AlertSettings,
) -> Alert:
    labels = _tags(first(fields, "tags", "eventtags") or "") | _tags(scope)
    names = settings.labels
    host = first(fields, "hostname", "host") or first_label(labels, names.get("host", ()))
    at = moment(first(fields, "date", "lastupdated"))
    began = min(at, delivery.received_at) if at else delivery.received_at
    monitor = first(fields, "monitorid", "alertid")
    return Alert(
        fingerprint=_fingerprint(fields, monitor, scope, name),
        source=delivery.source,
        status=status,
        severity=severity,
        title=clip_title(f"{name} ({scope})" if name and scope else name or needed(monitor, "title", "what is wrong?")),
        started_at=began,
        description=clip_text(_text(first(fields, "text", "textonlymsg", "body", "message", "eventmsg") or "")),
        host=bare_host(host) if host else None,
        service=first_label(labels, names.get("service", ())),
        labels=labels,
        symptoms=(name,) if name else (),
        ended_at=began if status is AlertStatus.RESOLVED else None,
        url=first(fields, "link", "url", "eventurl"),
    )


def _fingerprint(fields: Fields, monitor: str | None, scope: str, name: str) -> str:
    """Monitor and scope; where the scope is not told, what Datadog aggregates by."""
    group = first(
        fields, "aggreg", "aggregkey", "aggregationkey", "eventaggregkey", "cycle", "alertcyclekey", "alertcycleid"
    )
    if monitor and (scope or not group):
        return bounded_fingerprint(f"{monitor}:{scope}" if scope else monitor)
    if group:
        return bounded_fingerprint(group)
    return fingerprint_of((needed(name or None, "monitor_id", "which monitor is it?"), scope))


def _tags(text: str) -> dict[str, str]:
    """``host:a,env:b,monitor`` as labels; a tag without a value is none."""
    pairs = (part.strip().partition(":") for part in text.split(","))
    return {name.strip(): value.strip() for name, _, value in pairs if name and value}


def _text(body: str) -> str:
    """The message without the marks that Datadog puts around Markdown."""
    return body.replace("%%%", "").strip()


def _incident(fields: Fields, incident: str, delivery: RawDelivery, source: SourceSettings) -> Alert:
    """An incident of Datadog's own incident management."""
    word = (needed(first(fields, "incidentstatus"), "incident_status", "is it over?")).lower()
    if word not in _INCIDENTS:
        raise NotUnderstood("unknown_status", f"incident_status {word[:40]!r} is not known", "incident_status")
    over = _INCIDENTS[word] is AlertStatus.RESOLVED
    return Alert(
        fingerprint=bounded_fingerprint(f"incident:{incident}"),
        source=delivery.source,
        status=_INCIDENTS[word],
        severity=severity_of(first(fields, "incidentseverity"), source.severities),
        title=clip_title(first(fields, "incidenttitle") or f"incident {incident}"),
        started_at=delivery.received_at,
        description=clip_text(_text(plain(fields.get("incidentmessage")) or "")),
        ended_at=delivery.received_at if over else None,
        url=first(fields, "incidenturl"),
    )
