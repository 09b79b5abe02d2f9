"""In a storm a channel gets one message that lists the tickets; nothing is lost, and what matters gets its card."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import commands as c
from core.config.notifications import StormSettings
from core.model import DESKBELL, Event, Priority, Ticket
from core.outbox.digest import Storms
from core.views import Digest, TicketCard
from tests.conftest import NOON, MakeDesk, SetClock
from tests.fakes import Outbox, ScriptedNotifier
from tests.slack_desk import slack_desk
from tests.slack_office import until
from tests.test_intake import alert, send
from tests.test_planner import OFFICE
from tests.test_work import do, opened

RULES: list[dict[str, Any]] = [
    {"name": "card", "on": ["ticket.created"], "to": ["slack:#desk"], "show": "card"},
    {"name": "story", "on": ["ticket.noted", "ticket.started"], "to": ["cards"], "show": "thread"},
]


class Channel:
    def __init__(self, outbox: Outbox, slack: ScriptedNotifier, clock: SetClock) -> None:
        self.outbox, self.slack, self.clock = outbox, slack, clock

    async def open(self, count: int, **more: Any) -> None:
        for _ in range(count):
            await opened(self.outbox.desk, **more)
            await self.outbox.tell()

    def cards(self) -> list[int]:
        return [message.view.id for message in self.slack.posted if isinstance(message.view, TicketCard)]

    def digests(self) -> list[Any]:
        return [message for message in self.slack.posted if isinstance(message.view, Digest)]

    def newest(self) -> Digest:
        shown = [message.view for message in self.slack.edits if isinstance(message.view, Digest)]
        assert shown
        return shown[-1]


@pytest.fixture
async def channel(make_desk: MakeDesk, clock: SetClock) -> Channel:
    desk = await make_desk(**OFFICE, notifications=RULES, notifications_storm={"cards": 3, "within": "60s"})
    slack = ScriptedNotifier("slack", clock)
    return Channel(Outbox(desk, clock, slack), slack, clock)


async def test_what_is_too_much_for_a_channel_is_one_message_that_lists_it(channel: Channel) -> None:
    await channel.open(3)
    await channel.open(2, systems=("mail",))
    await channel.open(1, priority=Priority.HIGH, systems=("mail", "web"))
    assert channel.cards() == [1, 2, 3]
    assert len(channel.digests()) == 1
    shown = channel.newest()
    assert (shown.total, shown.open) == (3, 3)
    assert shown.priorities == ((Priority.HIGH, 1), (Priority.MEDIUM, 2))
    assert shown.systems == (("mail", 3), ("web", 1))
    assert [line.id for line in shown.newest] == [6, 5, 4]


async def test_a_digest_is_edited_once_in_a_few_seconds_however_many_tickets_come(channel: Channel) -> None:
    for _ in range(20):
        await opened(channel.outbox.desk)
        await channel.outbox.plan()
    await channel.outbox.tell()
    assert channel.newest().total == 17
    assert len(channel.newest().newest) == 5
    assert len(channel.slack.edits) <= 2


async def test_what_is_critical_gets_its_card_all_the_same(channel: Channel) -> None:
    await channel.open(4)
    await channel.open(1, priority=Priority.CRITICAL)
    assert channel.cards() == [1, 2, 3, 5]
    await do(channel.outbox.desk, 4, c.Prioritize(Priority.CRITICAL))
    await channel.outbox.tell()
    assert channel.cards() == [1, 2, 3, 5, 4]


async def test_a_listed_ticket_gets_its_card_and_its_story_when_somebody_acts_on_it(channel: Channel) -> None:
    await channel.open(5)
    await do(channel.outbox.desk, 4, c.Start())
    await channel.outbox.tell()
    await do(channel.outbox.desk, 4, c.Note("found it"))
    await channel.outbox.tell()
    assert channel.cards() == [1, 2, 3, 4]
    below = [message.view.key for message in channel.slack.posted if message.thread is not None]  # type: ignore[union-attr]
    assert below == ["notice.ticket.started", "notice.ticket.noted"]
    assert channel.newest().total == 2, "it stays listed"
    log = [
        (row.rule, row.state, row.reason) for row, _ in await channel.outbox.desk.deliveries(4) if row.show == "card"
    ]
    assert log == [("card", "skipped", "listed in a digest"), ("digest", "sent", None)]


async def test_a_ticket_that_is_listed_and_worked_on_in_one_round_gets_its_card(channel: Channel) -> None:
    await channel.open(3)
    await opened(channel.outbox.desk)
    await do(channel.outbox.desk, 4, c.Start())
    await channel.outbox.tell()
    await do(channel.outbox.desk, 4, c.Resolve())
    await channel.outbox.tell()
    assert channel.cards() == [1, 2, 3, 4]
    assert [message.view.version for message in channel.slack.edits if isinstance(message.view, TicketCard)] == [3]


async def test_what_becomes_of_listed_tickets_shows_in_the_digest(channel: Channel) -> None:
    for number in range(5):
        await send(channel.outbox.desk, alert(f"a{number}", severity="warning"))
    await channel.outbox.tell()
    assert channel.newest().open == 2
    await send(channel.outbox.desk, alert("a4", "resolved", ended=NOON, severity="warning"))
    await channel.outbox.tell()
    assert (channel.newest().total, channel.newest().open) == (2, 1)
    assert channel.cards() == [1, 2, 3], "an alert that recovers is nobody's act"


async def test_when_it_is_calm_again_there_are_cards_and_the_next_storm_is_another_message(channel: Channel) -> None:
    await channel.open(5)
    channel.clock.advance(seconds=61)
    await channel.open(3)
    assert channel.cards() == [1, 2, 3, 6, 7, 8]
    await channel.open(1)
    assert len(channel.digests()) == 2
    assert channel.digests()[0].key != channel.digests()[1].key


async def test_a_storm_survives_a_restart(channel: Channel) -> None:
    await channel.open(4)
    other = await channel.outbox.restart(channel.clock, channel.slack)
    await opened(other.desk)
    await other.tell()
    assert channel.cards() == [1, 2, 3]
    assert len(channel.digests()) == 1
    assert channel.newest().total == 2


async def test_a_digest_that_somebody_deletes_begins_anew(channel: Channel) -> None:
    await channel.open(4)
    channel.slack.delete(channel.digests()[0].key)
    await channel.open(1)
    await channel.open(1)
    assert len(channel.digests()) == 2


async def test_a_digest_whose_channel_is_gone_stands_elsewhere_with_its_tickets(
    make_desk: MakeDesk, clock: SetClock
) -> None:
    desk = await make_desk(
        **OFFICE, notifications=RULES, notifications_storm={"cards": 2}, notifications_fallback=["slack:#ops"]
    )
    slack = ScriptedNotifier("slack", clock)
    channel = Channel(Outbox(desk, clock, slack), slack, clock)
    await channel.open(2)
    slack.shut["#desk"] = "is_archived"
    for _ in range(3):
        await opened(desk)
        await channel.outbox.plan()
    await channel.outbox.tell()
    assert {digest.address for digest in channel.digests()} == {"#ops"}
    listed = [line.id for message in slack.edits or slack.posted for line in getattr(message.view, "newest", ())]
    listed += [line.id for message in channel.digests() for line in message.view.newest]
    assert set(listed) == {3, 4, 5}
    await do(desk, 4, c.Start())
    await channel.outbox.tell()
    assert [message.address for message in slack.posted if getattr(message.view, "id", 0) == 4] == ["#ops"]


def test_without_a_limit_every_ticket_has_a_card() -> None:
    storms, ticket = Storms(StormSettings(cards=0)), Ticket(1, "t", NOON, NOON)
    created = [Event("ticket.created", 1, NOON, DESKBELL, "api", {}, seq) for seq in range(1, 500)]
    assert {storms.take("slack:#a", ticket, event) for event in created} == {None}


async def test_in_slack_the_digest_is_one_message_and_shows_its_tickets(clock: SetClock, database_url: str) -> None:
    async with slack_desk(clock, database_url, notifications_storm={"cards": 2}) as place:
        for number in range(4):
            await place.opened(f"VPN {number} <!channel>")
        messages = place.slack.workspace.channels["C0DESK"].messages

        def digest() -> Any:
            return next((found for found in messages.values() if "new tickets at once" in found.text), None)

        await until(digest)
        place.advance(seconds=6)
        place.running.service.delivery.wake(["slack:#it-support"])
        await until(lambda: "VPN 3" in str(digest().blocks))
        assert len(messages) == 3
        assert (await place.person("U0LEE").click("C0DESK", digest().ts, "show", block_id=_row(digest(), "VPN 3"))).ok
        (whisper,) = place.slack.workspace.ephemerals.values()
        assert "Ticket #4" in str(whisper.blocks)
        assert not place.wrongs()


def _row(message: Any, title: str) -> str:
    return next(str(block["block_id"]) for block in message.blocks if title in str(block))


@given(gaps=st.lists(st.floats(0, 90), max_size=60), cards=st.integers(1, 8))
def test_a_place_never_gets_more_cards_than_its_limit_within_the_time(gaps: list[float], cards: int) -> None:
    storms, at, posted = Storms(StormSettings(cards=cards, within=60)), NOON, []
    for seq, gap in enumerate(gaps, 1):
        at += timedelta(seconds=gap)
        ticket = Ticket(seq, "t", at, at)
        if storms.take("slack:#a", ticket, Event("ticket.created", seq, at, DESKBELL, "api", {}, seq)) is None:
            posted.append(at)
    for last in range(cards, len(posted)):
        assert posted[last] - posted[last - cards] >= timedelta(seconds=60)
