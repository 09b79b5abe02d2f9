"""Prometheus Alertmanager, webhook version 4.

The envelope's status lies (a firing group carries resolved alerts), so each alert is judged by its own. The identity is
Alertmanager's fingerprint of the labels, never the group key, which differs from route to route. A well-formed body is
decoded in one step; only when that fails is it read loosely, so that one bad alert never costs its neighbours.
https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from core.config.settings import AlertSettings, SourceSettings
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
from core.model import Alert, AlertStatus, Problem, RawDelivery
from core.rules.severity import severity_of

_NO_TIME = datetime(2, 1, 1, tzinfo=UTC)  # Go's zero time, which stands for "not ended", is in the year 1.
_STATUSES = {"firing": AlertStatus.FIRING, "resolved": AlertStatus.RESOLVED}


class _Alert(msgspec.Struct):
    status: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    startsAt: datetime | None = None
    endsAt: datetime | None = None
    generatorURL: str = ""
    fingerprint: str = ""


class _Webhook(msgspec.Struct):
    alerts: list[_Alert]
    externalURL: str = ""
    truncatedAlerts: int = 0


_decode = msgspec.json.Decoder(_Webhook).decode
_decode_loosely = msgspec.json.Decoder().decode


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The alerts of one webhook. Raises ``NotUnderstood`` for a body that is no Alertmanager webhook at all."""
    problem: Problem | None = None
    try:
        webhook = _decode(delivery.body)
        received = len(webhook.alerts)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        webhook, problem, received = _read_loosely(delivery.body)
    alerts: list[Alert] = []
    for index, given in enumerate(webhook.alerts):
        alert = _alert(given, delivery, source, settings, webhook.externalURL)
        if isinstance(alert, Alert):
            alerts.append(alert)
        else:
            problem = problem or Problem("bad_alert", alert, f"alerts[{index}]")
    if received == 0:
        return Normalised((), 0, problem, ignored=None if problem else "no alerts in the delivery")
    return Normalised(tuple(alerts), received, problem)


def _alert(
    given: _Alert, delivery: RawDelivery, source: SourceSettings, settings: AlertSettings, external_url: str
) -> Alert | str:
    """One alert, or what is wrong with it."""
    status = _STATUSES.get(given.status)
    if status is None:
        return f"status is {given.status[:40]!r}; firing or resolved was expected"
    labels, annotations, names = given.labels, given.annotations, settings.labels
    if not labels and not given.fingerprint:
        return "neither labels nor a fingerprint: the problem has no name"
    instance = first_label(labels, names.get("host", ()))
    host = bare_host(instance) if instance else None
    name = labels.get("alertname", "")
    title = annotations.get("summary") or annotations.get("title") or annotations.get("message")
    if not title:
        title = f"{name or 'alert'} ({host})" if host else name or "alert"
    ended = given.endsAt if status is AlertStatus.RESOLVED and given.endsAt and given.endsAt >= _NO_TIME else None
    started = given.startsAt
    if started is None or started < _NO_TIME:
        started = delivery.received_at
    return Alert(
        fingerprint=bounded_fingerprint(given.fingerprint)
        or fingerprint_of(f"{k}={labels[k]}" for k in sorted(labels)),
        source=delivery.source,
        status=status,
        severity=severity_of(first_label(labels, names.get("severity", ())), source.severities),
        title=clip_title(title),
        started_at=_utc(started),
        description=clip_text(annotations.get("description") or ""),
        host=host,
        service=first_label(labels, names.get("service", ())),
        labels=labels,
        symptoms=(name,) if name else (),
        ended_at=_utc(ended) if ended else None,
        url=given.generatorURL or external_url or None,
    )


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _read_loosely(body: bytes) -> tuple[_Webhook, Problem | None, int]:
    """What can be saved of a body that is not quite right, with the first thing that is wrong and its path."""
    try:
        data = _decode_loosely(body)
    except RecursionError as error:
        raise NotUnderstood("not_json", "the body is nested too deeply") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotUnderstood("not_json", f"the body is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise NotUnderstood("wrong_type", f"an object was expected, not {_kind(data)}", "$")
    if "alerts" not in data:
        raise NotUnderstood("missing", "alerts is missing; is this an Alertmanager webhook of version 4?", "alerts")
    if not isinstance(data["alerts"], list):
        raise NotUnderstood("wrong_type", f"a list was expected, not {_kind(data['alerts'])}", "alerts")
    alerts: list[_Alert] = []
    problem: Problem | None = None
    for index, given in enumerate(data["alerts"]):
        try:
            alerts.append(msgspec.convert(_without_nulls(given), _Alert))
        except msgspec.ValidationError as error:
            problem = problem or _problem(str(error), index)
    external = data.get("externalURL")
    return _Webhook(alerts, external if isinstance(external, str) else ""), problem, len(data["alerts"])


def _without_nulls(given: Any) -> Any:
    return {name: value for name, value in given.items() if value is not None} if isinstance(given, dict) else given


def _problem(message: str, index: int) -> Problem:
    text, _, path = message.partition(" - at `$")
    return Problem("wrong_type", text, f"alerts[{index}]{path.rstrip('`')}")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
