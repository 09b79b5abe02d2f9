"""PagerDuty's Events API v2 as a way in: what many tools can send already comes here by another address.

``trigger`` begins a problem, ``acknowledge`` and ``resolve`` name it by its ``dedup_key``. The answer is PagerDuty's.
https://developer.pagerduty.com/docs/send-alert-event
"""

from __future__ import annotations

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
    fingerprint_of,
    first_label,
)
from core.model import Alert, AlertStatus, RawDelivery, Signal, SignalKind
from core.rules.severity import severity_of

_ACTIONS = ("trigger", "acknowledge", "resolve")


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The one alert or signal of an event. Raises ``NotUnderstood`` where the action or the summary is missing."""
    fields = by_name(read_message(delivery))
    action = needed(first(fields, "event_action"), "event_action", "trigger, acknowledge or resolve?").lower()
    if action not in _ACTIONS:
        raise NotUnderstood(
            "unknown_action",
            f"event_action {action[:40]!r}: trigger, acknowledge or resolve was expected",
            "event_action",
        )
    payload = child(fields, "payload")
    if action == "trigger":
        needed(first(payload, "summary"), "payload.summary", "what is wrong?")
    else:
        needed(first(fields, "dedup_key"), "dedup_key", "which problem is it?")
    alert = _alert(fields, payload, action, delivery, source, settings)
    if action == "acknowledge":
        return Normalised(
            (), 1, signals=(Signal(SignalKind.ACKNOWLEDGED, alert, clip_title(first(fields, "client") or "")),)
        )
    return Normalised((alert,), 1)


def routing_key(message: Any) -> str | None:
    """The key by which a sender of such events proves who it is."""
    return plain(message.get("routing_key")) if isinstance(message, dict) else None


def dedup_key(message: Any) -> str | None:
    """The name of the problem as the sender is told it: its own, or one that is made of what the event says."""
    if not isinstance(message, dict):
        return None
    fields = by_name(message)
    return first(fields, "dedup_key") or _made(child(fields, "payload"))


def _made(payload: Fields) -> str:
    return fingerprint_of(first(payload, name) or "" for name in ("source", "component", "class", "summary"))


def _alert(
    fields: Fields,
    payload: Fields,
    action: str,
    delivery: RawDelivery,
    source: SourceSettings,
    settings: AlertSettings,
) -> Alert:
    key = first(fields, "dedup_key")
    given = {**child(payload, "custom_details"), **{name: payload.get(name) for name in ("group", "class")}}
    labels = {name: text for name, value in given.items() if (text := plain(value)) is not None}
    host = first(payload, "source") or first_label(labels, settings.labels.get("host", ()))
    at = moment(first(payload, "timestamp"))
    details = payload.get("custom_details")
    over = action == "resolve"
    return Alert(
        fingerprint=bounded_fingerprint(key) if key else _made(payload),
        source=delivery.source,
        status=AlertStatus.RESOLVED if over else AlertStatus.FIRING,
        severity=severity_of(first(payload, "severity"), source.severities),
        title=clip_title(first(payload, "summary") or key or ""),
        started_at=min(at, delivery.received_at) if at and not over else delivery.received_at,
        description=clip_text(plain(details) or ""),
        host=bare_host(host) if host else None,
        service=first(payload, "component") or first_label(labels, settings.labels.get("service", ())),
        labels=labels,
        symptoms=tuple(name for name in (first(payload, "class", "component"),) if name),
        ended_at=delivery.received_at if over else None,
        url=first(fields, "client_url"),
    )
