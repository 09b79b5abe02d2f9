"""Replies below a card in Teams are notes, told in Slack once; through both real doors, the desk and the outbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.demo.teams_person import card_of
from bot.demo.world import OPERATIONS
from tests.teams_fakes import BOT, CHANNEL, GROUP, LEE_MRI, TENANT, Stage, stage
from tests.test_teams_door import mention
from tests.thread_floor import CHANNEL as SUPPORT
from tests.thread_floor import Floor, talk

FILE = "application/vnd.microsoft.teams.file.download.info"


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    async with talk(tmp_path) as made:
        yield made


# one talk on both sides


async def test_a_reply_in_teams_stands_in_the_thread_under_its_authors_name_once(floor: Floor) -> None:
    await floor.lee.say("Umleitung ist an", OPERATIONS, root=floor.head)
    await floor.settled()
    assert await floor.notes() == [("lee", "Umleitung ist an")]
    (below,) = floor.below()
    assert (below.thread_ts, below.username) == (floor.card, "Lee Jiwon (Teams)")
    assert "Umleitung ist an" in str(below.blocks)
    assert "wrote" not in str(below.blocks)
    assert floor.answers() == []
    assert not floor.wrongs()


async def test_edits_and_deletions_in_teams_follow_in_slack(floor: Floor) -> None:
    posted = await floor.lee.say("first", OPERATIONS, root=floor.head)
    await floor.settled()
    await floor.lee.edit(OPERATIONS, posted.id, "second")
    await floor.settled()
    (below,) = floor.below()
    assert "second" in str(below.blocks)
    assert "first" not in str(below.blocks)
    await floor.lee.delete(OPERATIONS, posted.id)
    await floor.settled()
    (below,) = floor.below()
    assert "second" not in str(below.blocks) + below.text
    assert "second" not in str(await floor.story())
    assert not floor.wrongs()


async def test_a_mention_below_the_card_that_is_no_command_is_a_note_like_any_other_reply(floor: Floor) -> None:
    await floor.lee.say("the cable is fixed", OPERATIONS, mention=True, root=floor.head)
    await floor.lee.say("resolve 1", OPERATIONS, mention=True, root=floor.head)
    await floor.settled()
    assert await floor.notes() == [("lee", "the cable is fixed")]
    assert (await floor.story())[-1].kind == "ticket.resolved"


async def test_files_are_named_with_the_address_where_they_can_be_seen(floor: Floor) -> None:
    files = {"router.log": "https://example.sharepoint.com/sites/ops/router.log"}
    await floor.lee.say("see", OPERATIONS, root=floor.head, files=files)
    await floor.settled()
    ((_, noted),) = await floor.notes()
    assert noted == "see\nrouter.log: https://example.sharepoint.com/sites/ops/router.log"
    assert "router.log" in str(floor.below()[0].blocks)


async def test_what_is_said_below_somebody_elses_message_is_nobodys_note(floor: Floor) -> None:
    root = await floor.lee.say("lunch?", OPERATIONS)
    await floor.lee.say("yes", OPERATIONS, root=root.id)
    await floor.settled()
    assert await floor.notes() == []
    assert len(floor.activities()) == 1
    assert not floor.wrongs()


async def test_one_talk_on_both_sides_is_one_story_and_comes_to_an_end(floor: Floor) -> None:
    await floor.park.say("one", SUPPORT, floor.card)
    await floor.lee.say("two", OPERATIONS, root=floor.head)
    await floor.kim.say("three", SUPPORT, floor.card)
    await floor.settled()
    assert await floor.notes() == [("park", "one"), ("lee", "two"), ("kim", "three")]
    assert [message.username for message in floor.below()] == ["Lee Jiwon (Teams)"]
    assert len(floor.answers()) == 2


async def test_a_line_below_the_card_says_who_wrote_what_and_not_again_what_it_is_about(floor: Floor) -> None:
    await floor.park.say("rebooted it", SUPPORT, floor.card)
    await floor.settled()
    (below,) = [posted for posted in floor.activities() if posted.id != floor.head]
    shown = card_of(below.activity)
    assert "VPN" not in str(shown["body"])
    assert "actions" not in shown
    assert "VPN is down" in below.activity["summary"]


# the door


@pytest.fixture
async def teams() -> AsyncIterator[Stage]:
    async with stage() as made:
        yield made


def below_card(teams: Stage, text: str | None = "on it", **changes: Any) -> dict[str, Any]:
    """Kim writes below a card in the channel; nobody is mentioned."""
    place = teams.in_channel()
    teams.threads.root = place["conversation"]["id"].split("=")[1]
    return teams.message(text, **place) | {"entities": []} | changes


def change(told: dict[str, Any], kind: str, event: str, **changes: Any) -> dict[str, Any]:
    return told | {"type": kind, "channelData": told["channelData"] | {"eventType": event}} | changes


async def test_a_reply_is_noted_with_its_place_and_a_name_that_lasts(teams: Stage) -> None:
    told = below_card(teams, "<at>이요청</at> restarted &lt;it&gt; <@U1>", entities=[mention("이요청", LEE_MRI)])
    for _ in range(2):
        assert (await teams.send(told))[0] == 200
    (written,) = teams.threads.written
    assert (written.by.name, written.text) == ("김담당", "@이요청 restarted <it> < @U1>")
    assert written.source_id == f"teams:{CHANNEL}:{told['id']}"
    assert written.place == {"platform": "teams", "channel": CHANNEL, "message": teams.threads.root}
    assert (written.revision, teams.desk.calls) == ("", [])


async def test_the_newer_of_two_edits_counts_whichever_comes_first(teams: Stage) -> None:
    told = below_card(teams)
    for at in ("2026-11-23T12:00:01.9025968Z", "2026-11-23T13:00:00.5+01:00", "2026-11-23T12:00:01"):
        await teams.send(change(told, "messageUpdate", "editMessage", timestamp=at))
    newest, oldest, between = (written.revision for written in teams.threads.written)
    assert "" < oldest < between < newest


async def test_an_edit_without_a_time_counts_as_made_when_it_is_heard(teams: Stage) -> None:
    await teams.send(change(below_card(teams), "messageUpdate", "editMessage", timestamp="soon"))
    (written,) = teams.threads.written
    assert abs((datetime.fromisoformat(written.revision) - datetime.now(UTC)).total_seconds()) < 60


async def test_a_deletion_needs_no_text(teams: Stage) -> None:
    told = below_card(teams)
    await teams.send(change(told, "messageDelete", "softDeleteMessage", text=None))
    assert teams.threads.gone == [f"teams:{CHANNEL}:{told['id']}"]


@pytest.mark.parametrize("words", ["resolve 42", "list mine", "asign 42 @kim", "/ticket show 42"])
async def test_a_mention_that_reads_like_a_command_is_one_and_the_same_words_without_it_are_talk(
    teams: Stage, words: str
) -> None:
    told = below_card(teams, words)
    await teams.send(told | {"id": "1", "entities": [mention("IT", BOT)], "text": f"<at>IT</at> {words}"})
    assert (len(teams.desk.calls), teams.threads.written) == (1, [])
    await teams.send(told | {"id": "2"})
    assert [written.text for written in teams.threads.written] == [words]
    assert len(teams.desk.calls) == 1


async def test_what_the_bot_may_read_but_is_not_about_a_ticket_moves_nothing(teams: Stage) -> None:
    told = below_card(teams)
    teams.threads.root = "1"
    silent = [
        told | {"id": "1"},
        told | {"id": "2", "from": {"id": "29:guest", "name": "Guest"}},
        told | {"id": "3", "conversation": told["conversation"] | {"id": CHANNEL}},
        teams.message("hello", id="4", conversation={"conversationType": "groupChat", "tenantId": TENANT, "id": GROUP}),
        change(told, "messageDelete", "softDeleteMessage"),
    ]
    for body in silent:
        assert await teams.send(body) == (200, None)
    assert (teams.threads.written, teams.threads.gone, teams.desk.calls, teams.people.seen) == ([], [], [], [])
    assert teams.said(CHANNEL) == []


async def test_bots_and_strangers_and_clicks_write_no_notes(teams: Stage) -> None:
    told = below_card(teams)
    bot = {"id": "28:another", "name": "Bot", "aadObjectId": "00000000-0000-0000-0000-000000000099"}
    await teams.send(told | {"id": "1", "from": bot})
    await teams.send(told | {"id": "2", "from": {"id": "29:guest", "name": "Guest"}})
    await teams.send(told | {"id": "3", "text": None, "value": {"action": "show", "ticket_id": 42}})
    assert teams.threads.written == []


async def test_a_reply_that_is_faster_than_the_record_of_its_card_is_waited_for(teams: Stage) -> None:
    told = below_card(teams)
    teams.threads.underway = 2
    assert (await teams.send(told))[0] == 200
    assert len(teams.threads.written) == 1


async def test_while_nobody_can_tell_whose_thread_it_is_teams_is_asked_to_send_it_again(teams: Stage) -> None:
    told = below_card(teams)
    teams.threads.underway = 4
    assert (await teams.send(told))[0] == 503
    assert (await teams.send(told))[0] == 200
    assert (len(teams.threads.written), teams.said(CHANNEL)) == (1, [])


@pytest.mark.parametrize("kind", ["message", "messageUpdate", "messageDelete"])
async def test_who_writes_what_cannot_be_written_down_is_told_so(teams: Stage, kind: str) -> None:
    told = below_card(teams) | {"type": kind}
    teams.threads.failing = True
    assert (await teams.send(told))[0] == 200
    (said,) = teams.posted(CHANNEL)
    assert (said.root, teams.threads.written) == (teams.threads.root, [])


@pytest.mark.parametrize(
    ("attached", "noted"),
    [
        ({"contentType": "text/html", "content": "<p>x</p>"}, "see"),
        (
            {"contentType": FILE, "name": "a.log", "contentUrl": "https://x.example/a"},
            "see\na.log: https://x.example/a",
        ),
        ({"contentType": FILE, "contentUrl": "https://x.example/a"}, "see\nhttps://x.example/a"),
        ({"contentType": FILE, "name": "a.log", "contentUrl": "javascript:alert(1)"}, "see"),
    ],
)
async def test_a_file_is_its_name_and_a_web_address(teams: Stage, attached: dict[str, Any], noted: str) -> None:
    await teams.send(below_card(teams, "see", attachments=[attached]))
    assert [written.text for written in teams.threads.written] == [noted]


async def test_a_picture_is_a_way_to_the_message_that_shows_it(teams: Stage) -> None:
    picture = {"contentType": "image/png", "contentUrl": "https://smba.trafficmanager.net/x/views/imgo"}
    await teams.send(below_card(teams, "", attachments=[picture]))
    (written,) = teams.threads.written
    assert written.text.startswith("picture: https://teams.microsoft.com/l/message/19%3Achannel")
    assert "smba" not in written.text


async def test_a_malformed_attachment_is_refused_and_not_guessed_at(teams: Stage) -> None:
    assert (await teams.send(below_card(teams, attachments=[{"contentType": 7}])))[0] == 400
