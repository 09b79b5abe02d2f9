"""How bad is it: the severity that a source's own word means, and the ticket priority that follows."""

from __future__ import annotations

from collections.abc import Mapping

from core.model import Priority, Severity

# The words of the field's own tools: Prometheus conventions, PagerDuty Events v2, syslog, Zabbix, Nagios, Datadog.
_WORDS: dict[str, Severity] = {
    **dict.fromkeys(
        (
            "critical",
            "crit",
            "page",
            "emergency",
            "emerg",
            "disaster",
            "fatal",
            "down",
            "p1",
            "sev1",
            "sev-1",
            "blocker",
        ),
        Severity.CRITICAL,
    ),
    **dict.fromkeys(("high", "error", "err", "major", "alert", "p2", "sev2", "sev-2", "severe"), Severity.HIGH),
    **dict.fromkeys(
        ("warning", "warn", "average", "minor", "medium", "moderate", "unknown", "p3", "sev3", "sev-3"),
        Severity.WARNING,
    ),
    **dict.fromkeys(
        ("info", "information", "informational", "notice", "none", "low", "debug", "ok", "p4", "p5", "sev4", "sev5"),
        Severity.INFO,
    ),
}


def severity_of(word: str | None, own_words: Mapping[str, Severity] | None = None) -> Severity:
    """The severity that a source's word means. ``own_words`` (lower case) come first; no word or an unknown one is a
    warning: it is looked at, and wakes nobody."""
    if not word:
        return Severity.WARNING
    text = word.strip().lower()
    if own_words and text in own_words:
        return own_words[text]
    return _WORDS.get(text, Severity.WARNING)


def priority_of(severity: Severity, table: Mapping[Severity, Priority]) -> Priority:
    """The ticket priority for an alert's severity; what the table leaves out keeps its own rank."""
    return table.get(severity) or Priority(("low", "medium", "high", "critical")[severity.rank])
