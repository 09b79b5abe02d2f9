"""Threads below cards: one talk in Slack and in Teams, through both real doors, the desk and the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.demo import slack_payloads
from bot.demo.installation import Installation, listen
from bot.demo.slack_person import SlackUser
from bot.demo.slack_records import Json, Message
from bot.demo.teams_activities import Situation, activity, activity_message
from bot.demo.teams_person import TeamsUser
from bot.demo.teams_records import Posted
from bot.demo.world import OPERATIONS
from bot.slack.manifest import BOT_SCOPES
from core.model import Event
from core.store import outgoing
from core.threads import Written
from tests.slack_office import until

CHANNEL = "C0SUPPORT"


class Floor:
    """A ticket that is shown in #it-support and in the channel Operations; Kim and Park are in Slack, Lee in Teams."""

    def __init__(self, installed: Installation) -> None:
        self.installed = installed
        self.slack, self.teams = installed.slack, installed.teams
        self.kim: SlackUser = installed.slack_users["U0KIM"]
        self.park: SlackUser = installed.slack_users["U0PARK"]
        self.lee: TeamsUser = installed.teams_users["29:1Lee"]

    async def open(self) -> None:
        await self.kim.command("/ticket", "create VPN is down", CHANNEL)
        await until(lambda: self.messages() and self.activities())
        await self.settled()
        self.card, self.head = self.messages()[0].ts, self.activities()[0].id

    async def settled(self) -> None:
        """Everything is told that there is to tell."""
        service = self.installed.service
        async with asyncio.timeout(10):
            while await service.teller.round() or await self._lanes():  # noqa: ASYNC110 -- a database has no event for it
                await asyncio.sleep(0.01)

    async def _lanes(self) -> list[str]:
        return await self.installed.service.database.read(outgoing.busy_lanes)

    def messages(self) -> list[Message]:
        """What the bot wrote in #it-support, oldest first."""
        return [found for found in self.slack.workspace.channels[CHANNEL].messages.values() if found.bot_id]

    def below(self) -> list[Message]:
        """What the bot wrote below the card in #it-support."""
        return [message for message in self.messages() if message.is_reply and message.thread_ts == self.card]

    def activities(self) -> list[Posted]:
        found = self.teams.world.conversations[OPERATIONS].activities.values()
        return [posted for posted in found if posted.sender == self.teams.world.bot_id]

    def answers(self) -> list[str]:
        """What stands below the card in Teams."""
        below = [posted for posted in self.activities() if posted.root == self.head and posted.id != self.head]
        return [str(posted.activity["attachments"]) for posted in below]

    async def story(self) -> list[Event]:
        return await self.installed.service.desk.timeline(1)

    async def notes(self) -> list[tuple[str, str]]:
        return [(event.actor.id, event.data["text"]) for event in await self.story() if event.kind == "ticket.noted"]

    async def in_teams(self, kind: str, text: str, id: str, event: str = "", *, mention: bool = False) -> Json:
        """Something that Lee does with a message below the card in Teams, as Teams tells the bot of it."""
        world = self.teams.world
        url, now = self.teams.service_url(self.lee._person.tenant), world.clock()
        place = world.conversations[OPERATIONS]
        where = Situation(self.lee._person, place, world.bot_id, world.bot_name, url, id, now, self.head)
        told = activity_message(where, text, mention=mention) | {"type": kind}
        if kind == "messageDelete":
            told = activity(where, kind)
        if event:
            told["channelData"]["eventType"] = event
        answer = await self.lee._door.deliver(told)
        assert answer.status == 200
        return told

    def wrongs(self) -> list[Any]:
        return [*self.slack.violations, *self.teams.violations]


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    installed = Installation(tmp_path, listen(0), pace=0.01)
    await installed.prepare()
    await installed.start()
    made = Floor(installed)
    try:
        await made.open()
        yield made
    finally:
        await installed.stop()


# from Slack


