"""Working time: which seconds count, and when so many of them have passed.

The strategy. A calendar speaks the wall time of its zone ("mon 09:00-18:00"); a promise is counted in real seconds. So
each UTC day is translated once into the stretches of it at which the zone's wall clock stands within working hours, and
kept; ``add``, ``subtract`` and ``between`` then only sum integers (microseconds of the UTC day). A day on which the
zone's offset changes is translated in two parts, one for each offset: an hour that the clocks skip does not count, an
hour that they repeat counts twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from core.config.settings import CalendarSettings, HolidaySettings

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Stretch = tuple[int, int]
Week = tuple[tuple[Stretch, ...], ...]

HORIZON = timedelta(days=1827)  # five calendar years, two of them leap years
_DAYS: tuple[Weekday, ...] = get_args(Weekday)
_DAY_SECONDS = 86_400
_SECOND = 1_000_000  # in microseconds
_SPAN = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*")
_KEPT_DAYS = 4096  # more than eleven years of translated days, about 1 MB
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()


class TooFar(ValueError):
    """A calendar has too little working time to reach so far."""


class Calendar:
    """When somebody works. All instants are timezone-aware, results are UTC; durations are whole seconds.

    ``week`` holds for each day, Monday first, the working hours in seconds since midnight of ``zone``, ascending and
    apart; ``is_off`` says on which dates nobody works. Raises ValueError when the week has no working time at all.
    """

    __slots__ = ("_days", "_is_off", "_week", "_zone", "name")

    def __init__(self, name: str, zone: ZoneInfo, week: Week, is_off: Callable[[date], bool]) -> None:
        if not any(week):
            raise ValueError(f"calendars.{name}.hours: no working time at all")
        self.name = name
        self._zone = zone
        self._week = week
        self._is_off = is_off
        self._days: dict[int, tuple[int, tuple[Stretch, ...]]] = {}

    @classmethod
    def from_settings(cls, name: str, settings: CalendarSettings) -> Calendar:
        """Raises ValueError, with the place in the configuration, for hours or holidays that make no sense."""
        week = tuple(_spans(f"calendars.{name}.hours.{day}", settings.hours.get(day, ())) for day in _DAYS)
        days_off = _days_off(f"calendars.{name}.holidays", settings.holidays)
        return cls(name, ZoneInfo(settings.time_zone), week, days_off)

    def add(self, start: datetime, seconds: int) -> datetime:
        """The first instant at which ``seconds`` of working time have passed since ``start``.

        Zero gives ``start`` itself; working time that ends exactly with a working day gives that closing time, not the
        next opening. Raises ValueError for negative seconds, ``TooFar`` for an instant more than five years away.
        """
        _refuse_negative(seconds)
        ordinal, at = _split(start)
        left = seconds * _SECOND
        if left == 0:
            return _join(ordinal, at)
        for opens, closes in self._day(ordinal)[1]:
            room = closes - max(opens, at)
            if left <= room:
                return _join(ordinal, closes - room + left)
            left -= max(room, 0)
        for later in range(ordinal + 1, ordinal + HORIZON.days + 1):
            total, stretches = self._day(later)
            if left > total:
                left -= total
                continue
            for opens, closes in stretches:
                if left <= closes - opens:
                    return _join(later, opens + left)
                left -= closes - opens
        raise self._too_far(seconds, "after", start)

    def subtract(self, end: datetime, seconds: int) -> datetime:
        """The first instant from which on at most ``seconds`` of working time are left until ``end``.

        Where working hours begin exactly so long before, that is the closing time before them. Raises as ``add``.
        """
        _refuse_negative(seconds)
        ordinal, at = _split(end)
        left = seconds * _SECOND
        for opens, closes in reversed(self._day(ordinal)[1]):
            room = min(closes, at) - opens
            if left < room:
                return _join(ordinal, opens + room - left)
            left -= max(room, 0)
        for earlier in range(ordinal - 1, ordinal - HORIZON.days - 1, -1):
            total, stretches = self._day(earlier)
            if left >= total:
                left -= total
                continue
            for opens, closes in reversed(stretches):
                if left < closes - opens:
                    return _join(earlier, closes - left)
                left -= closes - opens
        raise self._too_far(seconds, "before", end)

    def between(self, start: datetime, end: datetime) -> int:
        """Working seconds from ``start`` to ``end``, negative when ``end`` is earlier; a rest below one is dropped."""
        first, since = _split(start)
        last, until = _split(end)
        if (first, since) > (last, until):
            return -self.between(end, start)
        total = self._passed(last, until) - self._passed(first, since)
        day = self._day
        for ordinal in range(first, last):
            total += day(ordinal)[0]
        return total // _SECOND

    def is_working(self, at: datetime) -> bool:
        ordinal, moment = _split(at)
        return any(opens <= moment < closes for opens, closes in self._day(ordinal)[1])

    def next_opening(self, at: datetime) -> datetime:
        """``at`` itself during working hours, else when they next begin. Raises ``TooFar`` if not in five years."""
        first, moment = _split(at)
        for ordinal in range(first, first + HORIZON.days + 1):
            for opens, closes in self._day(ordinal)[1]:
                if ordinal > first or moment < closes:
                    return _join(ordinal, max(opens, moment) if ordinal == first else opens)
        raise self._too_far(1, "after", at)

    def _passed(self, ordinal: int, at: int) -> int:
        """Working microseconds of a UTC day before ``at``."""
        passed = 0
        for opens, closes in self._day(ordinal)[1]:
            if at <= opens:
                break
            passed += min(closes, at) - opens
        return passed

    def _day(self, ordinal: int) -> tuple[int, tuple[Stretch, ...]]:
        """Working microseconds of a UTC day, and the stretches of it at which they lie."""
        day = self._days.get(ordinal)
        if day is None:
            stretches = tuple(self._stretches(ordinal))
            day = (sum(closes - opens for opens, closes in stretches), stretches)
            if len(self._days) >= _KEPT_DAYS:
                self._days.clear()
            self._days[ordinal] = day
        return day

    def _stretches(self, ordinal: int) -> Iterator[Stretch]:
        for begin, end, offset in self._offsets(ordinal):
            # The dates that the wall clock shows meanwhile, relative to the UTC day.
            for shift in range((begin + offset) // _DAY_SECONDS, (end - 1 + offset) // _DAY_SECONDS + 1):
                local = ordinal + shift
                spans = self._week[(local - 1) % 7]  # ordinal 1 was a Monday
                if not spans or self._is_off(date.fromordinal(local)):
                    continue
                midnight = shift * _DAY_SECONDS - offset
                for opens, closes in spans:
                    opens, closes = max(midnight + opens, begin), min(midnight + closes, end)
                    if opens < closes:
                        yield opens * _SECOND, closes * _SECOND

    def _offsets(self, ordinal: int) -> Iterator[tuple[int, int, int]]:
        """The parts of a UTC day with one offset of the zone each: begin, end and offset, all in seconds."""
        before, after = self._offset(ordinal, 0), self._offset(ordinal, _DAY_SECONDS)
        if before == after:
            yield 0, _DAY_SECONDS, before
            return
        low, change = 0, _DAY_SECONDS
        while change - low > 1:
            middle = (low + change) // 2
            if self._offset(ordinal, middle) == before:
                low = middle
            else:
                change = middle
        yield 0, change, before
        yield change, _DAY_SECONDS, after

    def _offset(self, ordinal: int, second: int) -> int:
        offset = _join(ordinal, second * _SECOND).astimezone(self._zone).utcoffset() or timedelta()
        return offset.days * _DAY_SECONDS + offset.seconds

    def _too_far(self, seconds: int, direction: str, at: datetime) -> TooFar:
        day = at.date().isoformat()
        return TooFar(
            f"calendars.{self.name}: {seconds} s of working time {direction} {day} are more than five years away"
        )


class _RoundTheClock(Calendar):
    """Every second counts, so nothing needs to be looked up."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("always", ZoneInfo("UTC"), (((0, _DAY_SECONDS),),) * 7, _no_day)

    def add(self, start: datetime, seconds: int) -> datetime:
        if not 0 <= seconds <= HORIZON.days * _DAY_SECONDS:
            _refuse_negative(seconds)
            raise self._too_far(seconds, "after", start)
        return _utc(start) + timedelta(0, seconds)

    def subtract(self, end: datetime, seconds: int) -> datetime:
        if not 0 <= seconds <= HORIZON.days * _DAY_SECONDS:
            _refuse_negative(seconds)
            raise self._too_far(seconds, "before", end)
        return _utc(end) - timedelta(0, seconds)

    def between(self, start: datetime, end: datetime) -> int:
        passed = _utc(end) - _utc(start)
        if passed.days < 0:
            return -self.between(end, start)
        return passed.days * _DAY_SECONDS + passed.seconds

    def is_working(self, at: datetime) -> bool:
        return True

    def next_opening(self, at: datetime) -> datetime:
        return _utc(at)


