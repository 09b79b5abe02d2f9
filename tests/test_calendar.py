"""Working calendars, against a slow oracle that looks at the wall clock of every minute."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config.settings import CalendarSettings
from core.rules.calendar import ALWAYS, HORIZON, Calendar, TooFar

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE: dict[str, Any] = dict.fromkeys(DAYS[:5], ("09:00-12:00", "13:00-18:00"))
# For each zone the days around a change to and from summer time (Seoul has none).
ZONES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Asia/Seoul": (date(2026, 6, 1), date(2026, 12, 31)),
}


def calendar(zone: str = "UTC", hours: dict[str, Any] | None = None, **holidays: Any) -> Calendar:
    shape = {"time_zone": zone, "hours": OFFICE if hours is None else hours, "holidays": holidays}
    return Calendar.from_settings("business", CalendarSettings.model_validate(shape))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str, fold: int = 0) -> datetime:
    """In UTC: Python never holds an ambiguous wall time equal to a time of another zone (PEP 495)."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


class Oracle:
    """Whether a minute is worked, read off the wall clock. Slow and obvious."""

    def __init__(self, zone: str, spans: dict[str, list[tuple[int, int]]], days_off: tuple[date, ...]) -> None:
        self.zone, self.spans, self.days_off = ZoneInfo(zone), spans, days_off

    def is_working(self, at: datetime) -> bool:
        wall = at.astimezone(self.zone)
        minute = wall.hour * 60 + wall.minute
        return wall.date() not in self.days_off and any(
            opens <= minute < closes for opens, closes in self.spans[DAYS[wall.weekday()]]
        )

    def between(self, start: datetime, end: datetime) -> int:
        minutes = (end - start) // timedelta(minutes=1)
        return 60 * sum(self.is_working(start + timedelta(minutes=n)) for n in range(minutes))


@st.composite
def spans_of_a_day(draw: st.DrawFn) -> list[tuple[int, int]]:
    edges = draw(st.lists(st.integers(0, 24 * 60), max_size=6, unique=True).filter(lambda found: len(found) % 2 == 0))
    return [(opens, closes) for opens, closes in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=True)]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Calendar, Oracle, datetime]:
    """A calendar, its oracle and an instant within two days of a change of the clocks."""
    zone = draw(st.sampled_from(sorted(ZONES)))
    spans = {day: draw(spans_of_a_day()) for day in DAYS}
    if not any(spans.values()):
        spans["mon"] = [(60, 180)]
    change = draw(st.sampled_from(ZONES[zone]))
    days_off = tuple(draw(st.lists(st.integers(-3, 3).map(lambda n: change + timedelta(n)), max_size=2)))
    hours = {day: tuple(f"{clock(opens)}-{clock(closes)}" for opens, closes in spans[day]) for day in DAYS}
    midnight = datetime(change.year, change.month, change.day, tzinfo=UTC)
    start = midnight + timedelta(minutes=draw(st.integers(-2 * 24 * 60, 2 * 24 * 60)))
    return calendar(zone, hours, add=days_off), Oracle(zone, spans, days_off), start


@given(worlds(), st.integers(0, 2 * 24 * 60))
@settings(max_examples=50, deadline=None)
def test_working_time_is_what_the_wall_clock_says(world: tuple[Calendar, Oracle, datetime], minutes: int) -> None:
    tested, oracle, start = world
    end = start + timedelta(minutes=minutes)
    assert tested.is_working(start) == oracle.is_working(start)
    assert tested.between(start, end) == oracle.between(start, end)
    assert tested.between(end, start) == -tested.between(start, end)


@given(worlds(), st.integers(1, 5 * 24 * 3600), st.integers(0, 999_999))
@settings(max_examples=60, deadline=None)
def test_add_gives_the_first_instant_with_so_much_working_time(
    world: tuple[Calendar, Oracle, datetime], seconds: int, microsecond: int
) -> None:
    tested, _, start = world
    start = start.replace(microsecond=microsecond)
    try:
        end = tested.add(start, seconds)
    except TooFar:
        assert tested.between(start, start + HORIZON) < seconds
        return
    assert tested.between(start, end) == seconds
    assert tested.between(start, end - timedelta(microseconds=1)) == seconds - 1


