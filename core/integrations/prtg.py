"""PRTG Network Monitor: the "Execute HTTP Action" with placeholders, as a form or as JSON, which PRTG calls a form too.

PRTG can set no header and writes times in the server's own way, so a problem begins when it arrives. A test
notification carries the placeholders unfilled. https://www.paessler.com/manuals/prtg/list_of_placeholders_for_notifications
"""

from __future__ import annotations

import re

from core.config.settings import AlertSettings, SourceSettings
from core.integrations.fields import Fields, by_name, first, labels_of, read_message
from core.integrations.normal import Normalised, NotUnderstood, bare_host, clip_text, clip_title
from core.model import Alert, AlertStatus, RawDelivery, Severity, Signal, SignalKind
from core.rules.severity import severity_of

_NOW = re.compile(r"\(now:\s*([^)]*)\)")
_DIGITS = re.compile(r"\d{1,18}")
# How bad it is when a sensor of so many stars is down.
_STARS = {1: Severity.WARNING, 2: Severity.WARNING, 3: Severity.HIGH, 4: Severity.CRITICAL, 5: Severity.CRITICAL}
_USUAL_STARS = 3
_WORDS = {
    "down": None,
    "partial": None,
    "warning": Severity.WARNING,
    "unusual": Severity.WARNING,
    "unknown": Severity.WARNING,
}
_LABELS = ("deviceid", "group", "probe", "location", "lastvalue", "tags", "objecttags")


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The one alert or signal of a notification. Raises ``NotUnderstood`` where the sensor or its status is missing."""
    fields = by_name(read_message(delivery))
    found = _DIGITS.search(first(fields, "sensorid") or "")
    if found is None:
        hint = "a test notification leaves placeholders unfilled" if "sensorid" in fields else "which sensor is it?"
        raise NotUnderstood("missing", f"sensorid is missing: {hint}", "sensorid")
    # %status is the state now; %laststatus is it too in most templates, and the one before where both are sent.
    status = first(fields, "status", "laststatus")
    if status is None:
        raise NotUnderstood("missing", "status is missing: how is the sensor?", "status")
    return _judged(fields, found.group(), status, delivery, source)


def _judged(fields: Fields, sensor: str, status: str, delivery: RawDelivery, source: SourceSettings) -> Normalised:
    now = _NOW.search(status)
    words = (now.group(1) if now else status).strip().lower()
    state = words.split(" ", 1)[0]
    if state in source.resolved_values:
        return Normalised((_alert(fields, sensor, status, AlertStatus.RESOLVED, Severity.WARNING, delivery),), 1)
    if state not in _WORDS and state not in source.severities and state != "paused":
        message = f"status {status[:40]!r} is not known; add it to resolved_values or severities of this source"
        raise NotUnderstood("unknown_status", message, "status")
    severity = source.severities.get(state) or _WORDS.get(state) or _by_stars(fields)
    alert = _alert(fields, sensor, status, AlertStatus.FIRING, severity, delivery)
    if state == "paused":
        return Normalised((), 1, signals=(Signal(SignalKind.DOWNTIME_STARTED, alert, text=alert.description),))
    if "acknowledged" in words:
        return Normalised((), 1, signals=(Signal(SignalKind.ACKNOWLEDGED, alert, text=alert.description),))
    return Normalised((alert,), 1)


def _by_stars(fields: Fields) -> Severity:
    given = first(fields, "priority", "prio") or ""
    stars = given.count("*") or (int(given) if given.isdigit() and len(given) == 1 else 0)
    if stars in _STARS:
        return _STARS[stars]
    return severity_of(given) if given else _STARS[_USUAL_STARS]


def _alert(
    fields: Fields, sensor: str, status: str, state: AlertStatus, severity: Severity, delivery: RawDelivery
) -> Alert:
    device = first(fields, "device", "devicename")
    host = first(fields, "host")
    name = first(fields, "sensor", "name", "sensorname", "shortname")
    title = f"{name} {status}" if name else status
    return Alert(
        fingerprint=sensor,
        source=delivery.source,
        status=state,
        severity=severity,
        title=clip_title(f"{title} ({device or host})" if device or host else f"{title} ({sensor})"),
        started_at=delivery.received_at,
        description=clip_text(first(fields, "message", "lastmessage") or ""),
        host=device or (bare_host(host) if host else None),
        service=name,
        labels=labels_of(fields, _LABELS) | ({"address": host} if host and device else {}),
        symptoms=(name,) if name else (),
        ended_at=delivery.received_at if state is AlertStatus.RESOLVED else None,
        url=first(fields, "linksensor", "linkdevice"),
    )
