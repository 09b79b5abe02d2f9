"""The promises of a ticket: how their clock stands and when somebody is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.config.settings import CalendarSettings, SlaSettings
from core.model import DESKBELL, Category, Customer, Event, PersonRef, Priority, Sla, SlaClock, Status, Ticket, Tier
from core.rules.calendar import ALWAYS, Calendar
from core.rules.sla import SlaPolicy

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
KIM = PersonRef("kim", "Kim")
HOUR = 3600

_OFFICE = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00-12:00", "13:00-18:00"))
CALENDARS = {
    "business": Calendar.from_settings("business", CalendarSettings.model_validate({"hours": _OFFICE})),
    "berlin": Calendar.from_settings(
        "berlin", CalendarSettings.model_validate({"time_zone": "Europe/Berlin", "hours": {"sun": ("00:00-24:00",)}})
    ),
}


def policy(*targets: dict[str, Any], **options: Any) -> SlaPolicy:
    """The default promises, or those given."""
    return SlaPolicy(SlaSettings.model_validate({**({"targets": targets} if targets else {}), **options}), CALENDARS)


def after(**duration: float) -> datetime:
    return NOON + timedelta(**duration)


def ticket(now: datetime = NOON, **fields: Any) -> Ticket:
    return Ticket(id=42, title="disk full", created_at=now, updated_at=now, **fields)


class Desk:
    """One ticket as people work on it: the clock's wake-ups are obeyed, to the second, before each move."""

    def __init__(self, policy: SlaPolicy, now: datetime = NOON, **fields: Any) -> None:
        self.policy = policy
        self.now = now
        self.ticket = policy.start(ticket(now, **fields), now)
        self.told: list[Event] = []

    def wait_until(self, now: datetime) -> None:
        while self.ticket.wake_at is not None and self.ticket.wake_at <= now:
            self.now = max(self.now, self.ticket.wake_at)
            self.ticket, events = self.policy.due(self.ticket, self.now)
            assert events, "woken for nothing"
            self.told += events
        self.now = now

    def move(self, now: datetime, responded: bool = False, **fields: Any) -> Ticket:
        self.wait_until(now)
        self.ticket = self.policy.follow(self.ticket, replace(self.ticket, **fields), now, responded=responded)
        return self.ticket

    @property
    def names(self) -> list[str]:
        return [event.data.get("point") or f"{event.data['promise']} breached" for event in self.told]


# The table of promises


def test_the_first_row_that_fits_counts() -> None:
    table = policy(
        {"tier": "vip", "category": "outage", "resolution": "1h"},
        {"tier": "vip", "resolution": "2h"},
        {"priority": "high", "tier": "standard", "resolution": "3h"},
        {"priority": "low", "resolution": "4h"},
    )

    def promised(priority: Priority, category: Category, tier: Tier | None) -> int | None:
        row = table.target(priority, category, tier)
        return None if row is None else row.resolution

    assert promised(Priority.HIGH, Category.OUTAGE, Tier.VIP) == 1 * HOUR
    assert promised(Priority.HIGH, Category.BUG, Tier.VIP) == 2 * HOUR
    assert promised(Priority.HIGH, Category.OUTAGE, Tier.STANDARD) == 3 * HOUR
    assert promised(Priority.HIGH, Category.OUTAGE, None) == 3 * HOUR  # without a customer: standard
    assert promised(Priority.LOW, Category.OUTAGE, Tier.GOLD) == 4 * HOUR
    assert promised(Priority.MEDIUM, Category.OUTAGE, Tier.GOLD) is None


def test_a_new_ticket_gets_its_targets_and_due_times() -> None:
    started = policy().start(
        ticket(priority=Priority.CRITICAL, customer=Customer("ACME", Tier.VIP)), after(microseconds=9)
    )
    assert started.sla == Sla(
        calendar="always",
        first_response_target=600,
        resolution_target=2 * HOUR,
        started_at=NOON,
        first_response_due=after(minutes=10),
        resolution_due=after(hours=2),
    )
    assert started.wake_at == after(seconds=600 - 149)