async def test_a_reply_below_the_card_is_a_note_and_stands_in_teams_once_with_its_author(floor: Floor) -> None:
    await floor.park.say("restarted the <b>gateway</b> & <@U0KIM> looks", CHANNEL, floor.card)
    await floor.settled()
    assert await floor.notes() == [("park", "restarted the <b>gateway</b> & @Kim Minji looks")]
    (answer,) = floor.answers()
    assert "Alex Park wrote in Slack:" in answer
    assert "restarted the <b>gateway</b> & @Kim Minji looks" in answer
    assert floor.below() == []
    assert not floor.wrongs()


async def test_a_reply_is_noted_once_however_often_slack_tells_of_it(floor: Floor) -> None:
    written = await floor.park.say("once", CHANNEL, floor.card)
    app, place = floor.slack.workspace.app, floor.slack.workspace.channels[CHANNEL]
    event = slack_payloads.message_event(app, written, place, "again")
    payload = slack_payloads.event_payload(app, event, "Ev0SAME", 1)
    for attempt in (1, 2):
        answer = await floor.park._door.deliver("events_api", payload, retry=attempt)
        assert answer.status == 200
    await floor.settled()
    assert await floor.notes() == [("park", "once")]
    assert len(floor.answers()) == 1


async def test_edits_and_deletions_of_a_reply_follow(floor: Floor) -> None:
    written = await floor.park.say("its the router", CHANNEL, floor.card)
    await floor.settled()
    await floor.park.edit(CHANNEL, written.ts, "it is the router, password hunter2")
    await floor.settled()
    (answer,) = floor.answers()
    assert "it is the router" in answer
    assert "(edited)" in answer
    await floor.park.delete(CHANNEL, written.ts)
    await floor.settled()
    (answer,) = floor.answers()
    assert "router" not in answer
    assert "Alex Park deleted the note that stood here." in answer
    assert "hunter2" not in str(await floor.story())
    assert not floor.wrongs()


async def test_files_are_named_with_the_address_where_they_can_be_seen(floor: Floor) -> None:
    await floor.park.say("", CHANNEL, floor.card, files=("router.log",))
    await floor.settled()
    ((_, noted),) = await floor.notes()
    assert noted.startswith("router.log: https://")
    assert noted.endswith("/router.log")
    assert "router.log" in floor.answers()[0]


async def test_what_begins_with_the_bots_name_is_a_command_and_no_note(floor: Floor) -> None:
    await floor.park.say("<@U0DESKBELL> resolve 1 done", CHANNEL, floor.card)
    await floor.settled()
    assert await floor.notes() == []
    assert (await floor.story())[-1].kind == "ticket.resolved"


async def test_the_bots_name_within_a_reply_is_talk(floor: Floor) -> None:
    await floor.park.say("I asked <@U0DESKBELL> already", CHANNEL, floor.card)
    await floor.settled()
    assert [noted for _, noted in await floor.notes()] == ["I asked @Deskbell already"]
    assert floor.below() == []


async def test_what_is_said_elsewhere_or_by_nobody_is_no_note(floor: Floor) -> None:
    other = await floor.kim.say("lunch?", CHANNEL)
    await floor.park.say("yes", CHANNEL, other.ts)
    workspace = floor.slack.workspace
    app, place = workspace.app, workspace.channels[CHANNEL]
    reply = Message(workspace.next_ts(), CHANNEL, "U0PARK", "x", thread_ts=floor.card)
    told = slack_payloads.message_event(app, reply, place, "c")
    silent: list[Json] = [
        told | {"subtype": subtype}
        for subtype in ("channel_join", "channel_topic", "bot_message", "pinned_item", "reminder_add", "unheard_of")
    ]
    silent += [told | {"bot_id": "B0OTHER"}, told | {"user": None}]
    shown = reply.payload(app.team)
    silent.append({"type": "message", "subtype": "message_changed", "channel": CHANNEL, "ts": "1.0", "message": shown})
    for number, event in enumerate(silent):
        payload = slack_payloads.event_payload(app, event, f"Ev0{number}", 1)
        assert (await floor.park._door.deliver("events_api", payload)).status == 200
    await floor.settled()
    assert await floor.notes() == []
    assert floor.answers() == []