@given(worlds(), st.integers(1, 5 * 24 * 3600))
@settings(max_examples=60, deadline=None)
def test_subtract_gives_the_first_instant_with_no_more_left(
    world: tuple[Calendar, Oracle, datetime], seconds: int
) -> None:
    tested, _, end = world
    try:
        start = tested.subtract(end, seconds)
    except TooFar:
        assert tested.between(end - HORIZON, end) <= seconds
        return
    assert tested.between(start, end) == seconds
    assert tested.between(start - timedelta(seconds=1), end) == seconds + 1


@given(worlds(), st.integers(0, 9 * 3600), st.integers(0, 9 * 3600), st.integers(0, 9 * 24 * 3600))
@settings(max_examples=60, deadline=None)
def test_working_time_adds_up_and_never_runs_backwards(
    world: tuple[Calendar, Oracle, datetime], first: int, second: int, real: int
) -> None:
    tested, _, start = world
    assert tested.add(tested.add(start, first), second) == tested.add(start, first + second)
    assert start <= tested.add(start, first) <= tested.add(start, first + second)
    middle = start + timedelta(seconds=real)
    end = middle + timedelta(seconds=first)
    assert tested.between(start, middle) + tested.between(middle, end) == tested.between(start, end)
    assert 0 <= tested.between(start, middle) <= real
    assert tested.add(start, first) <= tested.add(middle, first)


@given(worlds())
@settings(max_examples=50, deadline=None)
def test_the_next_opening_is_the_first_working_instant(world: tuple[Calendar, Oracle, datetime]) -> None:
    tested, oracle, at = world
    opening = tested.next_opening(at)
    assert oracle.is_working(opening)
    assert tested.between(at, opening) == 0
    assert (opening == at) == oracle.is_working(at)


def test_a_night_shift_is_an_hour_shorter_when_clocks_go_forward_and_longer_when_they_go_back() -> None:
    night = calendar("Europe/Berlin", {"sun": ("00:00-06:00",)})
    assert (
        night.between(local("2026-03-29T00:00", "Europe/Berlin"), local("2026-03-29T12:00", "Europe/Berlin"))
        == 5 * 3600
    )
    assert (
        night.between(local("2026-10-25T00:00", "Europe/Berlin"), local("2026-10-25T12:00", "Europe/Berlin"))
        == 7 * 3600
    )
    assert night.add(local("2026-03-29T01:30", "Europe/Berlin"), 3600) == utc("2026-03-29T01:30")
    assert night.add(local("2026-10-25T02:30", "Europe/Berlin"), 3600) == local("2026-10-25T02:30", "Europe/Berlin", 1)


def test_hours_within_the_skipped_hour_do_not_exist_and_within_the_repeated_hour_exist_twice() -> None:
    early = calendar("Europe/Berlin", {"sun": ("02:15-02:45",)})
    day = timedelta(days=1)
    assert early.between(utc("2026-03-29T00:00"), utc("2026-03-29T00:00") + day) == 0
    assert early.between(utc("2026-10-25T00:00"), utc("2026-10-25T00:00") + day) == 2 * 30 * 60
    assert not early.is_working(local("2026-10-25T02:50", "Europe/Berlin"))
    assert early.is_working(local("2026-10-25T02:20", "Europe/Berlin", 1))


def test_opening_time_is_working_time_and_closing_time_is_not() -> None:
    whole = calendar(hours={"mon": ("09:00-12:00", "12:00-18:00")})
    monday = utc("2026-11-23T00:00")
    assert [whole.is_working(monday + timedelta(hours=hour)) for hour in (9, 12, 18)] == [True, True, False]
    assert whole.next_opening(monday + timedelta(hours=18)) == monday + timedelta(days=7, hours=9)


