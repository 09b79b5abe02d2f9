"""Every notice is handed over exactly once, in order, at the pace that the platforms allow, whatever they answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import commands as c
from core.desk.desk import Desk
from core.model import Priority, Ticket
from core.outbox.limits import Bucket, Limit
from core.ports import DeliveryFailed, DeliveryRetry, Outbound
from tests.conftest import KIM, NOON, MakeDesk, SetClock
from tests.fakes import Outbox, ScriptedNotifier
from tests.test_planner import OFFICE
from tests.test_work import do, opened

CARD, STORY = "ticket_card", "story"
RULES: list[dict[str, Any]] = [
    {"name": CARD, "on": ["ticket.created"], "to": ["slack:#desk"], "show": "card"},
    {"name": STORY, "on": ["ticket.noted", "ticket.started", "ticket.prioritized"], "to": ["cards"], "show": "thread"},
    {"name": "alarm", "on": ["ticket.escalated"], "to": ["slack:#desk"], "urgent": True},
    {"name": "calm", "on": ["ticket.expert_called"], "to": ["slack:#desk"]},
    {"name": "elsewhere", "on": ["ticket.expert_called"], "to": ["slack:#other"]},
    {"name": "later", "on": ["ticket.prioritized"], "to": ["slack:#desk"], "show": "card"},
]


@pytest.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    made: Desk = await make_desk(**OFFICE, notifications=RULES)
    return made


@pytest.fixture
def slack(clock: SetClock) -> ScriptedNotifier:
    return ScriptedNotifier("slack", clock)


@pytest.fixture
def outbox(desk: Desk, clock: SetClock, slack: ScriptedNotifier) -> Outbox:
    return Outbox(desk, clock, slack)


async def shown(outbox: Outbox) -> Ticket:
    """A ticket whose card is posted."""
    ticket = await opened(outbox.desk)
    await outbox.tell()
    outbox.sending = False
    return ticket


# -- order and pace


async def test_what_is_told_in_one_place_is_told_in_order_the_card_first(
    outbox: Outbox, slack: ScriptedNotifier
) -> None:
    for number in (1, 2):
        await opened(outbox.desk)
        for note in ("a", "b"):
            await do(outbox.desk, number, c.Note(note))
    await outbox.tell()
    notes = ["notice.ticket.noted"] * 2
    assert slack.said == ["card 1", *notes, "card 2", *notes]
    cards = [message for message in slack.posted if message.thread is None]
    below = [message.thread for message in slack.posted if message.thread is not None]
    assert [ref.message for ref in below] == ["m1", "m1", "m4", "m4"]
    assert [card.address for card in cards] == ["#desk", "#desk"]


async def test_what_is_urgent_overtakes_what_waits(outbox: Outbox, slack: ScriptedNotifier) -> None:
    ticket = await opened(outbox.desk)
    for command in (c.CallExpert(), c.CallExpert(), c.Escalate()):
        await do(outbox.desk, ticket.id, command)
    await outbox.tell()
    here = [message for message in slack.posted if message.address == "#desk"]
    assert [getattr(message.view, "key", "card") for message in here] == [
        "notice.ticket.escalated", "card", "notice.ticket.expert_wanted", "notice.ticket.expert_wanted",
    ]  # fmt: skip
    assert [message.urgent for message in here] == [True, False, False, False]


async def test_a_place_is_told_as_fast_as_its_limit_allows(
    desk: Desk, clock: SetClock, slack: ScriptedNotifier
) -> None:
    outbox = Outbox(desk, clock, slack, limit=Limit(0.5, 2))
    for _ in range(5):
        await opened(desk)
    await outbox.tell()
    assert [(at - NOON).total_seconds() for at in slack.calls] == [0, 0, 2, 4, 6]


async def test_edits_of_all_places_keep_to_one_limit_and_hold_up_nothing_else(
    make_desk: MakeDesk, clock: SetClock, slack: ScriptedNotifier
) -> None:
    rules = [RULES[0], {**RULES[0], "name": "there", "to": ["slack:#other"]}]
    outbox = Outbox(await make_desk(**OFFICE, notifications=rules), clock, slack)
    tickets = [await opened(outbox.desk) for _ in range(15)]
    await outbox.tell()
    outbox.sending, before, begun = False, len(slack.calls), clock.now()
    for ticket in tickets:
        await do(outbox.desk, ticket.id, c.Start())
    new = await opened(outbox.desk)
    await outbox.tell()
    after = [(at - begun).total_seconds() for at in slack.calls[before:]]
    assert len(slack.edits) == 30
    assert all(at > 1.2 * n - 0.01 for n, at in enumerate(after[22:], start=1))  # 20 edits at once, and two cards
    posted = [(row.sent_at - begun).total_seconds() for row, _ in await outbox.desk.deliveries(new.id)]
    assert max(posted) < 3 < 10 < max(after)


async def test_a_place_that_asks_for_a_pause_gets_it_and_the_others_go_on(
    outbox: Outbox, clock: SetClock, slack: ScriptedNotifier
) -> None:
    ticket, start = await shown(outbox), clock.now()
    slack.script.append(DeliveryRetry("ratelimited", after=30, scope="channel"))
    slack.called.clear()
    outbox.timing.run.clear()
    await do(outbox.desk, ticket.id, c.Escalate())
    await outbox.begin()
    await outbox.plan()
    await slack.called.wait()
    slack.called.clear()
    await do(outbox.desk, ticket.id, c.CallExpert())
    await outbox.plan()
    await slack.called.wait()
    assert [message.address for message in slack.posted[1:]] == ["#other"]
    assert clock.now() == start
    outbox.timing.run.set()
    await outbox.idle()
    assert [message.address for message in slack.posted[2:]] == ["#desk", "#desk"]
    assert all(at >= start + timedelta(seconds=30) for at in slack.calls[3:])


async def test_a_platform_that_asks_for_a_pause_gets_it_everywhere(
    outbox: Outbox, clock: SetClock, slack: ScriptedNotifier
) -> None:
    await opened(outbox.desk)
    slack.script.append(DeliveryRetry("ratelimited", after=120, scope="platform"))
    outbox.timing.run.clear()
    await outbox.begin()
    await outbox.plan()
    await slack.called.wait()
    await do(outbox.desk, 1, c.CallExpert())  # its lane begins only now
    await outbox.plan()
    while len(outbox.timing.waits) < 2:  # noqa: ASYNC110 -- waiting has no event
        await asyncio.sleep(0.001)
    assert len(slack.calls) == 1
    outbox.timing.run.set()
    await outbox.idle()
    assert all(at >= NOON + timedelta(seconds=120) for at in slack.calls[1:])
    assert len(slack.posted) == 3


async def test_a_message_that_has_to_wait_holds_up_what_is_behind_it_without_turning_in_circles(
    outbox: Outbox, clock: SetClock, slack: ScriptedNotifier
) -> None:
    slack.script.append(DeliveryRetry("internal_error", after=45))
    for _ in range(3):
        await opened(outbox.desk)
    await outbox.tell()
    assert slack.said == ["card 1", "card 2", "card 3"]
    assert [(at - NOON).total_seconds() for at in slack.calls] == [0, 45, 45, 45]
    assert outbox.timing.waits == [45]


async def test_pauses_between_attempts_grow_to_a_minute(outbox: Outbox, slack: ScriptedNotifier) -> None:
    await opened(outbox.desk)
    slack.script.extend(DeliveryRetry("down") for _ in range(9))
    await outbox.tell()
    gaps = [(after - before).total_seconds() for before, after in zip(slack.calls, slack.calls[1:], strict=False)]
    assert all(0.8 * 2**n <= gap <= 1.2 * 2**n for n, gap in enumerate(gaps[:6]))
    assert all(48 <= gap <= 72 for gap in gaps[6:])
    assert slack.said == ["card 1"]


async def test_a_card_that_fails_for_a_while_lets_others_pass_but_not_its_own_story(
    outbox: Outbox, slack: ScriptedNotifier
) -> None:
    await opened(outbox.desk)
    await do(outbox.desk, 1, c.Note("n"))
    await opened(outbox.desk)
    slack.script.extend(DeliveryRetry("internal_error") for _ in range(6))
    await outbox.tell()
    assert slack.said == ["card 2", "card 1", "notice.ticket.noted"]
    assert {state for _, state, _, _ in await outbox.log(1)} == {"sent"}


async def test_news_that_come_while_a_lane_waits_are_sent_in_their_turn(
    outbox: Outbox, slack: ScriptedNotifier
) -> None:
    await opened(outbox.desk)
    slack.script.append(DeliveryRetry("down", after=5))
    await outbox.begin()
    await outbox.plan()
    await slack.called.wait()
    await do(outbox.desk, 1, c.Escalate())
    await outbox.tell()
    assert sorted(slack.said) == ["card 1", "notice.ticket.escalated"]


# -- cards that live


async def test_changes_that_come_while_the_place_is_held_are_one_edit_with_the_newest(
    outbox: Outbox, slack: ScriptedNotifier
) -> None:
    ticket = await shown(outbox)
    slack.script.append(DeliveryRetry("ratelimited", after=30, scope="channel"))
    for command in (c.Assign(KIM.ref), c.Start(), c.Wait()):
        await do(outbox.desk, ticket.id, command)
        await outbox.plan()
    await outbox.tell()
    (edited,) = slack.edits
    assert (edited.view.version, edited.view.status.value) == (4, "waiting")  # type: ignore[union-attr]
    states = [state for rule, state, _, _ in await outbox.log(ticket.id) if rule == "card_edit"]
    assert states == ["superseded", "superseded", "sent"]


async def test_a_ticket_that_changes_while_its_card_is_posted_gets_its_edit(
    outbox: Outbox, slack: ScriptedNotifier
) -> None:
    await opened(outbox.desk)

    async def meanwhile(message: Outbound) -> None:
        await do(outbox.desk, 1, c.Assign(KIM.ref))
        await outbox.plan()

    slack.script.append(meanwhile)
    await outbox.tell()
    assert [edit.view.version for edit in slack.edits] == [2]  # type: ignore[union-attr]


async def test_a_card_that_was_deleted_is_forgotten_and_not_posted_again(
    outbox: Outbox, slack: ScriptedNotifier
) -> None:
    ticket = await shown(outbox)
    slack.delete(slack.posted[0].key)
    await do(outbox.desk, ticket.id, c.Start())
    await outbox.tell()
    log = await outbox.log(ticket.id)
    assert {reason for _, state, reason, _ in log if state == "failed"} <= {
        "message_not_found: no such message", "thread_not_found: the message above is not there",
        "the card of the ticket is not there",
    }  # fmt: skip
    before = len(log)
    await do(outbox.desk, ticket.id, c.Note("n"))
    await do(outbox.desk, ticket.id, c.Prioritize(Priority.CRITICAL))
    await outbox.tell()
    assert len(await outbox.log(ticket.id)) == before
    assert slack.said == ["card 1"]


async def test_a_card_that_is_refused_takes_its_story_with_it_and_says_why(
    outbox: Outbox, slack: ScriptedNotifier
) -> None:
    await opened(outbox.desk)
    await do(outbox.desk, 1, c.Note("n"))
    slack.script.append(DeliveryFailed("not in the workspace", code="channel_not_found"))
    await outbox.tell()
    assert await outbox.log(1) == [
        (CARD, "failed", "channel_not_found: not in the workspace", ["failed"]),
        (STORY, "failed", "the card of the ticket is not there", ["failed"]),
    ]
    await do(outbox.desk, 1, c.Note("m"))
    await outbox.tell()
    assert len(await outbox.log(1)) == 2


async def test_a_card_that_somebody_asked_for_is_kept_up_to_date_without_the_story(
    outbox: Outbox, slack: ScriptedNotifier
) -> None:
    ticket = await shown(outbox)
    ref = await slack.post(Outbound("asked", "slack", await outbox.desk.card(ticket.id), slack.posted[0].words, "D1"))
    await outbox.desk.keep_shown(await outbox.desk.card(ticket.id), ref)
    await do(outbox.desk, ticket.id, c.Start())
    await outbox.tell()
    assert len(slack.edits) == 2
    assert [message.address for message in slack.posted if message.thread] == ["#desk"]


async def test_a_card_that_was_out_of_date_when_it_was_shown_gets_its_edit(
    outbox: Outbox, slack: ScriptedNotifier
) -> None:
    ticket = await shown(outbox)
    card = await outbox.desk.card(ticket.id)
    await do(outbox.desk, ticket.id, c.Start())
    await outbox.tell()
    before = len(slack.edits)
    ref = await slack.post(Outbound("asked", "slack", card, slack.posted[0].words, "D1"))
    await outbox.desk.keep_shown(card, ref)
    await outbox.idle()
    assert [getattr(message.view, "version", None) for message in slack.edits[before:]] == [card.version + 1]
    await outbox.desk.keep_shown(await outbox.desk.card(ticket.id), ref)
    await outbox.idle()
    assert len(slack.edits) == before + 1


# -- token buckets


@given(
    rate=st.floats(0.1, 10),
    burst=st.integers(1, 20),
    steps=st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=60),
)
def test_a_bucket_never_gives_more_than_its_burst_and_rate(
    rate: float, burst: int, steps: list[tuple[float, bool]]
) -> None:
    bucket, now, taken = Bucket(Limit(rate, burst), 100.0), 100.0, list[float]()
    for passed, patient in steps:
        now += passed
        wait = bucket.wait(now)
        assert 0 <= wait <= 1 / rate + 1e-6
        if wait > 0 and patient:
            now += wait
            assert bucket.wait(now) < 1e-6, "who waits as long as was said may go"
        if bucket.wait(now) < 1e-6:
            bucket.take(now)
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            allowed = burst + (taken[last] - taken[first]) * rate
            assert last - first + 1 <= allowed + 1e-3


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), min_size=1, max_size=10))
def test_a_closed_bucket_opens_when_the_longest_pause_is_over(pauses: list[tuple[float, float]]) -> None:
    bucket, now, until = Bucket(Limit(1000, 1000), 0.0), 0.0, 0.0
    for passed, pause in pauses:
        now += passed
        bucket.close(now + pause)
        until = max(until, now + pause)
        assert bucket.wait(now) == pytest.approx(until - now)
    assert bucket.wait(until) == 0
