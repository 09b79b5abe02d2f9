"""On-call schedules name people whom there are, and overrides that end after they begin."""

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


def _somebody(path: Path, person: str, ids: list[str]) -> Iterator[Finding]:
    if person not in ids:
        yield Finding(path, f"no person is called {person}", suggestion(person, ids) or "write their id from `people`")


def _lasts(path: Path, override: OverrideSettings, zone: ZoneInfo) -> Iterator[Finding]:
    begins, ends = span(override, zone)
    if ends <= begins:
        yield Finding((*path, "until"), "not after from", "an override ends after it has begun")
