"""The engine: what people ask and what monitoring says, judged against a second, simpler account of the same story."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from core import commands as c
from core.engine import MILESTONES, AlertPolicy, Ownership, decide, opened, take
from core.errors import BadField, DeskError, TicketChanged
from core.model import Alert, AlertStatus, KnownAlert, Priority, Severity, Status, Ticket
from core.rules.dedupe import News, begins_anew, news, unheard_end
from core.rules.severity import priority_of, severity_of
from tests.conftest import KIM, LEE, NOON

HELD = (Status.IN_PROGRESS, Status.WAITING)
POLICY = AlertPolicy(
    {severity: Priority(("low", "medium", "high", "critical")[severity.rank]) for severity in Severity},
    reopen_within=3600,
    recovery_resolves=frozenset({Status.NEW, Status.ASSIGNED}),
)


def minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def message(status: str = "firing", started: float = 0, ended: float | None = None, **more: Any) -> Alert:
    given = {"fingerprint": "a", "source": "am", "severity": Severity.HIGH, "title": "Disk full", **more}
    return Alert(
        status=AlertStatus(status),
        started_at=minutes(started),
        ended_at=None if ended is None else minutes(ended),
        **given,
    )


def known(alert: Alert, ticket_id: int | None = 1, count: int = 1) -> KnownAlert:
    return KnownAlert(alert, ticket_id, count, NOON, NOON, 1)


def ticket(status: Status = Status.NEW, **more: Any) -> Ticket:
    values = {"alerts_firing": 1, "alerts_total": 1, "priority": Priority.HIGH, **more}
    return Ticket(id=1, title="t", created_at=NOON, updated_at=NOON, status=status, **values)


def heard(alert: Alert, before: KnownAlert | None, about: Ticket | None = None, at: float = 0) -> Any:
    return take(alert, before, about, minutes(at), POLICY, lambda: 2, Ownership("dba", None, ("db",)))


# -- people


def test_a_request_becomes_a_ticket_of_the_one_who_asked() -> None:
    decision = opened(c.Open("  Printer\n is  on fire "), 7, KIM.ref, "slack", NOON, Priority.MEDIUM)
    assert (decision.ticket.title, decision.ticket.requester) == ("Printer is on fire", KIM.ref)
    assert (decision.ticket.status, decision.ticket.source) == (Status.NEW, "slack")
    assert [event.kind for event in decision.events] == ["ticket.created"]


def test_whoever_is_given_a_ticket_at_its_beginning_is_assigned_to_it() -> None:
    decision = opened(c.Open("Printer", assignee=LEE.ref), 7, KIM.ref, "api", NOON, Priority.MEDIUM)
    assert decision.ticket.status is Status.ASSIGNED
    assert [event.kind for event in decision.events] == ["ticket.created", "ticket.assigned"]
    assert decision.events[1].data == {"assignee": {"id": "lee", "name": "Lee Jiwon"}}


@pytest.mark.parametrize(
    ("command", "field", "why"),
    [
        (c.Open(" \n"), "title", "required"),
        (c.Open("x" * 251), "title", "too_long"),
        (c.Open("x", "y" * 20_001), "description", "too_long"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_its_field(command: c.Open, field: str, why: str) -> None:
    with pytest.raises(BadField) as refusal:
        opened(command, 7, KIM.ref, "slack", NOON, Priority.MEDIUM)
    assert (refusal.value.facts["field"], refusal.value.facts["why"]) == (field, why)


def test_the_second_to_take_a_ticket_is_told_who_has_it() -> None:
    first = decide(ticket(), c.Assign(KIM.ref, only_if_unassigned=True), KIM.ref, "slack", NOON).ticket
    with pytest.raises(TicketChanged) as refusal:
        decide(first, c.Assign(LEE.ref, only_if_unassigned=True), LEE.ref, "teams", NOON)
    assert refusal.value.facts == {"ticket_id": 1, "by": "Kim Minji"}
    again = decide(first, c.Assign(KIM.ref, only_if_unassigned=True), KIM.ref, "slack", NOON)
    assert (again.ticket, again.events) == (first, ())


def test_a_ticket_that_is_opened_again_is_still_the_one_of_whoever_has_it() -> None:
    resolved = decide(ticket(Status.ASSIGNED, assignee=KIM.ref), c.Resolve(" done "), LEE.ref, "slack", NOON).ticket
    assert (resolved.resolution, resolved.assignee) == ("done", KIM.ref)
    reopened = decide(resolved, c.Reopen("no"), LEE.ref, "slack", NOON).ticket
    assert (reopened.status, reopened.assignee) == (Status.ASSIGNED, KIM.ref)
    handed_on = decide(reopened, c.Assign(LEE.ref), KIM.ref, "slack", NOON)
    assert handed_on.events[0].data["before"] == "Kim Minji"


def test_who_begins_or_resolves_a_ticket_that_nobody_has_has_it() -> None:
    assert decide(ticket(), c.Start(), KIM.ref, "slack", NOON).ticket.assignee == KIM.ref
    assert decide(ticket(), c.Resolve(), KIM.ref, "slack", NOON).ticket.assignee == KIM.ref
    mine = ticket(Status.ASSIGNED, assignee=LEE.ref)
    assert decide(mine, c.Start(), KIM.ref, "slack", NOON).ticket.assignee == LEE.ref


def test_a_priority_that_a_person_has_set_is_not_raised_by_an_alert() -> None:
    low = decide(ticket(), c.Prioritize(Priority.LOW), KIM.ref, "slack", NOON).ticket
    worse = heard(message(severity=Severity.CRITICAL), known(message()), low)
    assert (worse.ticket.priority, [event.kind for event in worse.events]) == (Priority.LOW, ["alert.severity_changed"])


# -- monitoring


@pytest.mark.parametrize(
    ("said", "last", "means"),
    [
        (message(), None, News.FIRST),
        (message("resolved", ended=1), None, News.STRAY_RECOVERY),
        (message(), message(), News.REPEAT),
        (message(started=9), message(), News.REPEAT),
        (message(started=-1), message(), News.STALE),
        (message(), message("resolved", ended=5), News.REFIRED),
        (message(started=9), message("resolved", ended=5), News.REFIRED),
        (message(started=-1), message("resolved", ended=5), News.STALE),
        (message("resolved", ended=5), message(), News.RECOVERED),
        (message("resolved"), message(), News.RECOVERED),
        (message("resolved", started=3, ended=5), message(), News.RECOVERED),
        (message("resolved", started=-9, ended=-1), message(), News.STALE),
        (message("resolved", ended=-1), message(), News.STALE),
        (message("resolved", started=-9), message(), News.STALE),
        (message("resolved", ended=9), message("resolved", ended=5), News.STALE),
    ],
)
def test_what_a_message_means_follows_from_its_occurrence(said: Alert, last: Alert | None, means: News) -> None:
    assert news(said, known(last) if last else None) is means


def test_a_new_alert_brings_what_the_catalogue_says_of_it() -> None:
    taken = heard(message(), None)
    assert (taken.ticket.team, taken.ticket.systems, taken.ticket.priority) == ("dba", ("db",), Priority.HIGH)
    assert taken.ticket.why[0].facts == {"severity": "high", "priority": "high"}
    assert [event.kind for event in taken.events] == ["ticket.created", "alert.fired"]


def test_a_recovery_of_something_unknown_is_recorded_and_opens_nothing() -> None:
    taken = heard(message("resolved", ended=1), None)
    assert (taken.ticket, taken.known.ticket_id) == (None, None)
    assert taken.events[0].data["stray"] is True
    assert heard(message(started=2), taken.known, None).ticket.id == 2


def test_repeats_are_news_at_round_numbers_only() -> None:
    heard_of = known(message())
    told = []
    for count in range(2, 201):
        taken = heard(message(), heard_of, ticket())
        heard_of = taken.known
        assert heard_of.count == count
        told += [event.data["count"] for event in taken.events]
    assert told == sorted(count for count in MILESTONES if count <= 200)
    silent = heard(message(), known(message(), count=99), ticket(Status.RESOLVED))
    assert silent.events == ()


@pytest.mark.parametrize("status", HELD)
def test_a_recovery_leaves_what_a_person_holds_and_says_so(status: Status) -> None:
    taken = heard(message("resolved", ended=5), known(message()), ticket(status), 5)
    assert (taken.ticket.status, taken.ticket.alerts_firing) == (status, 0)
    assert [event.kind for event in taken.events] == ["alert.resolved", "ticket.recovered"]


def test_a_problem_that_comes_back_opens_its_ticket_again_without_the_old_resolution() -> None:
    over = known(message("resolved", ended=5))
    solved = ticket(Status.RESOLVED, resolved_at=minutes(5), resolution="rebooted", assignee=KIM.ref, alerts_firing=0)
    back = heard(message(started=10), over, solved, 10).ticket
    assert (back.id, back.status, back.resolution, back.resolved_at) == (1, Status.ASSIGNED, None, None)
    late = heard(message(started=66), over, solved, 66).ticket
    assert (late.id, late.status) == (2, Status.NEW)


def test_the_words_of_the_sources_are_understood_and_unknown_ones_wake_nobody() -> None:
    assert severity_of(" CRITICAL ") is Severity.CRITICAL
    assert severity_of("page") is Severity.CRITICAL
    assert severity_of("Average") is Severity.WARNING
    assert severity_of("banana") is severity_of(None) is severity_of("") is Severity.WARNING
    assert severity_of("banana", {"banana": Severity.HIGH}) is Severity.HIGH
    assert priority_of(Severity.CRITICAL, {}) is Priority.CRITICAL
    assert priority_of(Severity.CRITICAL, {Severity.CRITICAL: Priority.LOW}) is Priority.LOW


# -- the whole story, twice told


class Remembered:
    """What the second account keeps of an alert."""

    def __init__(self, start: datetime, firing: bool, ticket_id: int | None) -> None:
        self.start, self.firing, self.ticket_id, self.count = start, firing, ticket_id, 1


class Story(RuleBasedStateMachine):
    """Alerts fire, recover, come late, come twice and out of order, while people work on their tickets.

    The account kept beside the engine knows no counters: it looks at which alerts of a ticket are firing.
    """

    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.known: dict[str, KnownAlert] = {}
        self.tickets: dict[int, Ticket] = {}
        self.remembered: dict[str, Remembered] = {}
        self.statuses: dict[int, Status] = {}
        self.resolved_at: dict[int, datetime] = {}
        self.had: dict[int, set[str]] = {}

    # -- what happens

    @rule(seconds=st.sampled_from([1, 60, 1800, 3601]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(target=sent, name=st.sampled_from("abc"), severity=st.sampled_from(Severity))
    def it_fires(self, name: str, severity: Severity) -> Alert:
        return self._heard(Alert(name, "am", AlertStatus.FIRING, severity, name, self.now))

    @rule(target=sent, alert=sent, told_end=st.booleans())
    def it_recovers(self, alert: Alert, told_end: bool) -> Alert:
        ended = self.now if told_end else None
        return self._heard(replace(alert, status=AlertStatus.RESOLVED, ended_at=ended))

    @rule(alert=sent)
    def a_message_comes_again(self, alert: Alert) -> None:
        self._heard(alert)

    @rule(
        number=st.integers(1, 4),
        command=st.sampled_from([
            c.Assign(KIM.ref), c.Start(), c.Wait(), c.Resolve("ok"), c.Close(), c.Reopen(), c.Note("n"), c.Escalate(),
            c.Prioritize(Priority.LOW), c.Rate(3),
        ]),
    )  # fmt: skip
    def somebody_asks(self, number: int, command: c.Command) -> None:
        before = self.tickets.get(number)
        if before is None:
            return
        try:
            after = decide(before, command, LEE.ref, "slack", self.now).ticket
        except DeskError:
            return
        self.tickets[number] = after
        self.statuses[number] = after.status
        if isinstance(command, c.Resolve):
            self.resolved_at[number] = self.now

    @rule(name=st.sampled_from("abc"), number=st.integers(1, 4))
    def an_alert_joins_another_ticket(self, name: str, number: int) -> None:
        """As when two tickets are merged: what is firing there is firing here."""
        alert, into = self.known.get(name), self.tickets.get(number)
        if alert is None or alert.ticket_id is None or into is None or not into.status.is_open:
            return
        if alert.ticket_id == number or name in self.had[number]:
            return
        source = self.tickets[alert.ticket_id]
        firing = int(alert.alert.status is AlertStatus.FIRING)
        left = {"alerts_firing": source.alerts_firing - firing, "alerts_total": source.alerts_total - 1}
        joined = {"alerts_firing": into.alerts_firing + firing, "alerts_total": into.alerts_total + 1}
        self.tickets[source.id], self.tickets[number] = replace(source, **left), replace(into, **joined)
        self.known[name] = replace(alert, ticket_id=number)
        self.had[source.id].discard(name)
        self.had[number].add(name)
        self.remembered[name].ticket_id = number

    # -- the engine

    def _heard(self, alert: Alert) -> Alert:
        before = self.known.get(alert.fingerprint)
        owner = self.tickets.get(before.ticket_id or 0) if before else None
        if before and begins_anew(alert, before) and owner and not owner.status.is_open:
            self._take(unheard_end(alert, before), before, owner)
            before, owner = self.known[alert.fingerprint], self.tickets[owner.id]
        self._take(alert, before, owner)
        self._account(alert)
        return alert

    def _take(self, alert: Alert, before: KnownAlert | None, owner: Ticket | None) -> None:
        taken = take(alert, before, owner, self.now, POLICY, lambda: len(self.tickets) + 1)
        self.known[alert.fingerprint] = taken.known
        if taken.ticket is not None:
            self.tickets[taken.ticket.id] = taken.ticket

    # -- the second account

    def _account(self, alert: Alert) -> None:
        mine = self.remembered.get(alert.fingerprint)
        firing = alert.status is AlertStatus.FIRING
        if mine is None:
            self.remembered[alert.fingerprint] = Remembered(alert.started_at, firing, None)
            if firing:
                self._belongs_to_a_new_ticket(alert)
        elif firing and alert.started_at >= mine.start:
            self._fires(alert, mine)
        elif not firing and mine.firing and self._speaks_of_now(alert, mine):
            self._recovers(mine)

    def _speaks_of_now(self, alert: Alert, mine: Remembered) -> bool:
        return alert.started_at >= mine.start and (alert.ended_at is None or alert.ended_at >= mine.start)

    def _fires(self, alert: Alert, mine: Remembered) -> None:
        mine.count += 1
        status = self.statuses.get(mine.ticket_id or 0)
        came_back = not mine.firing or (alert.started_at > mine.start and status in (Status.RESOLVED, Status.CLOSED))
        mine.start, mine.firing = alert.started_at, True
        if not came_back:
            return
        if status is Status.RESOLVED and self.now - self.resolved_at[mine.ticket_id or 0] <= timedelta(hours=1):
            owned = self.tickets[mine.ticket_id or 0].assignee is not None
            self.statuses[mine.ticket_id or 0] = Status.ASSIGNED if owned else Status.NEW
        elif status in (None, Status.RESOLVED, Status.CLOSED):
            self._belongs_to_a_new_ticket(alert)

    def _recovers(self, mine: Remembered) -> None:
        mine.firing = False
        number = mine.ticket_id or 0
        if not self._firing(number) and self.statuses[number] in POLICY.recovery_resolves:
            self.statuses[number] = Status.RESOLVED
            self.resolved_at[number] = self.now

    def _belongs_to_a_new_ticket(self, alert: Alert) -> None:
        number = len(self.statuses) + 1
        self.statuses[number] = Status.NEW
        self.had[number] = {alert.fingerprint}
        self.remembered[alert.fingerprint].ticket_id = number

    def _firing(self, number: int) -> set[str]:
        return {name for name, mine in self.remembered.items() if mine.ticket_id == number and mine.firing}

    # -- what both say

    @invariant()
    def both_accounts_agree(self) -> None:
        assert {number: about.status for number, about in self.tickets.items()} == self.statuses
        for number, about in self.tickets.items():
            assert about.alerts_firing == len(self._firing(number))
            assert 0 <= about.alerts_firing <= about.alerts_total == len(self.had[number])
        for name, mine in self.remembered.items():
            alert = self.known[name]
            assert (alert.count, alert.ticket_id) == (mine.count, mine.ticket_id)
            assert (alert.alert.status is AlertStatus.FIRING) == mine.firing

    @invariant()
    def nothing_that_fires_is_without_a_ticket(self) -> None:
        assert all(alert.ticket_id for alert in self.known.values() if alert.alert.status is AlertStatus.FIRING)


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
