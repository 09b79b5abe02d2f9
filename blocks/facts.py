"""Facts of a ticket in words: how bad, how it stands, whose, until when.

A symbol may stand before a word and never instead of it. ``due`` is Slack's date markup and belongs into mrkdwn only.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from blocks.text import one_line
from core.i18n import Words
from core.model import PersonRef, Priority, Severity, SlaClock
from core.views import SlaFacts

_PRIORITY = {Priority.LOW: "⚪", Priority.MEDIUM: "🟡", Priority.HIGH: "🟠", Priority.CRITICAL: "🔴"}
_SEVERITY = {Severity.INFO: "🔵", Severity.WARNING: "🟡", Severity.HIGH: "🟠", Severity.CRITICAL: "🔴"}
_RISK_WORTH_TELLING = 0.5


def capital(text: str) -> str:
    """With a capital first letter, for a word that stands alone."""
    return text[:1].upper() + text[1:]


def priority(value: Priority, words: Words) -> str:
    return f"{_PRIORITY[value]} {words.name(value)}"


def severity(value: Severity, words: Words) -> str:
    return f"{_SEVERITY[value]} {words.name(value)}"


def person(ref: PersonRef | None, words: Words) -> str:
    """The name, or that there is nobody. User text, not escaped."""
    return (one_line(ref.name, 80) or one_line(ref.id, 80) or "–") if ref else words.text("card.unassigned")


def time_left(sla: SlaFacts, words: Words) -> str:
    """``2 h 5 min left``, ``overdue by 10 min``, ``clock paused``, ``met`` ..."""
    if sla.state is SlaClock.MET:
        return words.text("card.sla_met")
    if sla.state is SlaClock.PAUSED:
        if sla.remaining is None or sla.remaining < 0:
            return words.text("card.sla_paused")
        return words.text("card.sla_paused_left", time=words.duration(sla.remaining))
    if sla.remaining is None:
        return words.text("card.sla_breached" if sla.state is SlaClock.BREACHED else "card.sla_none")
    if sla.remaining < 0:
        return "⚠️ " + words.text("card.sla_overdue", time=words.duration(-sla.remaining))
    return words.text("card.sla_left", time=words.duration(sla.remaining))


def risk(sla: SlaFacts, words: Words) -> str | None:
    """The breach risk, when it is worth a word."""
    if sla.state is not SlaClock.RUNNING or sla.breach_risk < _RISK_WORTH_TELLING:
        return None
    return words.text("card.breach_risk", risk=words.percent(min(sla.breach_risk, 1.0)))


def due(moment: datetime, words: Words) -> str:
    """Slack's date markup: shows in each reader's own zone, and elsewhere in that of ``words``.

    https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{words.moment(moment)}>"


def web_address(url: str | None, limit: int = 3000) -> str | None:
    """``url`` when it is an http or https address that Slack takes, else None."""
    if not url or len(url) > limit or not url.isascii() or not url.isprintable() or set(url) & set(' <>|"\\^`{}'):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None