def test_lunch_nights_and_weekends_do_not_count() -> None:
    office = calendar()
    assert office.add(utc("2026-11-27T11:30"), 3600) == utc("2026-11-27T13:30")
    assert office.add(utc("2026-11-27T17:30"), 3600) == utc("2026-11-30T09:30")
    assert office.add(utc("2026-11-28T03:00"), 60) == utc("2026-11-30T09:01")
    assert office.between(utc("2026-11-27T09:00"), utc("2026-12-04T09:00")) == 5 * 8 * 3600


def test_a_promise_that_ends_with_the_working_day_ends_at_closing_time() -> None:
    office = calendar()
    assert office.add(utc("2026-11-27T17:00"), 3600) == utc("2026-11-27T18:00")
    assert office.subtract(utc("2026-11-30T09:30"), 1800) == utc("2026-11-27T18:00")
    assert office.add(utc("2026-11-28T03:00"), 0) == utc("2026-11-28T03:00")


def test_a_day_may_end_at_24_and_go_on_at_0() -> None:
    night = calendar("Asia/Seoul", {"fri": ("22:00-24:00",), "sat": ("00:00-02:00",)})
    start = local("2026-11-27T21:00", "Asia/Seoul")
    assert night.between(start, start + timedelta(days=1)) == 4 * 3600
    assert night.add(start, 2 * 3600 + 60) == local("2026-11-28T00:01", "Asia/Seoul")


def test_public_holidays_are_off_even_lunar_and_substitute_ones() -> None:
    # Seollal 2027 is 7 February, a Sunday: 6 to 8 February, and 9 February instead of the Sunday.
    seoul = calendar("Asia/Seoul", country="KR")
    assert seoul.add(local("2027-02-05T17:00", "Asia/Seoul"), 2 * 3600) == local("2027-02-10T10:00", "Asia/Seoul")


def test_a_holiday_of_a_subdivision_is_off_there_alone() -> None:
    epiphany = local("2026-01-06T10:00", "Europe/Berlin")
    assert not calendar("Europe/Berlin", country="DE", subdivision="BY").is_working(epiphany)
    assert calendar("Europe/Berlin", country="de", subdivision="BE").is_working(epiphany)


