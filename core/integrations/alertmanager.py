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
    kind_of,
    read_json,
    storable,
    utc,
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


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The alerts of one webhook. Raises ``NotUnderstood`` for a body that is no Alertmanager webhook at all."""
    problem: Problem | None = None
    body = storable(delivery.body)
    try:
        webhook = _decode(body)
        received = len(webhook.alerts)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        webhook, problem, received = _read_loosely(body)
    alerts: list[Alert] = []
    for index, given in enumerate(webhook.alerts):
        alert = _alert(given, delivery, source, settings, webhook.externalURL)
        if isinstance(alert, Alert):
            alerts.append(alert)
        else:
            problem = problem or Problem("bad_alert", alert, f"alerts[{index}]")
    if webhook.truncatedAlerts > 0 and problem is None:
        cut = f"{webhook.truncatedAlerts} alerts were cut off by the receiver's max_alerts; set max_alerts: 0"
        problem = Problem("truncated", cut, "truncatedAlerts")
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
    ended = _moment(given.endsAt) if status is AlertStatus.RESOLVED else None
    return Alert(
        fingerprint=bounded_fingerprint(given.fingerprint)
        or fingerprint_of(f"{k}={labels[k]}" for k in sorted(labels)),
        source=delivery.source,
        status=status,
        severity=severity_of(first_label(labels, names.get("severity", ())), source.severities),
        title=_title(annotations, name, host),
        started_at=_moment(given.startsAt) or delivery.received_at,
        description=clip_text(annotations.get("description") or ""),
        host=host,
        service=first_label(labels, names.get("service", ())),
        labels=labels,
        symptoms=(name,) if name else (),
        ended_at=ended,
        url=given.generatorURL or external_url or None,
    )


def _title(annotations: dict[str, str], name: str, host: str | None) -> str:
    for annotation in ("summary", "title", "message"):
        title = clip_title(annotations.get(annotation, ""))
        if title:
            return title
    name = clip_title(name) or "alert"
    return clip_title(f"{name} ({host})") if host else name


def _moment(given: datetime | None) -> datetime | None:
    moment = utc(given) if given is not None else None
    return moment if moment is not None and moment >= _NO_TIME else None


def _read_loosely(body: bytes) -> tuple[_Webhook, Problem | None, int]:
    """What can be saved of a body that is not quite right, with the first thing that is wrong and its path."""
    data = read_json(body)
    if not isinstance(data, dict):
        raise NotUnderstood("wrong_type", f"an object was expected, not {kind_of(data)}", "$")
    if "alerts" not in data:
        raise NotUnderstood("missing", "alerts is missing; is this an Alertmanager webhook of version 4?", "alerts")
    if not isinstance(data["alerts"], list):
        raise NotUnderstood("wrong_type", f"a list was expected, not {kind_of(data['alerts'])}", "alerts")
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
    """The alert without fields that say nothing: null, and a time that is an empty text."""
    if not isinstance(given, dict):
        return given
    empty = {"startsAt": "", "endsAt": ""}
    return {name: value for name, value in given.items() if value is not None and empty.get(name) != value}


def _problem(message: str, index: int) -> Problem:
    text, _, path = message.partition(" - at `$")
    return Problem("wrong_type", text, f"alerts[{index}]{path.rstrip('`')}")
