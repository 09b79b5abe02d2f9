"""Icinga 2: notification commands as JSON or forms, and the events of Icinga Notifications.

Icinga's macros are Nagios' with names of their own here and there (``host.name``, ``notification.type``); they are put
into Nagios' words and read as such. https://icinga.com/docs/icinga-2/latest/doc/03-monitoring-basics/#runtime-macros
"""

from __future__ import annotations

from core.config.settings import AlertSettings, SourceSettings
from core.integrations import nagios
from core.integrations.fields import Fields, by_name, child, first, needed, plain, read_message
from core.integrations.normal import Normalised, NotUnderstood, bounded_fingerprint, clip_text, clip_title
from core.model import Alert, AlertStatus, RawDelivery, Severity

# The rest of an Icinga macro follows from leaving out dots and underscores: host.display_name is HOSTDISPLAYNAME.
_NAMES = {
    "type": "notificationtype",
    "host": "hostname",
    "service": "servicename",
    "laststatechange": "laststatechange",
    "servicelaststatechange": "lastservicestatechange",
    "hostlaststatechange": "lasthoststatechange",
}
# https://icinga.com/docs/icinga-notifications/latest/doc/20-HTTP-API/
_SEVERITIES = {
    "emerg": Severity.CRITICAL,
    "alert": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
    "err": Severity.HIGH,
    "warning": Severity.WARNING,
    "notice": Severity.INFO,
    "info": Severity.INFO,
    "debug": Severity.INFO,
}


def normalise(delivery: RawDelivery, source: SourceSettings, settings: AlertSettings) -> Normalised:
    """The one alert or signal of a notification. Raises ``NotUnderstood`` where the type, the host or the state is
    missing."""
    fields = by_name(read_message(delivery))
    fields = child(fields, "macros") or fields
    if "tags" in fields and "severity" in fields:
        return _event(fields, delivery)
    if "results" in fields:
        raise NotUnderstood("not_a_notification", "an answer of Icinga's API, not a notification", "results")
    return nagios.notification(_in_nagios_words(fields), delivery, source, settings)


def _in_nagios_words(fields: Fields) -> dict[str, object]:
    words: dict[str, object] = {}
    for name, value in fields.items():
        if name[:1] == "_":
            words[name] = value
            continue
        word = name.replace(".", "").replace("_", "")
        words[_NAMES.get(word, word)] = value
    return words


def _event(fields: Fields, delivery: RawDelivery) -> Normalised:
    """An event of the new Icinga Notifications, which names its object by tags."""
    tags = child(fields, "tags")
    word = needed(first(fields, "severity"), "severity", "how bad is it?").lower()
    if word != "ok" and word not in _SEVERITIES:
        raise NotUnderstood("unknown_severity", f"severity {word[:40]!r} is not known", "severity")
    host = needed(first(tags, "host"), "tags.host", "which host has the problem?")
    service = first(tags, "service")
    over = word == "ok"
    name = f"{service} {word.upper()}" if service else word.upper()
    alert = Alert(
        fingerprint=bounded_fingerprint(f"{host}!{service}" if service else host),
        source=delivery.source,
        status=AlertStatus.RESOLVED if over else AlertStatus.FIRING,
        severity=_SEVERITIES.get(word, Severity.WARNING),
        title=clip_title(f"{name} ({host})"),
        started_at=delivery.received_at,
        description=clip_text(first(fields, "message") or ""),
        host=host,
        service=service,
        labels={key: text for key, value in tags.items() if (text := plain(value)) is not None},
        symptoms=(service or "host",),
        ended_at=delivery.received_at if over else None,
        url=first(fields, "url"),
    )
    return Normalised((alert,), 1)