def test_days_off_can_be_added_and_holidays_removed() -> None:
    changed = calendar(country="US", add=(date(2026, 11, 27),), remove=(date(2026, 11, 26),))
    assert changed.is_working(utc("2026-11-26T10:00"))
    assert not changed.is_working(utc("2026-11-27T10:00"))
    assert not calendar(add=(date(2026, 11, 27),)).is_working(utc("2026-11-27T10:00"))


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        (("9-18",), "calendars.business.hours.mon: '9-18' is not a span of time; write 09:00-18:00"),
        (("",), "calendars.business.hours.mon: '' is not a span of time; write 09:00-18:00"),
        (
            ("09:00-24:30",),
            "calendars.business.hours.mon: '09:00-24:30' has a time that is not between 00:00 and 24:00",
        ),
        (
            ("09:60-12:00",),
            "calendars.business.hours.mon: '09:60-12:00' has a time that is not between 00:00 and 24:00",
        ),
        (
            ("22:00-06:00",),
            "calendars.business.hours.mon: '22:00-06:00' does not end after it begins; "
            "a night is two spans, up to 24:00 and from 00:00 on",
        ),
        (
            ("13:00-18:00", "09:00-13:30"),
            "calendars.business.hours.mon: '09:00-13:30' and '13:00-18:00' overlap",
        ),
    ],
)
def test_a_bad_span_is_refused_with_its_place(spans: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is compared
        calendar(hours={"mon": spans})
    assert str(refused.value) == message


@pytest.mark.parametrize("hours", [{}, {"mon": ()}])
def test_a_calendar_without_working_time_is_refused(hours: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^calendars\.business\.hours: no working time at all$"):
        calendar(hours=hours)


def test_unknown_holidays_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^calendars\.business\.holidays: the holidays of XX are not known"):
        calendar(country="XX")
    with pytest.raises(ValueError, match=r"^calendars\.business\.holidays: the holidays of DE, ZZ are not known"):
        calendar(country="DE", subdivision="ZZ")
    with pytest.raises(ValueError, match=r"^calendars\.business\.holidays: a subdivision needs its country$"):
        calendar(subdivision="BY")


@pytest.mark.parametrize("tested", [calendar(), ALWAYS], ids=["office", "always"])
def test_what_is_further_than_five_years_away_is_refused(tested: Calendar) -> None:
    now = utc("2026-11-23T10:00")
    reachable = tested.between(now, now + timedelta(days=1826))
    assert tested.add(now, reachable) <= now + timedelta(days=1826)
    for far in (tested.add, tested.subtract):
        with pytest.raises(TooFar, match="more than five years away"):
            far(now, reachable + 3 * 24 * 3600)
        with pytest.raises(ValueError, match=r"^-1 s: working time is not negative$"):
            far(now, -1)


def test_a_calendar_with_every_day_off_never_opens() -> None:
    closed = calendar(
        hours={"mon": ("09:00-10:00",)}, add=tuple(date(2026, 1, 5) + timedelta(7 * n) for n in range(600))
    )
    with pytest.raises(TooFar):
        closed.next_opening(utc("2026-11-23T09:30"))


@given(st.integers(0, 10**8), st.integers(0, 999_999))
@settings(deadline=None)
def test_round_the_clock_every_second_counts(seconds: int, microsecond: int) -> None:
    now = utc("2026-11-23T10:00").replace(microsecond=microsecond)
    later = now + timedelta(seconds=seconds)
    assert ALWAYS.add(now, seconds) == later
    assert ALWAYS.subtract(later, seconds) == now
    assert (ALWAYS.between(now, later), ALWAYS.between(later, now)) == (seconds, -seconds)
    assert ALWAYS.is_working(now)
    assert ALWAYS.next_opening(now) == now


def test_round_the_clock_is_real_time_in_any_zone() -> None:
    before = datetime(2026, 3, 29, 1, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    after = datetime(2026, 3, 29, 3, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert ALWAYS.add(before, 3600) == after
    assert ALWAYS.between(before, after) == 3600


@pytest.mark.parametrize("tested", [calendar(), ALWAYS], ids=["office", "always"])
def test_an_instant_without_a_zone_is_refused(tested: Calendar) -> None:
    with pytest.raises(ValueError, match=r"^2026-11-23T10:00:00 has no time zone$"):
        tested.add(datetime(2026, 11, 23, 10), 60)


def test_results_are_utc_whatever_zone_was_asked_in() -> None:
    for tested in (calendar("Asia/Seoul"), ALWAYS):
        asked = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Asia/Seoul"))
        answers = (tested.add(asked, 0), tested.add(asked, 60), tested.subtract(asked, 60), tested.next_opening(asked))
        assert [answer.tzinfo for answer in answers] == [UTC] * 4


def test_a_span_of_decades_is_summed_though_not_all_of_its_days_are_kept() -> None:
    mondays = calendar(hours={"mon": ("09:00-10:00",)})
    years = [utc(f"{year}-01-01") for year in range(2000, 2031, 10)]
    assert sum(mondays.between(*decade) for decade in pairwise(years)) == mondays.between(years[0], years[-1])
    assert mondays.between(years[0], years[-1]) == 1566 * 3600


def test_the_holidays_library_is_loaded_only_for_a_country() -> None:
    program = (
        "import sys; from core.config.settings import CalendarSettings; from core.rules.calendar import Calendar;"
        "make = lambda **holidays: Calendar.from_settings('x', CalendarSettings.model_validate("
        "{'hours': {'mon': ['09:00-18:00']}, 'holidays': holidays}));"
        "make(); assert 'holidays' not in sys.modules; make(country='DE'); assert 'holidays' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
