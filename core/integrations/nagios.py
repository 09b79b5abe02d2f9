"""Nagios Core, and everything that speaks its macros: form-encoded or JSON, flat or below ``macros``, in any case.

A problem is a host, or a service of a host. The state counts more than the type of notification: after a downtime or
flapping the state in the closing message is the only word that comes of a problem or of its end.
https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/macrolist.html
"""

from __future__ import annotations

from datetime import datetime

from core.config.settings import AlertSettings, SourceSettings
from core.integrations.fields import Fields, by_name, child, first, moment, needed, plain, read_message
from core.integrations.normal import Normalised, NotUnderstood, bounded_fingerprint, clip_text, clip_title
from core.model import Alert, AlertStatus, RawDelivery, Severity, Signal, SignalKind
from core.rules.severity import severity_of

_PROBLEM, _RECOVERY = "PROBLEM", "RECOVERY"
# What Nagios, Icinga 1 and Icinga 2 call them.
_SIGNALS = {
    "ACKNOWLEDGEMENT": SignalKind.ACKNOWLEDGED,
    "CUSTOM": SignalKind.COMMENTED,
    "FLAPPINGSTART": SignalKind.FLAPPING_STARTED,
    "FLAPPINGSTOP": SignalKind.FLAPPING_STOPPED,
    "FLAPPINGEND": SignalKind.FLAPPING_STOPPED,
    "FLAPPINGDISABLED": SignalKind.FLAPPING_STOPPED,
    "DOWNTIMESTART": SignalKind.DOWNTIME_STARTED,
    "DOWNTIMEEND": SignalKind.DOWNTIME_ENDED,
    "DOWNTIMECANCELLED": SignalKind.DOWNTIME_ENDED,
    "DOWNTIMEREMOVED": SignalKind.DOWNTIME_ENDED,
}
_OVER = frozenset({"OK", "UP"})
_STATES = {
    "CRITICAL": Severity.CRITICAL,
    "DOWN": Severity.CRITICAL,
    "WARNING": Severity.WARNING,
    "UNKNOWN": Severity.WARNING,
    "UNREACHABLE": Severity.WARNING,
    "OK": Severity.WARNING,
    "UP": Severity.WARNING,
}
_LABELS = ("hostaddress", "hostgroupnames", "servicegroupnames", "ci")
_PREFIXES = ("_host", "_service")


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The one alert or signal of a notification. Raises ``NotUnderstood`` where the type, the host or the state is
    missing."""
    fields = by_name(read_message(delivery))
    return notification(child(fields, "macros") or fields, delivery, source, settings)


def notification(fields: Fields, delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """What one notification says. ``fields`` are macros by their names in lower case."""
    kind = needed(first(fields, "notificationtype"), "NOTIFICATIONTYPE", "what is this about?").upper()
    if kind not in (_PROBLEM, _RECOVERY) and kind not in _SIGNALS:
        raise NotUnderstood("unknown_type", f"NOTIFICATIONTYPE {kind[:40]!r} is not known", "NOTIFICATIONTYPE")
    alert = _alert(fields, kind, delivery, source, settings)
    if kind in (_PROBLEM, _RECOVERY):
        return Normalised((alert,), 1)
    by = first(fields, "notificationauthorname", "notificationauthor", "author") or ""
    text = first(fields, "notificationcomment", "comment") or ""
    return Normalised((), 1, signals=(Signal(_SIGNALS[kind], alert, clip_title(by), clip_text(text)),))


def _alert(fields: Fields, kind: str, delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Alert:
    host = needed(first(fields, "hostname"), "HOSTNAME", "which host has the problem?")
    service = first(fields, "servicedesc", "servicename", "servicedisplayname")
    state, status = _state(fields, kind, service)
    output = first(fields, *(("serviceoutput",) if service else ("hostoutput", "output"))) or ""
    more = first(fields, *(("longserviceoutput",) if service else ("longhostoutput",))) or ""
    changed = first(fields, "lastservicestatechange" if service else "lasthoststatechange", "laststatechange")
    at = moment(first(fields, "timet")) or delivery.received_at
    name = f"{service} {state}" if service else state
    labels = _labels(fields)
    if first(fields, "hostdisplayname", "hostalias") not in (None, host):
        labels["alias"] = first(fields, "hostdisplayname", "hostalias") or ""
    return Alert(
        fingerprint=bounded_fingerprint(f"{host}!{service}" if service else host),
        source=delivery.source,
        status=status,
        severity=source.severities.get(state.lower()) or _STATES.get(state) or severity_of(state),
        title=clip_title(f"{name} ({host})"),
        started_at=_started(moment(changed), at, delivery.received_at),
        description=clip_text(f"{output}\n{more}".replace("\\n", "\n").strip()),
        host=host,
        service=service,
        labels=labels,
        symptoms=(service or "host",),
        ended_at=min(at, delivery.received_at) if status is AlertStatus.RESOLVED else None,
        url=first(fields, "serviceactionurl", "hostactionurl", "servicenotesurl", "hostnotesurl", "url"),
    )


def _state(fields: Fields, kind: str, service: str | None) -> tuple[str, AlertStatus]:
    """The state and what it means. A flapping problem goes on, whatever its state is at the moment."""
    name = "SERVICESTATE" if service else "HOSTSTATE"
    given = first(fields, name.lower())
    if given is None and kind == _RECOVERY:
        given = "OK" if service else "UP"
    state = needed(given, name, "how is it?").upper()
    if state not in _STATES:
        raise NotUnderstood("unknown_state", f"{name} {state[:40]!r} is not known", name)
    if kind == _PROBLEM and state in _OVER:
        raise NotUnderstood("contradiction", f"a PROBLEM whose {name} is {state}", name)
    over = kind == _RECOVERY or (state in _OVER and kind != "FLAPPINGSTART")
    return state, AlertStatus.RESOLVED if over else AlertStatus.FIRING


def _started(changed: datetime | None, at: datetime, received: datetime) -> datetime:
    """When the state began; never later than the message, whatever the clock over there says."""
    return min(changed or at, received)


def _labels(fields: Fields) -> dict[str, str]:
    """Addresses, groups and the custom variables, which hold what the operator wants to be known."""
    labels: dict[str, str] = {}
    for name in fields:
        if name in _LABELS:
            key = name
        elif name.startswith(_PREFIXES):
            key = name.removeprefix("_host").removeprefix("_service")
        else:
            continue
        text = plain(fields[name])
        if text is not None:
            labels[key] = text
    return labels
