"""Around a turn of the Teams door: failures, repetitions, the places where the bot is, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.commands.call import Call
from bot.demo.faults import FaultKind
from core.conversations import Conversation
from core.errors import StoreUnavailable
from core.views import (
    Message,
)
from tests.teams_fakes import (
    BOT,
    CHANNEL,
    KIM_MRI,
    PERSONAL,
    REFUSED,
    TEAM,
    TENANT,
    Stage,
    stage,
)


@pytest.fixture
async def teams() -> AsyncIterator[Stage]:
    async with stage() as made:
        yield made


class TestFailure:
    async def test_an_invoke_is_answered_500_with_a_reference_and_done_again_next_time(self, teams: Stage) -> None:
        teams.desk.answers["resolve"] = RuntimeError("secret")
        submit = teams.invoke("task/submit", {"data": {"form": "resolve", "ticket_id": 42}})
        status, body = await teams.send(submit)
        assert (status, body["error"]["code"]) == (500, "InternalError")
        assert "secret" not in str(body)
        del teams.desk.answers["resolve"]
        status, body = await teams.send(submit)
        assert (status, body["task"]["type"]) == (200, "message")

    async def test_a_card_action_is_answered_500_in_the_shape_of_cards(self, teams: Stage) -> None:
        teams.desk.answers["show"] = RuntimeError("secret")
        action = {"type": "Action.Execute", "verb": "show", "data": {"ticket_id": 42}}
        status, body = await teams.send(teams.invoke("adaptiveCard/action", {"action": action}))
        assert (status, body["statusCode"], body["type"]) == (500, 500, "application/vnd.microsoft.error")

    async def test_the_writer_of_a_message_is_told_in_their_language(self, teams: Stage) -> None:
        teams.desk.answers |= {"resolve": RuntimeError("secret"), "list": StoreUnavailable()}
        assert (await teams.send(teams.message("resolve 42")))[0] == 200
        assert (await teams.send(teams.message("list", id="2")))[0] == 200
        first, second = teams.said()
        assert "secret" not in first
        assert first != second

    async def test_news_that_nobody_waits_for_fail_in_silence(self, teams: Stage) -> None:
        async def broken(conversation: Conversation) -> None:
            raise RuntimeError("no disk")

        teams.book.remember = broken  # type: ignore[method-assign]
        added = {"type": "conversationUpdate", "membersAdded": [{"id": BOT}]}
        assert await teams.send(teams.message(None, **added)) == (200, None)
        assert not teams.posted(PERSONAL)

    async def test_a_reply_waits_as_long_as_teams_asks_and_arrives(self, teams: Stage) -> None:
        teams.connector.faults.add("reply", FaultKind.RATE_LIMITED, retry_after=0)
        teams.connector.faults.add("reply", FaultKind.REFUSED, status=412, code="PreconditionFailed")
        await teams.send(teams.message("show 42"))
        assert len(teams.said()) == 1

    @pytest.mark.parametrize("fault", [FaultKind.BAD_GATEWAY, FaultKind.SERVER_ERROR, FaultKind.DROP_AFTER])
    async def test_a_reply_that_may_have_arrived_is_not_sent_twice_and_what_was_asked_is_done(
        self, teams: Stage, fault: FaultKind
    ) -> None:
        teams.connector.faults.add("reply", fault)
        assert await teams.send(teams.message("resolve 42")) == (200, None)
        assert len(teams.posted(PERSONAL)) == (1 if fault is FaultKind.DROP_AFTER else 0)
        assert teams.desk.names == ["resolve"]


class TestRepetition:
    async def test_the_same_activity_twice_does_nothing_twice(self, teams: Stage) -> None:
        click = teams.click({"action": "note", "ticket_id": 42})
        await asyncio.gather(*(teams.send(click) for _ in range(5)))
        assert teams.desk.names == ["note"]

    async def test_who_asks_again_while_it_is_done_gets_the_same_answer(self, teams: Stage) -> None:
        going, go = asyncio.Event(), asyncio.Event()

        async def slow(call: Call) -> Message:
            going.set()
            await go.wait()
            return Message("message.resolved", {"ticket_id": 42})

        teams.desk.answers["resolve"] = slow
        submit = teams.invoke("task/submit", {"data": {"form": "resolve", "ticket_id": 42}})
        first = asyncio.create_task(teams.send(submit))
        await going.wait()
        second = asyncio.create_task(teams.send(submit))
        go.set()
        assert await first == await second == await teams.send(submit)
        assert teams.desk.names == ["resolve"]

    async def test_what_another_process_has_done_is_answered_with_nothing(self, teams: Stage) -> None:
        value = {"data": {"form": "resolve", "ticket_id": 42}}
        await teams.send(teams.invoke("task/submit", value))
        async with stage() as other:
            other.seen.keys |= teams.seen.keys
            assert await other.send(other.invoke("task/submit", value)) == (200, None)
            assert not other.desk.calls

    async def test_what_another_process_is_doing_is_asked_for_again_later(self, teams: Stage) -> None:
        await teams.send(teams.message("resolve 42"))
        async with stage() as other:
            other.seen.keys |= {key for key in teams.seen.keys if not key.endswith(":done")}
            assert (await other.send(other.message("resolve 42")))[0] == 503
            assert not other.desk.calls

    async def test_what_only_reads_is_answered_every_time(self, teams: Stage) -> None:
        fetch = teams.invoke("task/fetch", {"data": {"action": "show", "ticket_id": 42}})
        assert (await teams.send(fetch))[1] == (await teams.send(fetch))[1]
        assert teams.desk.names == ["show", "show"]


class TestPlaces:
    def news(self, teams: Stage, kind: str, **changes: Any) -> dict[str, Any]:
        return teams.message(None, type=kind, **changes)

    async def test_an_installation_is_kept_and_greeted_once(self, teams: Stage) -> None:
        added = self.news(teams, "installationUpdate", action="add")
        await teams.send(added)
        await teams.send(added)
        assert len(teams.said()) == 1
        kept = teams.book.kept[PERSONAL]
        assert kept == Conversation(PERSONAL, TENANT, teams.service_url, "personal", BOT, None, "p-20")
        await teams.send(self.news(teams, "installationUpdate", action="add-upgrade", id="2"))
        assert len(teams.said()) == 1

    async def test_people_who_come_are_not_greeted(self, teams: Stage) -> None:
        members = [{"id": KIM_MRI}, {"id": BOT}]
        await teams.send(self.news(teams, "conversationUpdate", membersAdded=members))
        await teams.send(self.news(teams, "conversationUpdate", membersAdded=members[:1], **teams.in_channel()))
        assert not teams.connector.calls
        assert set(teams.book.kept) == {PERSONAL}

    @pytest.mark.parametrize(
        "how",
        [
            {"type": "installationUpdate", "action": "remove"},
            {"type": "conversationUpdate", "membersRemoved": [{"id": BOT}]},
        ],
    )
    async def test_where_the_bot_was_removed_nothing_is_sent_until_it_is_heard_from(
        self, teams: Stage, how: dict[str, Any]
    ) -> None:
        await teams.send(teams.message("help"))
        await teams.send(teams.message(None, id="2") | how)
        assert teams.book.kept[PERSONAL].dead
        await teams.send(teams.message("help", id="3"))
        assert teams.book.kept[PERSONAL].dead is None

    async def test_a_deleted_channel_is_dead_and_a_new_one_known(self, teams: Stage) -> None:
        data = {"tenant": {"id": TENANT}, "channel": {"id": CHANNEL, "name": "장애알림"}, "team": {"id": TEAM}}
        place = {"conversation": {"id": TEAM, "conversationType": "channel", "tenantId": TENANT}}
        for event, dead in (("channelCreated", False), ("channelDeleted", True), ("channelRestored", False)):
            news = self.news(teams, "conversationUpdate", channelData=data | {"eventType": event}, **place)
            await teams.send(news)
            assert bool(teams.book.kept[CHANNEL].dead) is dead
        assert teams.book.kept[CHANNEL].name == "장애알림"

    async def test_the_newest_service_address_is_kept_and_nothing_written_when_nothing_is_new(
        self, teams: Stage
    ) -> None:
        await teams.send(teams.message("help"))
        await teams.send(teams.message("help", id="2"))
        assert teams.book.writes == 1
        moved = f"{teams.connector.base_url}/{TENANT}/moved/"
        token = f"Bearer {teams.issuer.token(moved)}"
        await teams.send(teams.message("resolve 42", id="3", serviceUrl=moved), authorization=token)
        assert teams.book.kept[PERSONAL].service_url == moved


async def test_what_is_under_way_is_finished_when_the_door_closes() -> None:
    going, go = asyncio.Event(), asyncio.Event()

    async def slow(call: Call) -> Message:
        going.set()
        await go.wait()
        return REFUSED

    async with stage() as teams:
        teams.desk.answers["resolve"] = slow
        asked = asyncio.create_task(teams.send(teams.message("resolve 42")))
        await going.wait()
        closing = asyncio.create_task(teams.opened.close())
        await asyncio.sleep(0)
        assert not closing.done()
        go.set()
        await closing
        assert len(teams.said()) == 1
        assert await asked == (200, None)
