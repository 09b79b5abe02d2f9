"""On-call schedules: somebody is on call at every instant after the first turn, and turns change at one time of day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config.check import check
from core.config.schedules import ScheduleSettings
from core.config.settings import Settings
from core.model import Event, PersonRef, Ticket
from core.rules.audience import destinations
from core.rules.oncall import next_hand_over, on_call
from tests.conftest import NOON

ZONES = ("UTC", "Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo")
PEOPLE = [{"id": name, "name": name.title()} for name in ("kim", "lee", "ana")]


def schedule(**changes: Any) -> ScheduleSettings:
    rotation = {"people": ["kim", "lee"], "start": "2026-01-05", **changes.pop("rotation", {})}
    return ScheduleSettings.model_validate({"rotation": rotation, **changes})


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def test_people_take_turns_of_a_week_from_the_first_day_at_the_hand_over() -> None:
    week = schedule(time_zone="Asia/Seoul")
    seoul = [on_call(week, at(text, "Asia/Seoul")) for text in (
        "2026-01-05T08:59", "2026-01-05T09:00", "2026-01-12T08:59:59", "2026-01-12T09:00", "2026-01-19T09:00",
    )]  # fmt: skip
    assert seoul == [None, "kim", "kim", "lee", "kim"]
    assert next_hand_over(week, at("2026-01-05T12:00", "Asia/Seoul")) == (at("2026-01-12T00:00"), "lee")


def test_an_override_holds_up_to_its_end_and_the_later_one_in_the_list_counts() -> None:
    stood_in = schedule(
        rotation={"every": "day"},
        overrides=[
            {"person": "ana", "from": "2026-01-05T12:00", "until": "2026-01-08T12:00"},
            {"person": "lee", "from": "2026-01-06T00:00", "until": "2026-01-06T01:00"},
        ],
    )
    found = [on_call(stood_in, at(text)) for text in (
        "2026-01-05T11:59", "2026-01-05T12:00", "2026-01-06T00:30", "2026-01-06T01:00", "2026-01-08T12:00",
    )]  # fmt: skip
    assert found == ["kim", "ana", "lee", "ana", "lee"]
    assert next_hand_over(stood_in, at("2026-01-06T02:00")) == (at("2026-01-08T12:00"), "lee")


def test_an_override_may_name_its_own_offset() -> None:
    away = schedule(overrides=[{"person": "ana", "from": "2026-01-06T09:00+09:00", "until": "2026-01-06T10:00+09:00"}])
    assert [on_call(away, at(f"2026-01-06T0{hour}:30")) for hour in (0, 1)] == ["ana", "kim"]


def test_a_hand_over_that_the_clocks_skip_is_when_they_were_put_forward() -> None:
    """In Berlin 02:30 does not exist on 2026-03-29: at 02:00 it is 03:00."""
    night = schedule(time_zone="Europe/Berlin", rotation={"every": "day", "hand_over": "02:30", "start": "2026-03-28"})
    assert next_hand_over(night, at("2026-03-28T12:00")) == (at("2026-03-29T01:30"), "lee")
    assert next_hand_over(night, at("2026-03-29T01:30")) == (at("2026-03-30T00:30"), "kim")


def test_a_hand_over_that_happens_twice_counts_the_first_time() -> None:
    night = schedule(time_zone="Europe/Berlin", rotation={"every": "day", "hand_over": "02:30", "start": "2026-10-24"})
    assert next_hand_over(night, at("2026-10-24T12:00")) == (at("2026-10-25T00:30"), "lee")
    assert on_call(night, at("2026-10-25T01:30")) == "lee"


def test_one_person_alone_never_hands_over() -> None:
    assert next_hand_over(schedule(rotation={"people": ["kim"]}), NOON) is None


@st.composite
def schedules(draw: st.DrawFn) -> ScheduleSettings:
    zone = draw(st.sampled_from(ZONES))
    start = draw(st.dates(date(2025, 1, 1), date(2027, 1, 1)))
    moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31))
    overrides = [
        {"person": draw(st.sampled_from(("kim", "lee", "ana"))), "from": begins, "until": begins + length}
        for begins, length in draw(
            st.lists(st.tuples(moments, st.timedeltas(timedelta(minutes=1), timedelta(days=40))), max_size=3)
        )
    ]
    rotation = {
        "people": draw(st.lists(st.sampled_from(("kim", "lee", "ana")), min_size=1, max_size=4)),
        "every": draw(st.sampled_from(("day", "week"))),
        "hand_over": f"{draw(st.integers(0, 23)):02}:{draw(st.integers(0, 59)):02}",
        "start": start,
    }
    return ScheduleSettings.model_validate({"time_zone": zone, "rotation": rotation, "overrides": overrides})


INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@settings(max_examples=150, deadline=None)
@given(schedules(), INSTANTS)
def test_until_the_next_hand_over_nothing_changes_and_then_it_does(made: ScheduleSettings, now: datetime) -> None:
    current, following = on_call(made, now), next_hand_over(made, now)
    if following is None:
        assert on_call(made, now + timedelta(days=60)) == current
        return
    until, person = following
    assert until > now
    assert person == on_call(made, until) != current
    for share in (0.1, 0.5, 0.9):
        assert on_call(made, now + (until - now) * share) == current
    assert on_call(made, until - timedelta(microseconds=1)) == current


@settings(max_examples=150, deadline=None)
@given(schedules(), INSTANTS)
def test_without_overrides_a_turn_belongs_to_the_day_on_which_it_began(made: ScheduleSettings, now: datetime) -> None:
    """Counted in days on the wall, whatever the clocks did meanwhile."""
    rotation, zone = made.rotation, ZoneInfo(made.time_zone)
    hand_over, day = time.fromisoformat(rotation.hand_over), now.astimezone(zone).date()
    if datetime.combine(day, hand_over, zone).astimezone(UTC) > now:
        day -= timedelta(days=1)
    turn = (day - rotation.start).days // (7 if rotation.every == "week" else 1)
    expected = rotation.people[turn % len(rotation.people)] if turn >= 0 else None
    assert on_call(made.model_copy(update={"overrides": ()}), now) == expected


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rotation": {"people": ["kin"]}}, "no person is called kin"),
        ({"overrides": [{"person": "lea", "from": "2026-01-05T12:00", "until": "2026-01-06T12:00"}]}, "called lea"),
        ({"overrides": [{"person": "ana", "from": "2026-01-05T12:00", "until": "2026-01-05T12:00"}]}, "not after from"),
    ],
)
def test_a_schedule_names_people_whom_there_are_and_overrides_that_last(wrong: dict[str, Any], said: str) -> None:
    made = Settings.model_validate({"people": PEOPLE, "schedules": {"day": schedule(**wrong)}})
    found = [problem for problem in check(made) if problem.level == "error"]
    assert len(found) == 1
    assert said in found[0].message


def test_teams_and_audiences_name_schedules_that_there_are() -> None:
    rule = {"name": "page", "on": ["ticket.created"], "to": ["oncall:nights"]}
    teams = {"ops": {"name": "Ops", "on_call": "nihgts"}}
    made = {"people": PEOPLE, "schedules": {"nights": schedule()}, "teams": teams, "notifications": [rule]}
    found = [(problem.key, problem.message, problem.hint) for problem in check(Settings.model_validate(made))]
    assert found == [("teams.ops.on_call", "no schedule is called nihgts", "did you mean nights?")]


@pytest.mark.parametrize(("to", "warned"), [(["person:kim"], True), (["expert"], False), (["called"], False)])
def test_experts_whom_no_rule_tells_are_reported(to: list[str], warned: bool) -> None:
    made = {
        "people": PEOPLE,
        "systems": [{"name": "db", "experts": ["kim"]}],
        "audiences": {"called": ["them"], "them": ["expert", "called"]},
        "notifications": [{"name": "call", "on": ["ticket.expert_called"], "to": to}],
    }
    found = [
        problem for problem in check(Settings.model_validate(made)) if "no rule tells an expert" in problem.message
    ]
    assert [problem.level for problem in found] == (["warning"] if warned else [])


def test_an_audience_of_a_schedule_is_whoever_was_on_call_when_it_happened() -> None:
    made = Settings.model_validate({"people": PEOPLE, "schedules": {"nights": schedule()}})
    ticket = Ticket(1, "Down", NOON, NOON)
    for moment, person in ((at("2026-01-05T10:00"), "kim"), (at("2026-01-12T10:00"), "lee")):
        event = Event("ticket.created", 1, moment, PersonRef("ana", "Ana"), "slack")
        found = destinations(["oncall:nights", "oncall:gone"], ticket, event, made)
        assert [destination.person_id for destination in found] == [person]
