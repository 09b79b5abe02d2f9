"""Who is on call at an instant, and who takes over next. Pure: the schedule's settings and an instant in.

Turns begin at the same time of day on the clock on the wall, so that a turn over a change of the clocks is an hour
longer or shorter. A hand-over that the change skips comes as much later as the clocks were put forward; of one that
happens twice the first counts. An override holds from its beginning up to, and without, its end.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.config.schedules import OverrideSettings, RotationSettings, ScheduleSettings

_DAYS = {"day": 1, "week": 7}


def on_call(schedule: ScheduleSettings, now: datetime) -> str | None:
    """Id of the person who is on call at ``now``; None before the first turn."""
    standing_in = _standing_in(schedule, now)
    if standing_in is not None:
        return standing_in.person
    turn = _turn(schedule, now)
    people = schedule.rotation.people
    return people[turn % len(people)] if turn >= 0 else None


def next_hand_over(schedule: ScheduleSettings, now: datetime) -> tuple[datetime, str | None] | None:
    """The next instant (UTC) at which somebody else is on call, and who; None when that stays the same for good."""
    current, at = on_call(schedule, now), now
    # Between two edges of overrides the rotation comes round to everybody once.
    for _ in range((2 * len(schedule.overrides) + 1) * (len(schedule.rotation.people) + 1)):
        following = _next_edge(schedule, at)
        if following is None:
            return None
        at, person = following, on_call(schedule, following)
        if person != current:
            return at, person
    return None


def _next_edge(schedule: ScheduleSettings, after: datetime) -> datetime | None:
    """The next instant at which a turn or an override begins or ends. While somebody stands in, turns do not count."""
    zone = ZoneInfo(schedule.time_zone)
    edges = [edge for override in schedule.overrides for edge in span(override, zone) if edge > after]
    if _standing_in(schedule, after) is None:
        turn = _turn(schedule, after)
        edges.append(_begins(schedule.rotation, max(turn + 1, 0), zone))
    return min(edges, default=None)


def _standing_in(schedule: ScheduleSettings, now: datetime) -> OverrideSettings | None:
    zone = ZoneInfo(schedule.time_zone)
    for override in reversed(schedule.overrides):
        begins, ends = span(override, zone)
        if begins <= now < ends:
            return override
    return None


def span(override: OverrideSettings, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when (UTC) up to, and without, when somebody stands in; ``zone`` is the schedule's."""
    return _instant(override.from_, zone), _instant(override.until, zone)


def _turn(schedule: ScheduleSettings, now: datetime) -> int:
    """Which turn it is, from 0; negative before the first."""
    rotation, zone = schedule.rotation, ZoneInfo(schedule.time_zone)
    days = (now.astimezone(zone).date() - rotation.start).days
    turn = days // _DAYS[rotation.every] + 1
    while turn >= 0 and _begins(rotation, turn, zone) > now:
        turn -= 1
    return turn


def _begins(rotation: RotationSettings, turn: int, zone: ZoneInfo) -> datetime:
    day: date = rotation.start + timedelta(days=turn * _DAYS[rotation.every])
    return _instant(datetime.combine(day, time.fromisoformat(rotation.hand_over)), zone)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """A time on the wall as UTC. One that a change of the clocks skips is as much later as they were put forward."""
    return (wall if wall.tzinfo else wall.replace(tzinfo=zone)).astimezone(UTC)
