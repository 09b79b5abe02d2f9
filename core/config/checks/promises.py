"""Calendars have working time, and every row of the table of promises can be kept and can be reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.config.checks import Finding
from core.config.problems import Path, suggestion
from core.config.settings import CalendarSettings, HolidaySettings, Settings, SlaTarget
from core.rules.calendar import Calendar


def calendars(settings: Settings) -> Iterator[Finding]:
    for name, calendar in settings.calendars.items():
        path: Path = ("calendars", name)
        if name == "always":
            yield Finding(path, "always is round the clock and cannot be changed", "choose another name")
        if not any(calendar.hours.values()):
            yield Finding((*path, "hours"), "no working time at all", "write mon: ['09:00-18:00']")
        for day, spans in calendar.hours.items():
            if spans:
                one_day = {"hours": {day: spans}, "holidays": HolidaySettings()}
                yield from _refused(name, calendar, one_day, (*path, "hours", day))
        yield from _refused(name, calendar, {"hours": {"mon": ("00:00-24:00",)}}, (*path, "holidays"))


def targets(settings: Settings) -> Iterator[Finding]:
    known = ["always", *settings.calendars]
    for index, target in enumerate(settings.sla.targets):
        path: Path = ("sla", "targets", index)
        if target.calendar not in known:
            hint = suggestion(target.calendar, known)
            yield Finding((*path, "calendar"), f"no calendar is called {target.calendar}", hint)
        if target.first_response and target.resolution and target.first_response > target.resolution:
            yield Finding((*path, "first_response"), "longer than resolution", level="warning")
        for earlier, other in enumerate(settings.sla.targets[:index]):
            if _covers(other, target):
                message = f"never used: sla.targets[{earlier}] fits every ticket that this row fits"
                yield Finding(path, message, "put the narrower row first", "warning")
                break


def _covers(wide: SlaTarget, narrow: SlaTarget) -> bool:
    return all(getattr(wide, key) in (None, getattr(narrow, key)) for key in ("priority", "category", "tier"))


def _refused(name: str, calendar: CalendarSettings, changes: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    """What the calendar itself says of a part of its settings."""
    try:
        Calendar.from_settings(name, calendar.model_copy(update=changes))
    except ValueError as error:
        yield Finding(path, str(error).partition(": ")[2])
