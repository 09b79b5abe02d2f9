"""How a ticket's promise stands, in words."""

from __future__ import annotations

from core.i18n import Words
from core.model import SlaClock
from core.views import SlaFacts


def due(sla: SlaFacts, words: Words) -> str:
    """For a card that stays: the due time, and the state of the clock unless it simply runs."""
    state = _state(sla, words)
    moment = sla.resolution_due or sla.first_response_due
    parts = [words.moment(moment) if moment else None, state]
    return ", ".join(part for part in parts if part) or words.text("card.sla_none")


def left(sla: SlaFacts, words: Words) -> str | None:
    """For a list that is read now: the time left. None where nothing is promised."""
    if sla.state is SlaClock.RUNNING and sla.remaining is not None:
        key = "card.sla_left" if sla.remaining >= 0 else "card.sla_overdue"
        return words.text(key, time=words.duration(abs(sla.remaining)))
    return _state(sla, words)


def _state(sla: SlaFacts, words: Words) -> str | None:
    if sla.state is SlaClock.PAUSED:
        if sla.remaining is None or sla.remaining < 0:
            return words.text("card.sla_paused")
        return words.text("card.sla_paused_left", time=words.duration(sla.remaining))
    if sla.state is SlaClock.RUNNING:
        return None
    return words.text(f"card.sla_{sla.state.value}")
