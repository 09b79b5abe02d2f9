"""Every notice is handed over exactly once, in order, at the pace that the platforms allow, whatever they answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core import commands as c
from core.desk.desk import Desk
from core.model import Priority, Ticket
from core.outbox.limits import Bucket, Limit
from core.ports import DeliveryFailed, DeliveryRetry, DeliveryUnknown, Outbound
from core.store import queries
from tests.conftest import KIM, LEE, NOON, MakeDesk, SetClock
from tests.fakes import Hang, Lost, Outbox, ScriptedNotifier
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
    await outbox.begin()
    await outbox.plan()
    await slack.called.wait()
    await do(outbox.desk, 1, c.CallExpert())  # a lane that nothing was sent in before
    await outbox.tell()
    first, *others = slack.calls
    assert all(at >= first + timedelta(seconds=120) for at in others)
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


# -- answers that are lost, and ends of the process


@pytest.mark.parametrize(
    ("answer", "outcomes"),
    [(Lost(), ["unknown", "found"]), (DeliveryUnknown("cut off"), ["unknown", "retry", "sent"])],
    ids=["arrived", "did not arrive"],
)
async def test_a_message_whose_answer_is_lost_is_looked_for_before_it_is_sent_again(
    outbox: Outbox, slack: ScriptedNotifier, answer: BaseException, outcomes: list[str]
) -> None:
    await opened(outbox.desk)
    await do(outbox.desk, 1, c.Note("n"))
    slack.script.append(answer)
    await outbox.tell()
    assert slack.said == ["card 1", "notice.ticket.noted"]
    assert len(slack.searched) == 1
    assert await outbox.log(1) == [(CARD, "sent", None, outcomes), (STORY, "sent", None, ["sent"])]


async def test_a_platform_that_cannot_be_asked_now_is_asked_again(
    outbox: Outbox, clock: SetClock, slack: ScriptedNotifier
) -> None:
    await opened(outbox.desk)
    slack.script.append(Lost())
    slack.unable.append(DeliveryRetry("ratelimited", after=60))
    await outbox.tell()
    assert clock.now() >= NOON + timedelta(seconds=62)
    assert (await outbox.log(1))[0] == (CARD, "sent", None, ["unknown", "unknown", "found"])


@pytest.mark.parametrize("arrives", [True, False])
async def test_where_nobody_can_say_only_what_is_urgent_is_sent_again(
    outbox: Outbox, slack: ScriptedNotifier, arrives: bool
) -> None:
    ticket = await shown(outbox)
    slack.script.append(DeliveryUnknown("cut off"))
    slack.unable.append(DeliveryUnknown("no history"))
    await do(outbox.desk, ticket.id, c.Escalate() if arrives else c.CallExpert())
    await outbox.tell()
    log = {rule: (state, outcomes) for rule, state, _, outcomes in await outbox.log(ticket.id)}
    if arrives:
        assert log["alarm"] == ("sent", ["unknown", "unknown", "sent"])
    else:
        unsure = [rule for rule in ("calm", "elsewhere") if log[rule] == ("unknown", ["unknown", "unknown"])]
        assert len(unsure) == 1


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_process_that_dies_while_it_sends_tells_it_once_all_the_same(
    outbox: Outbox, clock: SetClock, slack: ScriptedNotifier, arrived: bool
) -> None:
    await opened(outbox.desk)
    await do(outbox.desk, 1, c.Note("n"))
    slack.script.append(Hang(arrived))
    await outbox.begin()
    await outbox.plan()
    await slack.called.wait()
    other = await outbox.restart(clock, slack)
    await other.tell()
    assert slack.said == ["card 1", "notice.ticket.noted"]
    outcomes = ["found"] if arrived else ["retry", "sent"]
    assert await other.log(1) == [(CARD, "sent", None, outcomes), (STORY, "sent", None, ["sent"])]


async def test_an_edit_that_a_process_died_over_is_made_again(
    outbox: Outbox, clock: SetClock, slack: ScriptedNotifier
) -> None:
    ticket = await shown(outbox)
    await do(outbox.desk, ticket.id, c.Wait())
    slack.script.append(Hang(arrives=True))
    slack.called.clear()
    await outbox.begin()
    await outbox.plan()
    await slack.called.wait()
    await (await outbox.restart(clock, slack)).tell()
    assert [edit.view.version for edit in slack.edits] == [2, 2]  # type: ignore[union-attr]
    assert slack.said == ["card 1"]


async def test_a_message_that_could_not_be_recorded_is_found_and_not_sent_again(
    outbox: Outbox, slack: ScriptedNotifier
) -> None:
    await opened(outbox.desk)

    async def disk_fails(message: Outbound) -> None:
        await outbox.desk.database.write(lambda session: session.execute(text("PRAGMA query_only = ON")))

    slack.script.append(disk_fails)
    await outbox.tell()
    assert slack.said == ["card 1"]
    assert await outbox.log(1) == [(CARD, "sent", None, ["found"])]


async def test_what_waits_at_the_end_waits_for_the_next_start(
    outbox: Outbox, clock: SetClock, slack: ScriptedNotifier
) -> None:
    for _ in range(3):
        await opened(outbox.desk)
    await outbox.plan()
    other = Outbox(outbox.desk, clock, slack)
    await other.begin()
    await other.idle()
    assert slack.said == ["card 1", "card 2", "card 3"]


async def test_closing_lets_a_send_under_way_finish_and_begins_no_other(
    outbox: Outbox, slack: ScriptedNotifier
) -> None:
    finish = asyncio.Event()

    async def slow(message: Outbound) -> None:
        await finish.wait()

    slack.script.append(slow)
    for _ in range(2):
        await opened(outbox.desk)
    await outbox.begin()
    await outbox.plan()
    await slack.called.wait()
    closing = asyncio.create_task(outbox.delivery.close(5))
    await asyncio.sleep(0)
    finish.set()
    await closing
    assert slack.said == ["card 1"]
    assert [(await outbox.log(number))[0][1] for number in (1, 2)] == ["sent", "waiting"]
    outbox.delivery.wake(["slack:#desk"])
    assert slack.said == ["card 1"]


# -- what never arrives


async def test_after_a_day_a_message_is_given_up_and_says_so(
    outbox: Outbox, clock: SetClock, slack: ScriptedNotifier
) -> None:
    await opened(outbox.desk)
    await do(outbox.desk, 1, c.Note("n"))
    slack.script.extend(DeliveryRetry("down", after=3600, scope="platform") for _ in range(30))
    await outbox.tell()
    assert slack.posted == []
    assert timedelta(hours=24) < clock.now() - NOON < timedelta(hours=26)
    (card, story) = await outbox.log(1)
    assert card == (CARD, "failed", "not delivered within a day", [*["retry"] * 25, "failed"])
    assert story[1:3] == ("failed", "not delivered within a day")


class Broken(Exception):
    pass


async def test_a_defect_costs_the_message_that_it_concerns_and_not_those_behind_it(
    outbox: Outbox, slack: ScriptedNotifier, caplog: pytest.LogCaptureFixture
) -> None:
    slack.script.append(Broken("xoxb-secret"))
    for _ in range(2):
        await opened(outbox.desk)
    await outbox.tell()
    assert slack.said == ["card 2"]
    assert await outbox.log(1) == [(CARD, "failed", "defect: Broken", ["failed"])]
    assert "could not be worked on" in caplog.text


async def test_somebody_who_is_not_there_any_more_is_named_as_the_reason(desk: Desk, outbox: Outbox) -> None:
    await opened(desk)
    await outbox.plan()
    await desk.database.write(lambda session: session.execute(text("UPDATE notice SET person_id = 'gone'")))
    await outbox.tell()
    assert (await outbox.log(1))[0][2] == "nobody is known as gone"


async def test_people_are_told_in_their_language_and_places_in_the_house_language(
    make_desk: MakeDesk, clock: SetClock, slack: ScriptedNotifier
) -> None:
    people = [{"id": "kim", "name": "Kim", "slack": "U1", "language": "ko", "time_zone": "Asia/Seoul"}]
    rules = [{"name": "r", "on": ["ticket.created"], "to": ["person:kim", "slack:#desk"]}]
    desk = await make_desk(people=people, notifications=rules, language="en", time_zone="Europe/Berlin")
    await opened(desk)
    await Outbox(desk, clock, slack).tell()
    assert {(message.words.language, message.words.time_zone) for message in slack.posted} == {
        ("ko", "Asia/Seoul"), ("en", "Europe/Berlin"),
    }  # fmt: skip


async def test_an_operators_own_text_is_filled_in_and_a_broken_one_falls_back(
    make_desk: MakeDesk, clock: SetClock, slack: ScriptedNotifier
) -> None:
    rules = [
        {"name": name, "on": ["ticket.created"], "to": [f"slack:#{name}"], "template": name} for name in ("good", "bad")
    ]
    texts = {"good": "#{{ ticket.id }}: {{ ticket.title }}", "bad": "{{ ticket.affected_users / 0 }}"}
    desk = await make_desk(notifications=rules, templates=texts)
    await opened(desk, "{{ 1 }}", affected_users=1)
    await Outbox(desk, clock, slack).tell()
    said = {message.address: getattr(message.view, "text", None) for message in slack.posted}
    assert said == {"#good": "#1: {{ 1 }}", "#bad": None}


async def test_the_delivery_log_shows_every_attempt_with_its_time(outbox: Outbox, slack: ScriptedNotifier) -> None:
    await opened(outbox.desk)
    slack.script.extend([DeliveryRetry("down", after=10), Lost()])
    await outbox.tell()
    ((notice, attempts),) = await outbox.desk.deliveries(1)
    assert (notice.state, notice.attempts, notice.ref["message"]) == ("sent", 2, "m1")
    assert [(one.outcome, one.reason, (one.at - NOON).total_seconds()) for one in attempts] == [
        ("retry", "down", 0.0), ("unknown", "the answer was lost", 10.0), ("found", None, 12.0),
    ]  # fmt: skip
    assert outbox.observed == [("slack", "retry"), ("slack", "unknown"), ("slack", "found")]
    assert notice.sent_at == NOON + timedelta(seconds=12)
    card = await outbox.desk.database.read(lambda connection: queries.card_at(connection, "slack", "#desk", "m1"))
    assert (card.ticket_id, card.version) == (1, 1)


# -- any weather


Weather = Callable[[], BaseException | Callable[[Outbound], Awaitable[None]]]


@pytest.mark.parametrize("seed", range(6))
async def test_in_any_weather_each_notice_arrives_once_and_in_order(
    outbox: Outbox, clock: SetClock, slack: ScriptedNotifier, seed: int
) -> None:
    dice = random.Random(seed)
    weather: list[Weather] = [
        lambda: DeliveryRetry("down"),
        lambda: DeliveryRetry("slow", after=dice.uniform(1, 9), scope=dice.choice(["message", "channel", "platform"])),
        lambda: DeliveryUnknown("cut off"),
        Lost,
    ]  # fmt: skip
    notes = 0
    for number in range(1, 5):
        await opened(outbox.desk)
        for _ in range(dice.randrange(4)):
            slack.script.append(dice.choice(weather)())
        for _ in range(3):
            notes += 1
            await do(outbox.desk, dice.randrange(1, number + 1), c.Note(f"note {notes:03}"), dice.choice([KIM, LEE]))
        await outbox.plan()
        if dice.random() < 0.5:
            await outbox.begin()
            await asyncio.sleep(0)
            outbox = await outbox.restart(clock, slack)
            outbox.sending = False
    await outbox.tell()
    for number in range(1, 5):
        assert {state for _, state, _, _ in await outbox.log(number)} <= {"sent", "superseded"}
        card, *below = [message for message in slack.posted if _about(message) == number]
        assert card.thread is None
        texts = [str(getattr(message.view, "body", "")) for message in below]
        assert texts == sorted(texts)
    assert len(slack.posted) == 4 + notes


def _about(message: Outbound) -> int:
    view: Any = message.view
    return int(view.id if hasattr(view, "alerts_total") else view.ticket_id)


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
