"""Elastic: Kibana's rules, Elasticsearch Watcher, ElastAlert 2 and OpenSearch alerting, told apart by what they name.

Kibana's identity of an alert is its rule and its own id, as in Kibana's own connectors; a second action on the group
``recovered`` says that it is over. Watcher and ElastAlert never say so.
https://www.elastic.co/docs/explore-analyze/alerts-cases/alerts/rule-action-variables
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

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
from core.model import Alert, AlertStatus, RawDelivery, Severity, Signal, SignalKind
from core.rules.severity import severity_of

_STATES = {
    **dict.fromkeys(("active", "firing", "open", "alert"), AlertStatus.FIRING),
    **dict.fromkeys(("recovered", "resolved", "ok", "closed", "completed"), AlertStatus.RESOLVED),
}
_OPENSEARCH = {"1": "critical", "2": "high", "3": "warning", "4": "info", "5": "info"}
# {"payload": "{{#toJson}}ctx{{/toJson}}"} puts an object into quotation marks.
_QUOTED = ((b'"payload": "{', b'"payload": {'), (b'"payload":"{', b'"payload":{'))


class _Found:
    """What one of the products says of its problem, before it is an alert."""

    def __init__(self, key: str, name: str, status: AlertStatus, severity: str | None) -> None:
        self.key, self.name, self.status, self.severity = key, name, status, severity
        self.text = ""
        self.labels: dict[str, str] = {}
        self.started: datetime | None = None
        self.url: str | None = None
        self.signals: list[SignalKind] = []


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The one alert of a message. Raises ``NotUnderstood`` for what none of the four products sends."""
    fields = by_name(_read(delivery))
    for has, read in _PRODUCTS:
        if has(fields):
            return _normalised(read(fields), delivery, source, settings)
    raise NotUnderstood(
        "missing", "no rule, watch_id, rule_name or monitor: use the template that the documentation gives", "rule"
    )


def _read(delivery: RawDelivery) -> Any:
    try:
        return read_message(delivery)
    except NotUnderstood:
        body = delivery.body
        for wrong, right in _QUOTED:
            if wrong in body:
                mended = body.replace(wrong, right, 1).replace(b'}", ', b"}, ", 1).replace(b'}"}', b"}}", 1)
                return read_message(RawDelivery(delivery.source, mended, "application/json", {}, delivery.received_at))
        raise


def _kibana(fields: Fields) -> _Found:
    more = child(fields, "additional_info")
    rule, alert = child(fields, "rule") or child(more, "rule"), child(fields, "alert") or child(more, "alert")
    identity = needed(first(rule, "id"), "rule.id", "which rule is it?")
    group = (first(alert, "actiongroup", "action_group") or "").lower()
    word = (first(fields, "status") or first(alert, "status") or "").lower()
    if group == "recovered":
        status = AlertStatus.RESOLVED
    elif word in _STATES:
        status = _STATES[word]
    elif group and not word:
        status = AlertStatus.FIRING
    else:
        raise NotUnderstood("no_status", f"status {word[:40]!r} is not known, and no action group is there", "status")
    own = first(alert, "id") or ""
    name = first(fields, "title") or first(rule, "name") or identity
    found = _Found(f"{identity}:{own}" if own else identity, name, status, first(fields, "severity", "priority"))
    found.text = (
        first(fields, "message", "reason", "description") or first(child(fields, "context"), "reason", "message") or ""
    )
    found.labels = _texts(
        {**child(fields, "labels"), **{k: fields.get(k) for k in ("host", "service", "value", "tags")}}
    )
    if own and own not in ("query matched", "*"):
        found.labels["alert"] = own
    found.started = moment(first(alert, "start")) or moment(first(fields, "started_at"))
    found.url = first(fields, "url", "link") or first(rule, "url") or first(child(fields, "context"), "alertdetailsurl")
    if status is AlertStatus.RESOLVED and "flapping" in alert:
        found.signals.append(SignalKind.FLAPPING_STOPPED)
    elif first(alert, "flapping") == "true":
        found.signals.append(SignalKind.FLAPPING_STARTED)
    return found


def _document(fields: Fields) -> _Found:
    """An alert as Kibana stores it, with dots in the names of its fields."""
    rule = needed(first(fields, "kibana.alert.rule.uuid"), "kibana.alert.rule.uuid", "which rule is it?")
    word = needed(first(fields, "kibana.alert.status"), "kibana.alert.status", "is it over?").lower()
    if word not in _STATES:
        raise NotUnderstood("unknown_status", f"kibana.alert.status {word[:40]!r} is not known", "kibana.alert.status")
    own = first(fields, "kibana.alert.instance.id") or ""
    name = first(fields, "kibana.alert.rule.name") or rule
    found = _Found(f"{rule}:{own}" if own else rule, name, _STATES[word], first(fields, "kibana.alert.severity"))
    found.text = first(fields, "kibana.alert.reason") or ""
    found.labels = _texts({"host": fields.get("host.name"), "service": fields.get("service.name"), "alert": own})
    found.started = moment(first(fields, "kibana.alert.start"))
    found.url = first(fields, "kibana.alert.url")
    if first(fields, "kibana.alert.flapping") == "true":
        found.signals.append(SignalKind.FLAPPING_STARTED)
    workflow = first(fields, "kibana.alert.workflow_status")
    if workflow in ("acknowledged", "closed"):
        kind = SignalKind.ACKNOWLEDGED if workflow == "acknowledged" else SignalKind.CLOSED
        found.signals.append(kind)
    return found


