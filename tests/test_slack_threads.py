"""Replies below a card in Slack are notes, told in Teams once; through both real doors, the desk and the outbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.demo import slack_payloads
from bot.demo.slack_records import Json, Message
from bot.demo.world import OPERATIONS
from bot.slack.manifest import BOT_SCOPES
from core.ports import MessageRef
from core.store import outgoing
from core.threads import Written
from tests.slack_office import until
from tests.thread_floor import CHANNEL, Floor, talk


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    async with talk(tmp_path) as made:
        yield made


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


async def test_a_note_by_command_is_told_below_every_card(floor: Floor) -> None:
    await floor.park.command("/ticket", "note 1 seen it before", CHANNEL)
    await floor.settled()
    assert [message.username for message in floor.below()] == ["Alex Park"]
    (answer,) = floor.answers()
    assert "Alex Park" in answer
    assert "seen it before" in answer


# names


async def test_an_app_that_may_not_use_other_names_says_who_wrote_and_asks_slack_no_more(floor: Floor) -> None:
    floor.slack.scopes = floor.slack._methods["chat.postMessage"].__self__._scopes = frozenset(BOT_SCOPES)  # type: ignore[attr-defined]
    for number in (1, 2):
        await floor.lee.say(f"note {number}", OPERATIONS, root=floor.head)
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


async def test_in_a_direct_message_a_command_needs_no_name_below_a_card_either(floor: Floor) -> None:
    direct = floor.slack.workspace.open_direct(("U0PARK",))
    await floor.park.say("show 1", direct.id)
    shown = [found.ts for found in direct.messages.values() if found.bot_id]
    ref = MessageRef("slack", direct.id, shown[0])
    await floor.installed.service.database.write(lambda session: outgoing.keep_shown(session, 1, ref, 1))
    await floor.park.say("that was it", direct.id, ref.message)
    await floor.park.say("resolve 1 done", direct.id, ref.message)
    await floor.settled()
    assert await floor.notes() == [("park", "that was it")]
    assert [event.kind for event in await floor.story()].count("ticket.resolved") == 1
