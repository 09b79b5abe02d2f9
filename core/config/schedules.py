"""On-call schedules: who is to be reached when."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from core.config.fields import TIME_OF_DAY_PATTERN, Model, TimeZone

_FIRST_YEAR, _LAST_YEAR = 1970, 2200


def _of_our_time(value: date) -> date:
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError(f"not a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return value


Day = Annotated[date, AfterValidator(_of_our_time)]
Moment = Annotated[datetime, AfterValidator(_of_our_time)]


class RotationSettings(Model):
    """People who take turns."""

    people: tuple[str, ...] = Field(min_length=1, description="Ids of people, in the order of their turns.")
    every: Literal["day", "week"] = Field(default="week", description="How long one turn is.")
    hand_over: str = Field(
        default="09:00", pattern=TIME_OF_DAY_PATTERN, description="Time of day at which a turn begins, like 09:00."
    )
    start: Day = Field(description="Day on which the first turn begins, like 2026-01-05.")


class OverrideSettings(Model):
    """Somebody stands in for whoever's turn it is. Of two at the same time the later one in the list counts."""

    person: str = Field(description="Id of the person who stands in.")
    from_: Moment = Field(
        alias="from", description="Beginning, like 2026-12-24T18:00; in the schedule's time zone unless it names one."
    )
    until: Moment = Field(description="End, as from; whoever's turn it is takes over at that instant.")


class ScheduleSettings(Model):
    """Who is on call when."""

    time_zone: TimeZone = Field(default="UTC", description="Time zone of the hand-over and of the overrides.")
    rotation: RotationSettings = Field(description="People who take turns.")
    overrides: tuple[OverrideSettings, ...] = Field(default=(), description="Holidays, illness, swapped turns.")