async def test_a_reply_that_cannot_be_written_down_is_asked_for_again(floor: Floor) -> None:
    database = floor.installed.service.database
    await database.write(lambda session: session.execute(text("PRAGMA query_only = ON")))
    written = Message(floor.slack.workspace.next_ts(), CHANNEL, "U0PARK", "kept", thread_ts=floor.card)
    app, place = floor.slack.workspace.app, floor.slack.workspace.channels[CHANNEL]
    payload = slack_payloads.event_payload(app, slack_payloads.message_event(app, written, place, "c"), "Ev0LATER", 1)
    statuses = [(await floor.park._door.deliver("events_api", payload)).status for _ in range(3)]
    assert statuses[0] == 503
    assert statuses[-1] == 200
    assert await floor.notes() == [("park", "kept")]


# from Teams


async def test_a_reply_in_teams_stands_in_the_thread_under_its_authors_name_once(floor: Floor) -> None:
    told = await floor.in_teams("message", "Umleitung ist an", "1764000000001", mention=True)
    assert (await floor.lee._door.deliver(told)).status == 200
    await floor.settled()
    assert await floor.notes() == [("lee", "Umleitung ist an")]
    (below,) = floor.below()
    assert (below.thread_ts, below.username) == (floor.card, "Lee Jiwon (Teams)")
    assert "Umleitung ist an" in str(below.blocks)
    assert "wrote" not in str(below.blocks)
    assert floor.answers() == []
    assert not floor.wrongs()


async def test_edits_and_deletions_in_teams_follow(floor: Floor) -> None:
    await floor.in_teams("message", "first", "1764000000001")
    await floor.settled()
    await floor.in_teams("messageUpdate", "second", "1764000000001", "editMessage")
    await floor.settled()
    (below,) = floor.below()
    assert "second" in str(below.blocks)
    assert "first" not in str(below.blocks)
    await floor.in_teams("messageDelete", "", "1764000000001", "softDeleteMessage")
    await floor.settled()
    (below,) = floor.below()
    assert "second" not in str(below.blocks) + below.text
    assert not floor.wrongs()


async def test_a_command_below_the_card_in_teams_stays_a_command(floor: Floor) -> None:
    await floor.in_teams("message", "resolve 1", "1764000000001", mention=True)
    await floor.settled()
    assert await floor.notes() == []
    assert (await floor.story())[-1].kind == "ticket.resolved"


async def test_one_talk_on_both_sides_is_one_story_and_comes_to_an_end(floor: Floor) -> None:
    await floor.park.say("one", CHANNEL, floor.card)
    await floor.in_teams("message", "two", "1764000000001")
    await floor.kim.say("three", CHANNEL, floor.card)
    await floor.settled()
    assert await floor.notes() == [("park", "one"), ("lee", "two"), ("kim", "three")]
    assert [message.username for message in floor.below()] == ["Lee Jiwon (Teams)"]
    assert len(floor.answers()) == 2


# names


async def test_an_app_that_may_not_use_other_names_says_who_wrote_and_asks_slack_no_more(floor: Floor) -> None:
    floor.slack.scopes = floor.slack._methods["chat.postMessage"].__self__._scopes = frozenset(BOT_SCOPES)  # type: ignore[attr-defined]
    for number in (1, 2):
        await floor.in_teams("message", f"note {number}", f"176400000000{number}")
        await floor.settled()
    assert [message.username for message in floor.below()] == ["", ""]
    assert all("Lee Jiwon" in str(message.blocks) for message in floor.below())
    refused = [call for call in floor.slack.calls if call.error == "missing_scope"]
    assert len(refused) == 1


async def test_somebody_known_in_slack_is_shown_with_their_picture(floor: Floor) -> None:
    address = "https://avatars.example/kim.png"
    floor.slack.workspace.people["U0PARK"].image = address
    people = floor.installed.service.desk.people
    await floor.park.say("<@U0DESKBELL> list", CHANNEL)
    await until(lambda: people._people["park"].picture == address)
    told = await people.person("park")
    assert told is not None
    place = {"platform": "teams", "channel": OPERATIONS, "message": "0"}
    said = Written("teams:elsewhere:1", told.ref, "said in Teams", place)
    await floor.installed.service.desk.notes.wrote(1, said)
    await floor.settled()
    (below,) = floor.below()
    assert (below.username, below.icons) == ("Alex Park (Teams)", {"image_48": address})