def test_a_promise_of_business_hours_is_due_in_business_hours() -> None:
    started = policy().start(ticket(priority=Priority.MEDIUM), NOON)
    assert started.sla.resolution_due == datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert policy().facts(started, after(hours=20)).remaining == 19 * HOUR


def test_without_a_row_nothing_is_promised_and_nobody_woken() -> None:
    table = policy({"priority": "critical", "resolution": "1h"})
    started = table.start(ticket(), NOON)
    facts = table.facts(started, after(days=900))
    assert (started.wake_at, facts.state, facts.remaining, facts.breach_risk) == (None, SlaClock.RUNNING, None, 0.0)
    assert table.due(started, after(days=900)) == (started, [])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"resolution": "1h", "calendar": "moon"},
            "sla.targets[1].calendar: no calendar 'moon'; there are: always, berlin, business",
        ),
        (
            {"first_response": 0},
            "sla.targets[1].first_response: a promise needs some time; leave it out to promise nothing",
        ),
        (
            {"resolution": "3000d"},
            "sla.targets[1].resolution: calendars.always: 259200000 s of working time after 2026-01-01 "
            "are more than five years away",
        ),
    ],
)
def test_a_target_that_makes_no_sense_is_refused_with_its_row(row: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is compared
        policy({"resolution": "1h"}, row)
    assert str(refused.value) == message


def test_the_name_always_cannot_mean_other_hours() -> None:
    with pytest.raises(ValueError, match=r"^calendars\.always: this name is taken"):
        SlaPolicy(SlaSettings.model_validate({}), {"always": CALENDARS["business"]})


# The clock


def test_nothing_changes_when_nothing_changed() -> None:
    desk = Desk(policy(), priority=Priority.HIGH)
    renamed = replace(desk.ticket, title="disk full again")
    assert desk.policy.follow(desk.ticket, renamed, after(minutes=5), responded=False) is renamed
    desk.move(after(minutes=6), responded=True, status=Status.ASSIGNED, assignee=KIM)
    noted = replace(desk.ticket, description="more")
    assert desk.policy.follow(desk.ticket, noted, after(minutes=7), responded=True) is noted


def test_a_ticket_that_was_never_promised_anything_is_left_alone() -> None:
    old = ticket(status=Status.RESOLVED)
    assert policy().follow(old, replace(old, status=Status.NEW), NOON, responded=True).sla == Sla()
    assert policy().facts(old, NOON).state is SlaClock.MET


def test_waiting_stops_the_clock_and_nobody_is_woken_meanwhile() -> None:
    desk = Desk(policy({"resolution": "8h"}))
    waiting = desk.move(after(hours=2), status=Status.WAITING)
    assert (waiting.sla.paused_at, waiting.sla.resolution_left) == (after(hours=2), 6 * HOUR)
    assert (waiting.sla.resolution_due, waiting.wake_at) == (None, None)
    facts = desk.policy.facts(waiting, after(days=30))
    assert (facts.state, facts.remaining) == (SlaClock.PAUSED, 6 * HOUR)
    resumed = desk.move(after(hours=50), status=Status.IN_PROGRESS)
    assert (resumed.sla.paused_at, resumed.sla.resolution_left) == (None, None)
    assert resumed.sla.resolution_due == after(hours=56)


def test_waiting_over_a_weekend_of_business_hours_gives_back_working_time_only() -> None:
    friday = datetime(2026, 11, 27, 16, tzinfo=UTC)
    desk = Desk(policy({"resolution": "4h", "calendar": "business"}), friday)
    desk.move(datetime(2026, 11, 27, 17, tzinfo=UTC), status=Status.WAITING)
    resumed = desk.move(datetime(2026, 11, 29, 3, tzinfo=UTC), status=Status.IN_PROGRESS)
    assert resumed.sla.resolution_due == datetime(2026, 11, 30, 12, tzinfo=UTC)


@given(
    st.sampled_from(["always", "business", "berlin"]),
    st.integers(0, 7 * 24 * HOUR),
    st.lists(st.tuples(st.integers(0, 20 * HOUR), st.integers(0, 90 * HOUR)), max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_pauses_never_change_the_working_time_allowed(name: str, begin: int, cycles: list[tuple[int, int]]) -> None:
    """October's change of the clocks in Berlin included; moves come at any fraction of a second."""
    start = datetime(2026, 10, 19, tzinfo=UTC) + timedelta(seconds=begin)
    calendar = {**CALENDARS, "always": ALWAYS}[name]
    desk = Desk(policy({"resolution": "100h", "calendar": name}), start)
    now, consumed = start, 0
    for worked, waited in cycles:
        consumed += calendar.between(now, now + timedelta(seconds=worked))
        now += timedelta(seconds=worked)
        desk.move(now + timedelta(milliseconds=worked % 1000), status=Status.WAITING)
        now += timedelta(seconds=waited + 1)
        desk.move(now + timedelta(milliseconds=waited % 1000), status=Status.IN_PROGRESS)
    due = desk.ticket.sla.resolution_due
    assert due is not None
    assert consumed + calendar.between(now, due) == 100 * HOUR


def test_time_while_resolved_does_not_count_when_it_is_reopened() -> None:
    desk = Desk(policy({"resolution": "8h"}))
    resolved = desk.move(after(hours=3), status=Status.RESOLVED)
    assert (resolved.sla.resolved_at, resolved.wake_at) == (after(hours=3), None)
    assert desk.policy.facts(resolved, after(days=3)).remaining == 5 * HOUR
    reopened = desk.move(after(days=3), status=Status.NEW)
    assert (reopened.sla.resolved_at, reopened.sla.resolution_due) == (None, after(days=3, hours=5))


def test_resolved_while_waiting_goes_on_with_what_was_left() -> None:
    desk = Desk(policy({"resolution": "8h"}))
    desk.move(after(hours=3), status=Status.WAITING)
    resolved = desk.move(after(hours=30), status=Status.RESOLVED)
    assert desk.policy.facts(resolved, after(days=9)).state is SlaClock.MET
    reopened = desk.move(after(days=3), status=Status.NEW)
    assert reopened.sla.resolution_due == after(days=3, hours=5)
    assert (reopened.sla.paused_at, reopened.sla.resolution_left) == (None, None)


def test_closing_what_was_resolved_changes_nothing() -> None:
    desk = Desk(policy({"resolution": "8h"}))
    desk.move(after(hours=3), status=Status.RESOLVED)
    closed = desk.move(after(hours=9), status=Status.CLOSED)
    assert closed.sla.resolved_at == after(hours=3)
    assert desk.policy.facts(closed, after(hours=9)).state is SlaClock.MET


@pytest.mark.parametrize(("second", "state"), [(8 * HOUR - 1, SlaClock.MET), (8 * HOUR, SlaClock.BREACHED)])
def test_resolved_before_the_due_time_is_met_and_at_it_breached(second: int, state: SlaClock) -> None:
    desk = Desk(policy({"resolution": "8h"}))
    desk.move(after(seconds=second), status=Status.RESOLVED)
    assert desk.policy.facts(desk.ticket, after(days=2)).state is state


@pytest.mark.parametrize(("second", "state"), [(8 * HOUR - 1, SlaClock.PAUSED), (8 * HOUR, SlaClock.BREACHED)])
def test_waiting_from_the_due_time_on_is_breached_and_before_it_paused(second: int, state: SlaClock) -> None:
    desk = Desk(policy({"resolution": "8h"}))
    desk.move(after(seconds=second), status=Status.WAITING)
    assert desk.policy.facts(desk.ticket, after(days=2)).state is state


def test_an_overdue_ticket_that_waits_stays_breached_and_as_late_as_it_was() -> None:
    desk = Desk(policy({"resolution": "8h"}))
    waiting = desk.move(after(hours=9), status=Status.WAITING)
    facts = desk.policy.facts(waiting, after(days=3))
    assert (facts.state, facts.remaining, facts.breach_risk) == (SlaClock.BREACHED, -HOUR, 1.0)
    resumed = desk.move(after(days=3), status=Status.IN_PROGRESS)
    assert desk.policy.facts(resumed, after(days=3)).remaining == -HOUR
    desk.wait_until(after(days=9))
    assert desk.names.count("resolution breached") == 1


def test_a_ticket_outlives_the_calendar_of_its_promise() -> None:
    started = policy({"resolution": "8h", "calendar": "business"}).start(ticket(), NOON)
    later = SlaPolicy(SlaSettings.model_validate({"targets": ()}), {})
    assert later.facts(started, NOON).remaining == 24 * HOUR
    assert later.wake_at(started, NOON) is not None


@pytest.mark.parametrize("hours", [4, 9])
def test_a_calendar_that_hardly_opens_any_more_does_not_stop_the_work(hours: int) -> None:
    started = policy({"resolution": "8h", "calendar": "business"}).start(ticket(), NOON)
    days_off = [str((NOON + timedelta(days=7 * week)).date()) for week in range(-300, 300)]
    closed = CalendarSettings.model_validate({"hours": {"mon": ("09:00-10:00",)}, "holidays": {"add": days_off}})
    later = SlaPolicy(
        SlaSettings.model_validate({"targets": ()}), {"business": Calendar.from_settings("business", closed)}
    )
    left = replace(started.sla, paused_at=NOON, resolution_due=None, resolution_left=(8 - hours) * HOUR)
    waiting = replace(started, status=Status.WAITING, sla=left)
    resumed = later.follow(waiting, replace(waiting, status=Status.IN_PROGRESS), after(days=1), responded=True)
    years = timedelta(days=1827)
    assert resumed.sla.resolution_due == (after(days=1) + years if hours < 8 else after(days=1) - years)
    assert resumed.wake_at is not None


# The first response


def test_whoever_takes_it_answers_it_once() -> None:
    desk = Desk(policy({"first_response": "1h"}))
    taken = desk.move(after(minutes=10, microseconds=5), responded=True, status=Status.ASSIGNED, assignee=KIM)
    assert (taken.sla.first_response_at, taken.wake_at) == (after(minutes=10), None)
    assert desk.move(after(minutes=20), responded=True).sla.first_response_at == after(minutes=10)


def test_resolving_answers_it_too() -> None:
    desk = Desk(policy({"first_response": "1h"}))
    assert desk.move(after(minutes=10), status=Status.RESOLVED).sla.first_response_at == after(minutes=10)


def test_an_answer_while_it_waits_is_in_time() -> None:
    desk = Desk(policy({"first_response": "1h", "resolution": "8h"}))
    desk.move(after(minutes=30), status=Status.WAITING)
    desk.move(after(hours=20), responded=True)
    desk.move(after(hours=21), status=Status.IN_PROGRESS)
    desk.wait_until(after(hours=22))
    assert desk.names == []


def test_a_late_answer_is_told_even_when_the_clock_wakes_after_it() -> None:
    late = policy({"first_response": "1h"})
    started = late.start(ticket(), NOON)
    answered = late.follow(started, started, after(hours=2), responded=True)
    assert answered.wake_at == after(hours=1)
    told, events = late.due(answered, after(hours=3))
    assert [(event.kind, event.data) for event in events] == [
        ("ticket.sla_breached", {"promise": "first_response", "due": "2026-11-23T13:00:00Z", "late_seconds": HOUR})
    ]
    assert (told.sla.first_response_breached, told.wake_at) == (True, None)


# Another promise


def test_another_priority_counts_the_time_consumed_but_not_the_pauses() -> None:
    desk = Desk(policy(), priority=Priority.HIGH)
    desk.move(after(hours=1), status=Status.WAITING)
    desk.move(after(hours=11), responded=True, status=Status.IN_PROGRESS)
    raised = desk.move(after(hours=12), priority=Priority.CRITICAL)
    assert raised.sla.resolution_target == 4 * HOUR
    assert raised.sla.resolution_due == after(hours=14)


def test_another_customer_or_category_changes_the_promise_even_while_it_waits() -> None:
    desk = Desk(
        policy({"tier": "vip", "resolution": "3h"}, {"category": "bug", "resolution": "9h"}, {"resolution": "6h"})
    )
    desk.move(after(hours=1), status=Status.WAITING)
    waiting = desk.move(after(hours=5), customer=Customer("ACME", Tier.VIP))
    assert (waiting.sla.resolution_left, waiting.sla.paused_at) == (2 * HOUR, after(hours=1))
    waiting = desk.move(after(hours=6), customer=None, category=Category.BUG)
    assert waiting.sla.resolution_left == 8 * HOUR


def test_the_calendar_changes_with_the_target() -> None:
    desk = Desk(policy(), priority=Priority.CRITICAL)
    lowered = desk.move(after(hours=1), responded=True, priority=Priority.MEDIUM)
    assert (lowered.sla.calendar, lowered.sla.resolution_due) == ("business", datetime(2026, 11, 26, 11, tzinfo=UTC))


def test_a_promise_made_later_counts_from_the_start_of_the_ticket() -> None:
    desk = Desk(policy({"priority": "high", "first_response": "1h", "resolution": "8h"}), priority=Priority.LOW)
    raised = desk.move(after(minutes=30), priority=Priority.HIGH)
    assert raised.sla.first_response_due == after(hours=1)
    assert raised.sla.resolution_due == after(hours=8)
    lowered = desk.move(after(minutes=40), priority=Priority.LOW)
    assert (lowered.sla.resolution_due, lowered.sla.resolution_target, lowered.wake_at) == (None, None, None)


def test_what_passed_before_anything_was_promised_is_what_the_clock_ran() -> None:
    table = policy({"priority": "high", "resolution": "8h"}, {"priority": "low", "first_response": "1h"})
    waiting = Desk(table, priority=Priority.MEDIUM)
    waiting.move(after(hours=1), status=Status.WAITING)
    assert waiting.move(after(hours=5), priority=Priority.HIGH).sla.resolution_left == 7 * HOUR
    answered = Desk(table, priority=Priority.LOW)
    answered.move(after(minutes=10), responded=True)
    assert answered.move(after(hours=2), priority=Priority.HIGH).sla.resolution_due == after(hours=8)


def test_another_first_response_is_no_other_promise_once_it_is_answered() -> None:
    table = policy(
        {"priority": "high", "first_response": "1h", "resolution": "8h"}, {"first_response": "2h", "resolution": "8h"}
    )
    desk = Desk(table, priority=Priority.HIGH)
    desk.move(after(hours=6, minutes=30), responded=True, status=Status.IN_PROGRESS)
    desk.move(after(hours=6, minutes=40), priority=Priority.LOW)
    desk.wait_until(after(hours=9))
    assert desk.names.count("risk") == 1


def test_a_raised_priority_whose_time_is_over_is_a_breach_at_once() -> None:
    desk = Desk(policy(), priority=Priority.LOW)
    desk.move(after(hours=5), responded=True, priority=Priority.CRITICAL)
    desk.wait_until(after(hours=5))
    assert desk.names == ["resolution breached"]


def test_a_wider_promise_warns_again_and_a_narrower_one_does_not_repeat() -> None:
    table = policy({"priority": "high", "resolution": "4h"}, {"priority": "low", "resolution": "40h"})
    desk = Desk(table, priority=Priority.HIGH, status=Status.IN_PROGRESS, assignee=KIM)
    desk.move(after(minutes=225), priority=Priority.LOW)
    assert desk.names == ["before:1800", "risk"]
    assert desk.ticket.sla.warned == ()
    desk.move(after(hours=39), priority=Priority.LOW)
    assert desk.names == ["before:1800", "risk", "risk"]
    desk.move(after(hours=39), priority=Priority.HIGH)
    desk.wait_until(after(hours=60))
    assert desk.names == ["before:1800", "risk", "risk", "resolution breached"]


def test_reopening_looks_the_promise_up_anew() -> None:
    desk = Desk(policy(), priority=Priority.HIGH)
    desk.move(after(hours=1), status=Status.RESOLVED)
    kept = desk.move(after(hours=2), priority=Priority.CRITICAL)
    assert kept.sla.resolution_target == 8 * HOUR
    reopened = desk.move(after(hours=3), status=Status.NEW)
    assert (reopened.sla.resolution_target, reopened.sla.resolution_due) == (4 * HOUR, after(hours=6))


# The risk


def test_the_risk_is_higher_the_less_somebody_is_at_it() -> None:
    table = policy({"resolution": "8h"})
    started = table.start(ticket(), NOON)
    statuses = (Status.NEW, Status.ASSIGNED, Status.IN_PROGRESS)
    risks = [table.breach_risk(replace(started, status=status), after(hours=4)) for status in statuses]
    assert risks == sorted(risks, reverse=True)
    assert risks == [pytest.approx(risk, abs=0.001) for risk in (0.607, 0.368, 0.223)]
    reopened = replace(started, assignee=KIM)
    assert table.breach_risk(reopened, after(hours=4)) == risks[1]


@given(
    st.integers(1, 40 * HOUR),
    st.sampled_from(["always", "business"]),
    st.sampled_from([Status.NEW, Status.ASSIGNED, Status.IN_PROGRESS]),
    st.lists(st.integers(0, 14 * 24 * HOUR), min_size=2),
)
@settings(max_examples=60, deadline=None)
def test_the_risk_grows_with_working_time_to_certainty(
    target: int, calendar: str, status: Status, seconds: list[int]
) -> None:
    table = policy({"resolution": target, "calendar": calendar})
    started = table.start(ticket(status=status), NOON)
    risks = [table.breach_risk(started, after(seconds=second)) for second in sorted(seconds)]
    assert risks == sorted(risks)
    assert all(0 < risk <= 1 for risk in risks)
    due = started.sla.resolution_due
    assert due is not None
    assert table.breach_risk(started, due) == 1.0
    assert table.breach_risk(started, due - timedelta(seconds=1)) < 1.0


@given(
    st.integers(60, 100 * HOUR),
    st.sampled_from(["always", "business"]),
    st.sampled_from([Status.NEW, Status.ASSIGNED, Status.IN_PROGRESS]),
    st.floats(0.4, 0.95),
)
@settings(max_examples=40, deadline=None)
def test_the_warning_comes_in_the_first_second_above_the_threshold(
    target: int, calendar: str, status: Status, threshold: float
) -> None:
    table = policy({"resolution": target, "calendar": calendar}, warn_at_risk=threshold, warn_before=())
    started = table.start(ticket(status=status), NOON)
    assert started.wake_at is not None
    assert table.breach_risk(started, started.wake_at) > threshold
    assert table.breach_risk(started, started.wake_at - timedelta(seconds=1)) <= threshold


def test_the_risk_stands_still_while_it_waits_and_ends_with_the_resolution() -> None:
    desk = Desk(policy({"resolution": "8h"}), status=Status.IN_PROGRESS, assignee=KIM)
    running = desk.policy.breach_risk(desk.ticket, after(hours=4))
    waiting = desk.move(after(hours=4), status=Status.WAITING)
    assert [desk.policy.breach_risk(waiting, after(hours=hours)) for hours in (4, 40, 400)] == [running] * 3
    assert desk.policy.breach_risk(desk.move(after(hours=5), status=Status.RESOLVED), after(hours=5)) == 0.0


# What is told, and when


def test_an_untouched_ticket_is_told_of_at_each_point_to_the_second() -> None:
    desk = Desk(policy(), priority=Priority.HIGH)
    desk.wait_until(after(days=3))
    told = [(event.at, name) for event, name in zip(desk.told, desk.names, strict=True)]
    assert told == [
        (after(seconds=1800 - 449), "first_response:before"),
        (after(minutes=30), "first_response breached"),
        (after(seconds=22374), "risk"),
        (after(seconds=8 * HOUR - 1799), "before:1800"),
        (after(hours=8), "resolution breached"),
    ]


def test_a_warning_says_what_is_left_and_a_breach_how_late() -> None:
    desk = Desk(policy({"resolution": "8h"}))
    desk.wait_until(after(hours=7, minutes=40))
    assert desk.told[-1] == Event(
        kind="ticket.sla_warning",
        ticket_id=42,
        at=after(seconds=8 * HOUR - 1799),
        actor=DESKBELL,
        origin="clock",
        data={
            "point": "before:1800",
            "promise": "resolution",
            "due": "2026-11-23T20:00:00Z",
            "remaining_seconds": 1799,
            "breach_risk": 0.94,
        },
    )
    _, events = desk.policy.due(desk.ticket, after(hours=9, milliseconds=600))
    assert [(event.kind, event.data) for event in events] == [
        ("ticket.sla_breached", {"promise": "resolution", "due": "2026-11-23T20:00:00Z", "late_seconds": HOUR})
    ]


def test_what_a_condition_on_the_threshold_asks_is_true_when_the_warning_is_told() -> None:
    desk = Desk(policy({"resolution": "8h"}))
    desk.wait_until(after(hours=7, minutes=40))
    risk, before = desk.told
    assert risk.data["breach_risk"] > 0.8
    assert desk.policy.facts(desk.ticket, risk.at).breach_risk > 0.8
    remaining = desk.policy.facts(desk.ticket, before.at).remaining
    assert remaining is not None
    assert remaining < 1800


def test_a_short_promise_does_not_begin_with_a_warning() -> None:
    desk = Desk(policy({"first_response": "100s", "resolution": "10m"}, warn_at_risk=0.2))
    desk.wait_until(after(hours=1))
    assert desk.names == ["first_response breached", "resolution breached"]


def test_points_reached_together_are_one_warning_and_none_comes_later() -> None:
    table = policy({"resolution": "8h"}, warn_before=("30m", "1h", "2h"))
    started = table.start(ticket(), NOON)
    told, events = table.due(started, after(hours=7, minutes=10))
    assert [event.data["point"] for event in events] == ["before:3600"]
    assert set(told.sla.warned) == {"risk", "before:3600", "before:7200"}
    assert table.due(told, after(hours=7, minutes=10)) == (told, [])
    assert told.wake_at == after(seconds=8 * HOUR - 1799)


def test_after_a_long_stop_the_breach_is_told_and_no_stale_warning() -> None:
    desk = Desk(policy(), priority=Priority.HIGH)
    assert desk.policy.wake_at(desk.ticket, after(days=40)) == after(minutes=30)
    told, events = desk.policy.due(desk.ticket, after(days=40))
    assert [event.kind for event in events] == ["ticket.sla_breached"] * 2
    assert told.wake_at is None
    assert desk.policy.due(told, after(days=41)) == (told, [])


def test_a_breach_that_nobody_told_is_told_after_the_resolution_and_a_warning_is_not() -> None:
    table = policy({"resolution": "8h"})
    started = table.start(ticket(), NOON)
    in_time = table.follow(
        started, replace(started, status=Status.RESOLVED), after(hours=7, minutes=50), responded=True
    )
    assert (in_time.wake_at, table.due(in_time, after(hours=9))) == (None, (in_time, []))
    late = table.follow(started, replace(started, status=Status.RESOLVED), after(hours=10), responded=True)
    _, events = table.due(late, after(hours=30))
    assert [event.data for event in events] == [
        {"promise": "resolution", "due": "2026-11-23T20:00:00Z", "late_seconds": 2 * HOUR}
    ]


def test_a_breach_that_nobody_told_is_told_while_it_waits() -> None:
    table = policy({"resolution": "8h"})
    started = table.start(ticket(), NOON)
    waiting = table.follow(started, replace(started, status=Status.WAITING), after(hours=10), responded=False)
    assert waiting.wake_at == after(hours=10)
    told, events = table.due(waiting, after(hours=30))
    assert [event.data for event in events] == [
        {"promise": "resolution", "due": "2026-11-23T20:00:00Z", "late_seconds": 2 * HOUR}
    ]
    assert told.wake_at is None


def test_before_its_time_nothing_is_told() -> None:
    desk = Desk(policy(), priority=Priority.HIGH)
    assert desk.ticket.wake_at is not None
    early = desk.ticket.wake_at - timedelta(microseconds=1)
    assert desk.policy.due(desk.ticket, early) == (desk.ticket, [])


MOVES: dict[str, dict[str, Any]] = {
    "take": {"status": Status.ASSIGNED, "assignee": KIM},
    "start": {"status": Status.IN_PROGRESS},
    "wait": {"status": Status.WAITING},
    "resolve": {"status": Status.RESOLVED},
    "reopen": {"status": Status.NEW},
    "close": {"status": Status.CLOSED},
    "note": {},
    "raise": {"priority": Priority.HIGH},
    "lower": {"priority": Priority.LOW},
}


@given(
    st.sampled_from(list(Priority)),
    st.lists(st.tuples(st.integers(0, 20 * HOUR * 1000), st.sampled_from(sorted(MOVES)), st.booleans()), max_size=8),
)
@settings(max_examples=50, deadline=None)
def test_however_it_is_worked_each_point_is_told_once_and_at_its_instant(
    priority: Priority, moves: list[tuple[int, str, bool]]
) -> None:
    desk = Desk(policy(warn_before=("30m", "2h")), priority=priority)
    now = NOON
    for milliseconds, move, responded in moves:
        now += timedelta(milliseconds=milliseconds)
        desk.wait_until(now)
        promise = desk.ticket.sla.resolution_target
        desk.move(now, responded=responded, **MOVES[move])
        check_the_clock(desk)
        if desk.ticket.sla.resolution_target != promise:
            desk.told.clear()  # another promise is told of anew
    desk.wait_until(now + timedelta(days=100))
    check_the_clock(desk)
    assert len(desk.names) == len(set(desk.names))
    running = desk.ticket.status in (Status.NEW, Status.ASSIGNED, Status.IN_PROGRESS)
    assert desk.ticket.sla.resolution_breached or not running
    assert (desk.policy.facts(desk.ticket, desk.now).state is SlaClock.BREACHED) == desk.ticket.sla.resolution_breached


def check_the_clock(desk: Desk) -> None:
    """The next wake-up is exact: nothing a moment before it, something at it."""
    now, wake_at = desk.now, desk.ticket.wake_at
    assert desk.policy.wake_at(desk.ticket, now) == wake_at
    if wake_at is None:
        assert desk.policy.due(desk.ticket, now + timedelta(days=365)) == (desk.ticket, [])
    elif wake_at > now:
        assert desk.policy.due(desk.ticket, wake_at - timedelta(microseconds=1)) == (desk.ticket, [])
        assert desk.policy.due(desk.ticket, wake_at)[1]
