"""Zabbix: a webhook media type whose parameters are Zabbix's macros in lower case with underscores.

The problem event is the identity: its recovery carries the same ``event_id``. An update (``event_update_status`` 1) is
what somebody did to the problem: acknowledged, commented, changed the severity, closed it, in any combination.
https://www.zabbix.com/documentation/current/en/manual/appendix/macros/supported_by_location
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from core.config.settings import AlertSettings, SourceSettings
from core.integrations.fields import Fields, by_name, first, moment, needed, read_message
from core.integrations.normal import (
    Normalised,
    NotUnderstood,
    bounded_fingerprint,
    clip_text,
    clip_title,
    read_json,
    storable,
)
from core.model import Alert, AlertStatus, RawDelivery, Severity, Signal, SignalKind
from core.rules.severity import severity_of

_SEVERITIES = {
    "0": Severity.INFO,
    "1": Severity.INFO,
    "2": Severity.WARNING,
    "3": Severity.WARNING,
    "4": Severity.HIGH,
    "5": Severity.CRITICAL,
}
_NAMES = {"not classified": "0", "information": "1", "warning": "2", "average": "3", "high": "4", "disaster": "5"}
_VALUES = {"1": AlertStatus.FIRING, "0": AlertStatus.RESOLVED}
_STATUSES = {
    "problem": AlertStatus.FIRING,
    "ok": AlertStatus.RESOLVED,
    "resolved": AlertStatus.RESOLVED,
    "1": AlertStatus.FIRING,
    "0": AlertStatus.RESOLVED,
}
# {EVENT.UPDATE.ACTION} is a sentence: "acknowledged, commented and changed severity from High to Disaster".
_ACTIONS = (
    (re.compile(r"\bclosed\b"), SignalKind.CLOSED),
    (re.compile(r"\bunacknowledged\b"), SignalKind.UNACKNOWLEDGED),
    (re.compile(r"\backnowledged\b"), SignalKind.ACKNOWLEDGED),
    (re.compile(r"\bunsuppressed\b"), SignalKind.DOWNTIME_ENDED),
    (re.compile(r"\bsuppressed\b"), SignalKind.DOWNTIME_STARTED),
)
_AGE = re.compile(r"(\d+)([yMdhms])")
_SECONDS = {"y": 31_536_000, "M": 2_592_000, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_QUARTER = 900  # Offsets of time zones are whole quarters of an hour.
_LABELS = ("host_ip", "host_host", "trigger_id", "trigger_hostgroups", "item_name", "item_key", "event_opdata")


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """What one message of the media type says. Raises ``NotUnderstood`` where the event, its value or its host is
    missing."""
    fields = by_name(read_message(delivery))
    alert = _alert(fields, delivery, source, settings)
    if first(fields, "event_update_status") != "1":
        return Normalised((alert,), 1)
    return _update(fields, alert)


def _update(fields: Fields, alert: Alert) -> Normalised:
    """What somebody did; one message may hold several deeds. The state itself goes with each of them."""
    action = (first(fields, "event_update_action") or "").lower()
    by = clip_title(first(fields, "event_update_user", "user_fullname") or "")
    text = clip_text(first(fields, "event_update_message") or "")
    kinds = [kind for word, kind in _ACTIONS if word.search(action)]
    if text and not kinds:
        kinds = [SignalKind.COMMENTED]
    signals = tuple(Signal(kind, alert, by, text if at == 0 else "") for at, kind in enumerate(kinds))
    if kinds and "changed severity" not in action:
        return Normalised((), 1, signals=signals)
    return Normalised((alert,), 1, signals=signals)


def _alert(fields: Fields, delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Alert:
    event = needed(first(fields, "event_id", "eventid"), "event_id", "which problem is it?")
    status = _status(fields)
    tags = _tags(fields)
    names = settings.labels
    host = first(fields, "host_name", "hostname", "host_host", "host")
    title = needed(first(fields, "event_name", "trigger_name", "alert_subject"), "event_name", "what is wrong?")
    return Alert(
        fingerprint=bounded_fingerprint(event),
        source=delivery.source,
        status=status,
        severity=_severity(fields, source),
        title=clip_title(title),
        started_at=_started(fields, delivery.received_at),
        description=clip_text(first(fields, "alert_message", "trigger_description") or ""),
        host=host,
        service=next((tags[name] for name in names.get("service", ()) if name in tags), None),
        labels={**tags, **{name: text for name in _LABELS if (text := first(fields, name))}},
        symptoms=(clip_title(first(fields, "trigger_name", "item_name") or title),),
        ended_at=delivery.received_at if status is AlertStatus.RESOLVED else None,
        url=_url(fields, event),
    )


def _status(fields: Fields) -> AlertStatus:
    value = first(fields, "event_value")
    if value is not None and value in _VALUES:
        return _VALUES[value]
    word = needed(value or first(fields, "event_status"), "event_value", "does the problem begin or end?")
    if word.lower() not in _STATUSES:
        message = f"event_value {word[:40]!r}: 1 (problem) or 0 (over) was expected"
        raise NotUnderstood("unknown_value", message, "event_value")
    return _STATUSES[word.lower()]


def _severity(fields: Fields, source: SourceSettings) -> Severity:
    """Zabbix's six severities by number; by name where only that is there. The names can be changed, so own words of
    the configuration come first."""
    name = (first(fields, "event_severity", "trigger_severity") or "").lower()
    if name in source.severities:
        return source.severities[name]
    number = first(fields, "event_nseverity", "trigger_nseverity") or _NAMES.get(name) or ""
    return _SEVERITIES[number] if number in _SEVERITIES else severity_of(name, source.severities)


def _started(fields: Fields, received: datetime) -> datetime:
    """When the problem began. Zabbix writes local time without a zone, so the zone is found from the problem's age."""
    exact = moment(first(fields, "event_timestamp"))
    if exact is not None:
        return min(exact, received)
    day, time, age = (first(fields, name) for name in ("event_date", "event_time", "event_age"))
    try:
        local = datetime.strptime(f"{day} {time}", "%Y.%m.%d %H:%M:%S").replace(tzinfo=UTC)
        if age is None:
            return min(local, received)
        seconds = sum(int(number) * _SECONDS[unit] for number, unit in _AGE.findall(age))
        offset = round(((local - received).total_seconds() + seconds) / _QUARTER) * _QUARTER
        return min(local - timedelta(seconds=offset), received)
    except (ValueError, OverflowError):
        return received


def _tags(fields: Fields) -> dict[str, str]:
    """``{EVENT.TAGSJSON}``, as text or as JSON, or ``{EVENT.TAGS}``: "scope:performance, service:payment"."""
    given = fields.get("event_tags") or fields.get("event_tagsjson")
    if isinstance(given, str):
        if not given.lstrip().startswith("["):
            pairs = (part.strip().partition(":") for part in given.split(",")) if first({"t": given}, "t") else ()
            return {name: value for name, _, value in pairs if name}
        try:
            given = read_json(storable(given.encode("utf-8", "replace")))
        except NotUnderstood:
            return {}
    if not isinstance(given, list):
        return {}
    tags = (tag for tag in given if isinstance(tag, dict))
    return {str(tag["tag"]): str(tag.get("value", "")) for tag in tags if tag.get("tag")}


def _url(fields: Fields, event: str) -> str | None:
    """The address that the trigger gives, or the page of the event."""
    own = first(fields, "trigger_url", "event_url", "link")
    base, trigger = first(fields, "zabbix_url"), first(fields, "trigger_id")
    if own is None and base and trigger:
        return f"{base.rstrip('/')}/tr_events.php?triggerid={trigger}&eventid={event}"
    return own
