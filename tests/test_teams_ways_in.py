"""The ways into Teams beyond commands: plain words, one's own queue, other people's messages, one's own view."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from bot.commands.call import Call
from bot.demo.adaptive_card_lint import lint_card
from bot.teams import door
from core.model import PersonRef
from core.people import Seen
from core.views import Home, HomePart, Message, TicketCard, View
from tests.teams_fakes import (
    BOT,
    CHANNEL,
    CREATE,
    GROUP,
    LEE,
    LEE_MRI,
    NOON,
    PERSONAL,
    TENANT,
    Stage,
    card,
    stage,
)

BOT_MENTION = {"type": "mention", "mentioned": {"id": BOT, "name": "IT"}, "text": "<at>IT</at>"}
MADE = Message("message.created", {"ticket_id": 42, "title": "VPN"}, ticket_id=42)


@pytest.fixture
async def teams() -> AsyncIterator[Stage]:
    async with stage() as made:
        made.desk.answers["create"] = MADE
        yield made


class TestPlainWords:
    async def test_what_is_wrong_becomes_a_ticket_and_its_live_card_is_the_answer(self, teams: Stage) -> None:
        await teams.send(teams.message("VPN이 안 됩니다\n집에서 접속할 때만요"))
        create, show = teams.desk.calls
        assert (create.name, create.submitted) == ("create", True)
        assert create.fields == {"title": "VPN이 안 됩니다", "description": "VPN이 안 됩니다\n집에서 접속할 때만요"}
        assert create.once is not None
        assert (show.name, show.ticket_id) == ("show", 42)
        (posted,) = teams.posted(PERSONAL)
        assert [(view.id, ref.message) for view, ref in teams.placed] == [(42, posted.id)]

    @pytest.mark.parametrize("said", ["ticket the printer is on fire", "New ticket: the printer is on fire"])
    async def test_what_only_announces_the_request_is_not_its_title(self, teams: Stage, said: str) -> None:
        await teams.send(teams.message(said))
        assert teams.desk.calls[0].fields["title"] == "the printer is on fire"

    async def test_in_a_channel_a_mention_is_enough_and_people_are_named_but_not_called(self, teams: Stage) -> None:
        lee = {"type": "mention", "mentioned": {"id": LEE_MRI, "name": "이요청"}, "text": "<at>이요청</at>"}
        text = "<at>IT</at> the screen of <at>이요청</at> is black"
        await teams.send(teams.message(text, entities=[BOT_MENTION, lee], **teams.in_channel()))
        call = teams.desk.calls[0]
        assert call.fields["title"] == "the screen of @이요청 is black"
        assert call.place["permalink"].startswith("https://teams.microsoft.com/l/message/")
        assert len(teams.posted(CHANNEL)) == 1

    @pytest.mark.parametrize("said", ["thanks a lot", "asign 42 @kim", "42 @x 할당", "printer", "상태 42"])
    async def test_a_courtesy_a_slip_and_a_single_word_open_nothing(self, teams: Stage, said: str) -> None:
        await teams.send(teams.message(said))
        assert "create" not in teams.desk.names

    async def test_a_refusal_is_told_instead_of_a_card(self, teams: Stage) -> None:
        teams.desk.answers["create"] = Message("error.not_allowed", {"verb": "create"}, is_error=True)
        await teams.send(teams.message("the printer is on fire"))
        assert teams.desk.names == ["create"]
        assert len(teams.said()) == 1

    @pytest.mark.parametrize("said", ["overview", "내 티켓", "My tickets!", "ticket my tickets"])
    async def test_ones_own_queue_is_asked_for_in_plain_words(self, teams: Stage, said: str) -> None:
        await teams.send(teams.message(said))
        assert teams.desk.names == ["overview"]


async def test_the_overview_turns_its_pages_in_place(teams: Stage) -> None:
    teams.desk.answers["overview"] = Home(tuple(HomePart(name, (), 0, 0) for name in ("mine", "team")), NOON)
    await teams.send(teams.message("overview"))
    (posted,) = teams.posted(PERSONAL)
    assert lint_card(posted.activity["attachments"][0]["content"]) == []
    data = {"action": "overview", "mine": 2, "team": 1}
    await teams.send(teams.click(data, id="2") | {"replyToId": posted.id})
    assert teams.desk.calls[-1].fields == {"mine": "2", "team": "1"}
    assert (posted.edits, len(teams.posted(PERSONAL))) == (1, 1)


class TestQuotedMessage:
    PAYLOAD: ClassVar[dict[str, Any]] = {
        "id": "1763999990000",
        "from": {"user": {"userIdentityType": "aadUser", "id": LEE, "displayName": "이요청"}},
        "body": {"content": "<p>VPN</p>"},
    }

    async def offered(self, teams: Stage, payload: dict[str, Any]) -> dict[str, Any]:
        teams.desk.answers["create"] = CREATE
        value = {"commandId": "createTicket", "commandContext": "message", "messagePayload": payload}
        _, body = await teams.send(teams.invoke("composeExtension/fetchTask", value))
        data: dict[str, Any] = body["task"]["value"]["card"]["content"]["actions"][0]["data"]
        return data

    async def submitted(self, teams: Stage, data: dict[str, Any], id: str = "2") -> tuple[Call, Any]:
        value = {"commandId": "createTicket", "commandContext": "message", "data": data}
        _, body = await teams.send(teams.invoke("composeExtension/submitAction", value, id=id))
        return teams.desk.calls[-1], body

    async def test_its_author_is_the_requester(self, teams: Stage) -> None:
        data = await self.offered(teams, self.PAYLOAD)
        call, _ = await self.submitted(teams, data | {"title": "VPN"})
        assert call.place["requester"] == "p-30"
        assert "requester" not in call.fields

    async def test_a_refused_form_keeps_its_requester(self, teams: Stage) -> None:
        data = await self.offered(teams, self.PAYLOAD)
        _, body = await self.submitted(teams, data | {"title": ""})
        again = body["task"]["value"]["card"]["content"]["actions"][0]["data"]
        call, _ = await self.submitted(teams, again | {"title": "VPN"}, "3")
        assert call.place["requester"] == "p-30"

    async def test_a_requester_that_was_never_offered_to_the_sender_is_not_believed(self, teams: Stage) -> None:
        await teams.people.meet(_seen())
        call, _ = await self.submitted(teams, {"form": "create", "title": "VPN", "requester": "p-30"})
        assert "requester" not in call.place
        assert "requester" not in call.fields

    @pytest.mark.parametrize(
        "sender",
        [None, {"application": {"id": "x", "displayName": "Bot"}}, {"user": {"userIdentityType": "guest", "id": "g"}}],
    )
    async def test_what_a_bot_or_nobody_wrote_has_no_requester(self, teams: Stage, sender: Any) -> None:
        data = await self.offered(teams, self.PAYLOAD | {"from": sender})
        assert "requester" not in data


class TestOwnView:
    async def test_a_card_in_a_channel_names_whose_view_is_their_own(self, teams: Stage) -> None:
        await teams.people.meet(_seen())
        teams.desk.answers["show"] = _with_requester("p-30")
        await teams.send(teams.message("<at>IT</at> show 42", entities=[BOT_MENTION], **teams.in_channel()))
        shown = teams.posted(CHANNEL)[0].activity["attachments"][0]["content"]
        assert shown["refresh"]["userIds"] == [LEE_MRI]
        assert shown["refresh"]["action"]["data"]["ticket_id"] == 42

    async def test_a_card_for_one_reader_needs_no_list(self, teams: Stage) -> None:
        await teams.send(teams.message("show 42"))
        assert "userIds" not in teams.posted(PERSONAL)[0].activity["attachments"][0]["content"]["refresh"]

    async def test_a_refresh_is_answered_anew_each_time_and_leaves_no_trace(self, teams: Stage) -> None:
        action = {"type": "Action.Execute", "verb": "refresh", "data": {"ticket_id": 42}}
        for _ in range(2):
            await teams.send(teams.invoke("adaptiveCard/action", {"action": action, "trigger": "automatic"}))
        assert teams.desk.names == ["show_mine", "show_mine"]
        assert not teams.seen.keys


class TestDoubleClick:
    async def test_its_second_half_does_nothing_and_has_the_same_answer(self, teams: Stage) -> None:
        submit = {"data": {"form": "create", "title": "VPN"}}
        answers = [await teams.send(teams.invoke("task/submit", submit, id=id)) for id in ("1", "2")]
        assert teams.desk.names == ["create"]
        assert answers[0] == answers[1]

    async def test_another_persons_and_another_click_are_meant(self, teams: Stage) -> None:
        group = {"conversation": {"id": GROUP, "conversationType": "groupChat", "tenantId": TENANT}}
        await teams.send(teams.click({"action": "start", "ticket_id": 42}, **group))
        other = {"id": LEE_MRI, "name": "Lee", "aadObjectId": LEE}
        await teams.send(teams.click({"action": "start", "ticket_id": 42}, id="2", **group) | {"from": other})
        await teams.send(teams.click({"action": "wait", "ticket_id": 42}, id="3", **group))
        assert teams.desk.names == ["start", "start", "wait"]

    async def test_what_is_typed_twice_is_meant_twice(self, teams: Stage) -> None:
        for id in ("1", "2"):
            await teams.send(teams.message("note 42 again", id=id))
        assert len(teams.desk.calls) == 2


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("task/submit", {"data": {"form": "resolve", "ticket_id": 42}}, "task"),
        ("composeExtension/query", {"parameters": [{"name": "q", "value": "VPN"}]}, "composeExtension"),
        (
            "adaptiveCard/action",
            {"action": {"type": "Action.Execute", "verb": "resolve", "data": {"ticket_id": 42}}},
            "statusCode",
        ),
    ],
)
async def test_an_invoke_that_takes_too_long_is_answered_in_time_and_goes_on(
    teams: Stage, monkeypatch: pytest.MonkeyPatch, name: str, value: dict[str, Any], part: str
) -> None:
    monkeypatch.setattr(door, "_INVOKE_SECONDS", 0.05)
    go, done = asyncio.Event(), asyncio.Event()

    async def slow(call: Call) -> View:
        await go.wait()
        done.set()
        return MADE

    teams.desk.answers |= {"resolve": slow, "list": slow}
    status, body = await teams.send(teams.invoke(name, value))
    assert status == 200
    assert part in body
    go.set()
    await asyncio.wait_for(done.wait(), 1)


def _seen() -> Seen:
    return Seen("teams", LEE, TENANT, name="이요청", mri=LEE_MRI)


def _with_requester(person: str) -> TicketCard:
    return replace(card(), requester=PersonRef(person, "Lee"))
