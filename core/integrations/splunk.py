"""Splunk's webhook alert action, and Splunk Observability (SignalFx).

Splunk names no problem and never says that one is over: it sends the first row that a search found, each time that it
finds something. The search is the problem, on the host of the row. A search may say more by columns of its own, which
``deskbell_`` begins: ``deskbell_key``, ``deskbell_status``, ``deskbell_title``.
https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks
"""

from __future__ import annotations

import re

from core.config.settings import AlertSettings, SourceSettings
from core.integrations.fields import Fields, by_name, child, first, moment, needed, plain, read_message
from core.integrations.normal import (
    Normalised,
    NotUnderstood,
    bare_host,
    bounded_fingerprint,
    clip_text,
    clip_title,
    first_label,
)
from core.model import Alert, AlertStatus, RawDelivery, Signal, SignalKind
from core.rules.severity import severity_of

# scheduler__admin__search__Name_at_1483557185_2: the same search has another number each time.
_RUN = re.compile(r"_at_\d+_[\d.]+.*$")
_STATES = {"firing": AlertStatus.FIRING, "resolved": AlertStatus.RESOLVED}
_INCIDENTS = {
    "anomalous": AlertStatus.FIRING,
    "ok": AlertStatus.RESOLVED,
    "auto resolved": AlertStatus.RESOLVED,
    "stopped": AlertStatus.RESOLVED,
    "manually resolved": AlertStatus.RESOLVED,
}


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The one alert of a message. Raises ``NotUnderstood`` where no search or incident is named."""
    fields = by_name(read_message(delivery))
    if "incidentid" in fields:
        return _incident(fields, delivery, source, settings)
    if "result" not in fields and "results_link" not in fields and "sid" not in fields:
        raise NotUnderstood("missing", "neither a result nor an incident: is this Splunk's webhook action?", "result")
    return Normalised((_search(fields, delivery, source, settings),), 1)


def _search(fields: Fields, delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Alert:
    row = child(fields, "result")
    sid = first(fields, "sid")
    name = needed(first(fields, "search_name") or (_RUN.sub("", sid) if sid else None), "search_name", "which search?")
    values = {key: text for key, value in row.items() if key[:1] != "_" and (text := plain(value)) is not None}
    names = settings.labels
    host, service = (first_label(values, names.get(what, ())) for what in ("host", "service"))
    state = first(row, "deskbell_status") or "firing"
    if state.lower() not in _STATES:
        raise NotUnderstood(
            "unknown_status", f"deskbell_status {state[:40]!r}: firing or resolved was expected", "result"
        )
    status = _STATES[state.lower()]
    key = first(row, "deskbell_key") or "!".join(part for part in (name, host, service) if part)
    return Alert(
        fingerprint=bounded_fingerprint(key),
        source=delivery.source,
        status=status,
        severity=severity_of(first_label(values, ("urgency", *names.get("severity", ()))), source.severities),
        title=clip_title(first(row, "deskbell_title") or (f"{name} ({host})" if host else name)),
        started_at=delivery.received_at,
        description=clip_text(first(row, "_raw", "message") or ""),
        host=bare_host(host) if host else None,
        service=service,
        labels=values,
        symptoms=(clip_title(name),),
        ended_at=delivery.received_at if status is AlertStatus.RESOLVED else None,
        url=first(fields, "results_link"),
    )


def _incident(fields: Fields, delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """An incident of Splunk Observability. https://docs.splunk.com/observability/en/admin/notif-services/webhook.html"""
    incident = needed(first(fields, "incidentid"), "incidentId", "which incident is it?")
    word = needed(first(fields, "statusextended", "status"), "status", "is it over?").lower().replace("_", " ")
    if word not in _INCIDENTS:
        raise NotUnderstood("unknown_status", f"status {word[:40]!r} is not known", "status")
    status = _INCIDENTS[word]
    title = first(fields, "messagetitle", "rule", "detector")
    labels = {key: text for key, value in child(fields, "dimensions").items() if (text := plain(value)) is not None}
    host = first_label(labels, settings.labels.get("host", ()))
    at = moment(first(fields, "timestamp"))
    alert = Alert(
        fingerprint=bounded_fingerprint(incident),
        source=delivery.source,
        status=status,
        severity=severity_of(first(fields, "severity"), source.severities),
        title=clip_title(needed(title, "rule", "what is wrong?")),
        started_at=min(at, delivery.received_at) if at else delivery.received_at,
        description=clip_text(first(fields, "messagebody", "description") or ""),
        host=bare_host(host) if host else None,
        service=first_label(labels, settings.labels.get("service", ())),
        labels=labels,
        symptoms=tuple(name for name in (first(fields, "rule"),) if name),
        ended_at=delivery.received_at if status is AlertStatus.RESOLVED else None,
        url=first(fields, "detectorurl", "imageurl"),
    )
    if word == "manually resolved":
        return Normalised((), 1, signals=(Signal(SignalKind.CLOSED, alert),))
    return Normalised((alert,), 1)