def _watch(fields: Fields) -> _Found:
    inner = child(fields, "ctx") or child(fields, "payload")
    context = {**child(inner, "ctx"), **inner, **fields}
    watch = needed(first(context, "watch_id"), "watch_id", "which watch is it?")
    metadata = child(context, "metadata")
    word = (first(fields, "status") or first(metadata, "status") or "firing").lower()
    if word not in _STATES:
        raise NotUnderstood("unknown_status", f"status {word[:40]!r} is not known", "status")
    name = first(fields, "title") or first(metadata, "name", "title") or watch
    severity = first(fields, "severity") or first(metadata, "severity", "priority")
    found = _Found(watch, name, _STATES[word], severity)
    found.text = first(context, "message", "text") or first(metadata, "message", "description") or ""
    found.labels = _texts({**metadata, "hits": context.get("hits")})
    found.started = moment(first(context, "execution_time"))
    found.url = first(context, "url", "link")
    return found


def _elastalert(fields: Fields) -> _Found:
    rule = needed(first(fields, "rule_name", "elastalert_rule"), "rule_name", "which rule is it?")
    word = (first(fields, "status") or "firing").lower()
    found = _Found(rule, rule, _STATES.get(word, AlertStatus.FIRING), first(fields, "severity", "priority", "level"))
    host = fields.get("host")
    host = first(child(fields, "host"), "name", "hostname") if isinstance(host, dict) else plain(host)
    found.key = "!".join(part for part in (rule, host or first(fields, "hostname", "query_key")) if part)
    found.text = first(fields, "message", "alert_text", "log") or ""
    names = ("hostname", "service", "num_hits", "num_matches", "_index", "query_key", "team", "customer")
    found.labels = _texts({"host": host, **{name: fields.get(name) for name in names}})
    found.started = None
    found.url = first(fields, "kibana_discover_url", "kibana_link", "url")
    return found


def _opensearch(fields: Fields) -> _Found:
    monitor, trigger = child(fields, "monitor"), child(fields, "trigger")
    monitor_id = needed(first(monitor, "id", "_id") or first(monitor, "name"), "monitor.id", "which monitor is it?")
    trigger_id = first(trigger, "id") or first(trigger, "name")
    word = (first(fields, "status", "state") or first(child(fields, "alert"), "state") or "active").lower()
    if word not in _STATES and word != "acknowledged":
        raise NotUnderstood("unknown_status", f"status {word[:40]!r} is not known", "status")
    number = first(trigger, "severity") or ""
    name = first(trigger, "name") or first(monitor, "name") or monitor_id
    status = _STATES.get(word, AlertStatus.FIRING)
    key = f"{monitor_id}:{trigger_id}" if trigger_id else monitor_id
    found = _Found(key, name, status, _OPENSEARCH.get(number, number or None))
    found.text = first(fields, "message", "text") or ""
    found.labels = _texts({"monitor": monitor.get("name"), "hits": fields.get("hits")})
    found.started = None
    found.url = first(fields, "url", "link")
    if word == "acknowledged":
        found.signals.append(SignalKind.ACKNOWLEDGED)
    return found


_PRODUCTS: tuple[tuple[Callable[[Fields], bool], Callable[[Fields], _Found]], ...] = (
    (lambda fields: "kibana.alert.rule.uuid" in fields, _document),
    (lambda fields: "rule" in fields or "additional_info" in fields, _kibana),
    (lambda fields: "monitor" in fields, _opensearch),
    (lambda fields: "watch_id" in fields or "ctx" in fields or "payload" in fields, _watch),
    (lambda fields: "rule_name" in fields or "elastalert_rule" in fields, _elastalert),
)


def _texts(values: Fields) -> dict[str, str]:
    return {name: text for name, value in values.items() if (text := plain(value)) is not None}


def _normalised(found: _Found, delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    host = first_label(found.labels, settings.labels.get("host", ()))
    word = found.severity or first_label(found.labels, settings.labels.get("severity", ()))
    title = clip_title(found.name)
    over = found.status is AlertStatus.RESOLVED
    alert = Alert(
        fingerprint=bounded_fingerprint(found.key),
        source=delivery.source,
        status=found.status,
        severity=severity_of(word, source.severities) if word else Severity.WARNING,
        title=clip_title(f"{title} ({host})") if host and host not in title else title,
        started_at=min(found.started, delivery.received_at) if found.started else delivery.received_at,
        description=clip_text(found.text),
        host=bare_host(host) if host else None,
        service=first_label(found.labels, settings.labels.get("service", ())),
        labels=found.labels,
        symptoms=(title,),
        ended_at=delivery.received_at if over else None,
        url=found.url,
    )
    signals = tuple(Signal(kind, alert) for kind in found.signals)
    return Normalised(() if signals else (alert,), 1, signals=signals)
