"""The way out in bad weather: answers that are lost, processes that die, platforms that refuse, defects of our own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core import commands as c
from core.desk.desk import Desk
from core.ports import DeliveryRetry, DeliveryUnknown, Outbound
from core.store import queries
from tests.conftest import KIM, LEE, NOON, MakeDesk, SetClock
from tests.fakes import Hang, Lost, Outbox, ScriptedNotifier
from tests.test_outbox import CARD, RULES, STORY, shown
from tests.test_planner import OFFICE
from tests.test_work import do, opened


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
