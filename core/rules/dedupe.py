"""Is it the same problem again? What one message means, given what is already known of its fingerprint.

The facts behind the rules were observed with real Alertmanagers: envelopes lie, so each alert is judged alone;
byte-identical repeats are how "still firing" looks; a recovery may come late, after the next occurrence has begun, and
must not close it; the same ``started_at`` may fire again after a recovery, when its sender was away.
"""

from __future__ import annotations

from enum import Enum

from msgspec.structs import replace

from core.model import Alert, AlertStatus, KnownAlert


class News(Enum):
    """What a message means."""

    FIRST = "first"
    REPEAT = "repeat"
    REFIRED = "refired"
    RECOVERED = "recovered"
    STALE = "stale"
    STRAY_RECOVERY = "stray_recovery"


def news(alert: Alert, known: KnownAlert | None) -> News:
    """What ``alert`` tells us beyond ``known``.

    A message is STALE when it speaks of an occurrence older than the known one, or ends one that is over already. A
    recovery of something never seen firing is a STRAY_RECOVERY: recorded, and nothing to do.
    """
    firing = alert.status is AlertStatus.FIRING
    if known is None:
        return News.FIRST if firing else News.STRAY_RECOVERY
    last = known.alert
    if firing:
        if alert.started_at < last.started_at:
            return News.STALE
        return News.REPEAT if last.status is AlertStatus.FIRING else News.REFIRED
    if last.status is AlertStatus.RESOLVED:
        return News.STALE
    ended_before = alert.ended_at is not None and alert.ended_at < last.started_at
    return News.STALE if ended_before or alert.started_at < last.started_at else News.RECOVERED


def begins_anew(alert: Alert, known: KnownAlert) -> bool:
    """Whether a firing alert is a later occurrence than the known one, of whose end nothing was heard.

    Silences, downtimes and sources that never say so eat recoveries. While the ticket is open that makes no difference;
    one that a person has resolved must not swallow the new occurrence.
    """
    last = known.alert
    return alert.started_at > last.started_at and alert.status is last.status is AlertStatus.FIRING


def unheard_end(alert: Alert, known: KnownAlert) -> Alert:
    """The recovery that must have come before ``alert``."""
    return replace(known.alert, status=AlertStatus.RESOLVED, ended_at=alert.started_at)
