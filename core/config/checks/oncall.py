"""On-call schedules name people whom there are, overrides end after they begin, experts hear that they are called."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from core.config.checks import Finding
from core.config.problems import Path, suggestion
from core.config.schedules import OverrideSettings
from core.config.settings import Settings
from core.rules.oncall import span


def schedules(settings: Settings) -> Iterator[Finding]:
    ids = [person.id for person in settings.people]
    for name, schedule in settings.schedules.items():
        path: Path = ("schedules", name)
        for place, person in enumerate(schedule.rotation.people):
            yield from _somebody((*path, "rotation", "people", place), person, ids)
        for place, override in enumerate(schedule.overrides):
            at: Path = (*path, "overrides", place)
            yield from _somebody((*at, "person"), override.person, ids)
            yield from _lasts(at, override, ZoneInfo(schedule.time_zone))


def experts(settings: Settings) -> Iterator[Finding]:
    """Somebody who is called has to hear of it."""
    if not any(system.experts for system in settings.systems):
        return
    rules = [rule for rule in settings.notifications if "ticket.expert_called" in rule.on]
    if not any("expert" in _all_of(rule.to, settings) for rule in rules):
        hint = "write {name: expert_called, on: [ticket.expert_called], to: [expert], urgent: true}"
        yield Finding(("notifications",), "no rule tells an expert that they are called", hint, "warning")


def _all_of(audiences: tuple[str, ...], settings: Settings) -> set[str]:
    """The audiences and what those among them that are lists name, however deep."""
    found: set[str] = set()
    waiting = list(audiences)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += settings.audiences.get(name, ())
    return found


def _somebody(path: Path, person: str, ids: list[str]) -> Iterator[Finding]:
    if person not in ids:
        yield Finding(path, f"no person is called {person}", suggestion(person, ids) or "write their id from `people`")


def _lasts(path: Path, override: OverrideSettings, zone: ZoneInfo) -> Iterator[Finding]:
    begins, ends = span(override, zone)
    if ends <= begins:
        yield Finding((*path, "until"), "not after from", "an override ends after it has begun")
