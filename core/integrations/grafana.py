"""Grafana: unified alerting, which is Alertmanager's format, and the legacy alerting of versions before 9.

A custom payload is read by the source's ``mapping``, or as a single alert of the unified form. ``DatasourceNoData`` and
``DatasourceError`` stand for a rule that could not be evaluated and go by the rule's own name.
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec.structs import replace

from core.config.settings import AlertSettings, SourceSettings
from core.integrations import alertmanager, mapping
from core.integrations.fields import Fields, child, first, needed, plain
from core.integrations.normal import (
    Normalised,
    NotUnderstood,
    bare_host,
    bounded_fingerprint,
    clip_text,
    clip_title,
    first_label,
    kind_of,
    read_json,
    storable,
)
from core.model import Alert, AlertStatus, RawDelivery, Severity, Signal, SignalKind
from core.rules.severity import severity_of

_NOT_EVALUATED = frozenset({"DatasourceNoData", "DatasourceError"})
_STATES = {"alerting": AlertStatus.FIRING, "no_data": AlertStatus.FIRING, "ok": AlertStatus.RESOLVED}
_PREFIX = re.compile(r"^\[[A-Za-z ]+\]\s*")


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The alerts of one webhook. Raises ``NotUnderstood`` for a body that is of none of the forms."""
    if source.mapping is not None:
        return mapping.normalise(delivery, source, settings)
    if b'"alerts"' in delivery.body and b'"ruleId"' not in delivery.body:
        return _unified(delivery, source, settings)
    data = read_json(storable(delivery.body))
    if not isinstance(data, dict):
        raise NotUnderstood("wrong_type", f"an object was expected, not {kind_of(data)}", "$")
    if "alerts" in data:
        return _unified(delivery, source, settings)
    if "ruleId" in data or "ruleName" in data:
        return _legacy(data, delivery, source, settings)
    if "labels" in data and "status" in data:
        body = msgspec.json.encode({"alerts": [data]})
        return _unified(replace(delivery, body=body), source, settings)
    raise NotUnderstood("missing", "neither alerts nor a rule: give this source a mapping for its payload", "alerts")


def _unified(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    found = alertmanager.normalise(delivery, source, settings)
    if any(alert.labels.get("alertname") in _NOT_EVALUATED for alert in found.alerts):
        return replace(found, alerts=tuple(_by_its_rule(alert) for alert in found.alerts))
    return found


def _by_its_rule(alert: Alert) -> Alert:
    name = alert.labels.get("alertname", "")
    if name not in _NOT_EVALUATED:
        return alert
    rule = clip_title(alert.labels.get("rulename", "")) or alert.title
    title = rule if name in rule else clip_title(f"{name}: {rule}")
    return replace(alert, title=title, symptoms=(name, rule))


def _legacy(data: dict[str, Any], delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    fields: Fields = data
    state = needed(first(fields, "state"), "state", "is the rule alerting?").lower()
    if state == "pending":
        return Normalised((), 1, ignored="pending: the rule is not alerting yet")
    if state not in _STATES and state != "paused":
        raise NotUnderstood("unknown_state", f"state {state[:40]!r} is not known", "state")
    alert = _rule(fields, state, delivery, source, settings)
    if state == "paused":
        return Normalised((), 1, signals=(Signal(SignalKind.DOWNTIME_STARTED, alert, text=alert.description),))
    return Normalised((alert,), 1)


def _rule(fields: Fields, state: str, delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Alert:
    rule = needed(first(fields, "ruleId", "ruleName"), "ruleId", "which rule is it?")
    title = clip_title(_PREFIX.sub("", first(fields, "title") or "")) or clip_title(first(fields, "ruleName") or rule)
    labels = _labels(fields)
    host = first_label(labels, settings.labels.get("host", ()))
    status = _STATES.get(state, AlertStatus.FIRING)
    word = first_label(labels, settings.labels.get("severity", ()))
    return Alert(
        fingerprint=bounded_fingerprint(f"rule:{first(fields, 'orgId') or '0'}:{rule}"),
        source=delivery.source,
        status=status,
        severity=Severity.WARNING if state == "no_data" else severity_of(word, source.severities),
        title=title,
        started_at=delivery.received_at,
        description=clip_text(first(fields, "message") or ""),
        host=bare_host(host) if host else None,
        service=first_label(labels, settings.labels.get("service", ())),
        labels=labels,
        symptoms=(title,),
        ended_at=delivery.received_at if status is AlertStatus.RESOLVED else None,
        url=first(fields, "ruleUrl"),
    )


def _labels(fields: Fields) -> dict[str, str]:
    """The tags of the first series that matched, and over them those of the rule."""
    matches = fields.get("evalMatches")
    series = matches[0] if isinstance(matches, list) and matches and isinstance(matches[0], dict) else {}
    given = {**child(series, "tags"), **child(fields, "tags")}
    return {name: text for name, value in given.items() if (text := plain(value)) is not None}