def _refuse_negative(seconds: int) -> None:
    if seconds < 0:
        raise ValueError(f"{seconds} s: working time is not negative")


def _utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone")
    return at.astimezone(UTC)


def _split(at: datetime) -> tuple[int, int]:
    """An instant as the ordinal of its UTC day and the microsecond of that day."""
    at = _utc(at)
    return at.toordinal(), ((at.hour * 60 + at.minute) * 60 + at.second) * _SECOND + at.microsecond


def _join(ordinal: int, moment: int) -> datetime:
    return _EPOCH + timedelta(ordinal - _EPOCH_ORDINAL, 0, moment)


def _spans(where: str, texts: tuple[str, ...]) -> tuple[Stretch, ...]:
    """The working hours of one day in seconds since midnight, ascending. Raises ValueError naming the bad span."""
    spans = sorted((*_span(where, text), text) for text in texts)
    for (_, closes, text), (opens, _, following) in pairwise(spans):
        if opens < closes:
            raise ValueError(f"{where}: {text!r} and {following!r} overlap")
    return tuple((opens, closes) for opens, closes, _ in spans)


def _span(where: str, text: str) -> Stretch:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{where}: {text!r} is not a span of time; write 09:00-18:00")
    hours, minutes, to_hours, to_minutes = map(int, match.groups())
    opens, closes = hours * 60 + minutes, to_hours * 60 + to_minutes
    if minutes > 59 or to_minutes > 59 or hours > 23 or closes > 24 * 60:
        raise ValueError(f"{where}: {text!r} has a time that is not between 00:00 and 24:00")
    if closes <= opens:
        raise ValueError(
            f"{where}: {text!r} does not end after it begins; a night is two spans, up to 24:00 and from 00:00 on"
        )
    return opens * 60, closes * 60


def _no_day(day: date) -> bool:
    return False


def _days_off(where: str, settings: HolidaySettings) -> Callable[[date], bool]:
    """Whether a date is off. Raises ValueError for a country or subdivision that the ``holidays`` library lacks."""
    public: Callable[[date], bool] = _no_day
    if settings.country is not None:
        public = _public_holidays(where, settings.country.upper(), settings.subdivision)
    elif settings.subdivision is not None:
        raise ValueError(f"{where}: a subdivision needs its country")
    if public is _no_day and not settings.add:
        return _no_day
    added, removed = frozenset(settings.add), frozenset(settings.remove)
    return lambda day: day in added or (day not in removed and public(day))


def _public_holidays(where: str, country: str, subdivision: str | None) -> Callable[[date], bool]:
    import holidays  # a tenth of a second, which only those pay who have holidays

    try:
        known = holidays.country_holidays(country, subdiv=subdivision)
    except NotImplementedError as error:
        place = country if subdivision is None else f"{country}, {subdivision}"
        raise ValueError(f"{where}: the holidays of {place} are not known; write codes like DE and BY") from error
    return known.__contains__  # it works out a year when it is first asked about it, and keeps it


ALWAYS: Calendar = _RoundTheClock()
