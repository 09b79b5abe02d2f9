"""The Teams door over HTTP: what is written becomes a call, and its view an answer that Teams understands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.faults import FaultKind
from bot.teams.incoming import Account, parse
from bot.teams.spoken import command, words_of
from core.model import Person
from core.views import (
    Help,
    HelpEntry,
)
from tests.teams_fakes import (
    BOT,
    CHANNEL,
    CREATE,
    GROUP,
    KIM,
    KIM_MRI,
    LEE,
    LEE_MRI,
    PERSONAL,
    REFUSED,
    TEAM,
    TENANT,
    Stage,
    card,
    recorded,
    stage,
)


@pytest.fixture
async def teams() -> AsyncIterator[Stage]:
    async with stage() as made:
        yield made


def mention(name: str, id: str) -> dict[str, Any]:
    return {"type": "mention", "mentioned": {"id": id, "name": name}, "text": f"<at>{name}</at>"}


class TestWords:
    async def test_a_message_in_a_chat_is_a_command_by_its_sender_in_their_language(self, teams: Stage) -> None:
        assert await teams.send(teams.message("List  mine priority:high\n")) == (200, None)
        (call,) = teams.desk.calls
        assert (call.name, call.text, call.origin) == ("list", "mine priority:high", "teams")
        assert (call.by.teams, call.by.teams_mri) == (KIM, KIM_MRI)
        assert (call.words.language, call.words.time_zone) == ("ko", "Asia/Seoul")
        assert (call.place["platform"], call.place["channel"]) == ("teams", PERSONAL)
        (seen,) = teams.people.seen
        assert (seen.tenant, seen.language, seen.time_zone) == (TENANT, "ko", "Asia/Seoul")

    async def test_what_a_person_has_chosen_goes_before_what_their_client_says(self, teams: Stage) -> None:
        teams.people.people[KIM] = Person("kim", "Kim", language="en", time_zone="Europe/Berlin", teams=KIM)
        await teams.send(teams.message("help"))
        assert (teams.desk.calls[0].words.language, teams.desk.calls[0].words.time_zone) == ("en", "Europe/Berlin")

    async def test_an_unknown_language_and_an_invented_time_zone_fall_back_to_the_installations(
        self, teams: Stage
    ) -> None:
        client = {"type": "clientInfo", "timezone": "../../etc/passwd"}
        await teams.send(teams.message("help", locale="xx-XX", entities=[client]))
        assert (teams.desk.calls[0].words.language, teams.desk.calls[0].words.time_zone) == ("en", "UTC")

    async def test_the_answer_is_one_card_alone_with_its_text_as_summary(self, teams: Stage) -> None:
        teams.desk.answers["show"] = card(42, title="VPN [클릭](https://evil.example)")
        await teams.send(teams.message("show 42"))
        (posted,) = teams.posted(PERSONAL)
        assert "text" not in posted.activity
        assert "#42" in posted.activity["summary"]
        assert [entry["contentType"] for entry in posted.activity["attachments"]] == [
            "application/vnd.microsoft.card.adaptive"
        ]

    async def test_a_card_that_was_an_answer_is_reported_so_that_it_stays_live(self, teams: Stage) -> None:
        await teams.send(teams.message("show 42", **teams.in_channel()) | {"entities": [mention("IT", BOT)]})
        ((view, ref),) = teams.placed
        (posted,) = teams.posted(CHANNEL)
        assert (view.id, ref.platform, ref.message, ref.tenant) == (42, "teams", posted.id, TENANT)
        assert ref.channel == f"{CHANNEL};messageid={posted.root}"

    async def test_a_refusal_is_told(self, teams: Stage) -> None:
        teams.desk.answers["resolve"] = REFUSED
        await teams.send(teams.message("resolve 42"))
        assert len(teams.said()) == 1

    async def test_a_form_that_no_dialog_can_open_for_comes_as_a_card_that_works(self, teams: Stage) -> None:
        teams.desk.answers["create"] = CREATE
        await teams.send(teams.message("create"))
        (action,) = teams.posted(PERSONAL)[0].activity["attachments"][0]["content"]["actions"]
        await teams.send(teams.click(action["data"] | {"title": "Printer"}, id="2"))
        submitted = teams.desk.calls[-1]
        assert (submitted.name, submitted.submitted, submitted.fields["title"]) == ("create", True, "Printer")
        assert submitted.place["permalink"] == CREATE.context["permalink"]

    @pytest.mark.parametrize(
        ("said", "name", "rest"),
        [
            ("", "help", ""),
            ("ticket", "help", ""),
            ("/ticket assign 42 me", "assign", "42 me"),
            ("/Assign 42", "assign", "42"),
            ("새 티켓 VPN이 안 됩니다", "새", "티켓 VPN이 안 됩니다"),
            ("note 42 two\nlines  here", "note", "42 two\nlines  here"),
            ("ticket ticket ticket", "ticket", "ticket"),
        ],
    )
    def test_the_first_word_is_the_command(self, said: str, name: str, rest: str) -> None:
        assert command(said, "ticket") == (name, rest)

    async def test_in_a_channel_and_a_group_only_what_mentions_the_bot_is_meant_for_it(self, teams: Stage) -> None:
        place = teams.in_channel()
        await teams.send(teams.message("resolve 42", **place))
        group = {"id": GROUP, "conversationType": "groupChat", "tenantId": TENANT}
        await teams.send(teams.message("resolve 42", conversation=group))
        assert not teams.desk.calls
        mentioned = teams.message("<at>IT</at> resolve 42", id="2", entities=[mention("IT", BOT)], **place)
        await teams.send(mentioned)
        (call,) = teams.desk.calls
        root = teams.connector.world.conversations[CHANNEL].activities
        assert call.place["channel"] == CHANNEL
        assert call.place["thread"] == next(iter(root))
        assert call.place["permalink"].startswith("https://teams.microsoft.com/l/message/19%3Achannel")

    async def test_somebody_whom_teams_does_not_vouch_for_may_do_nothing(self, teams: Stage) -> None:
        message = teams.message("resolve 42")
        message["from"] = {"id": "29:anonymous", "name": "Guest"}
        assert (await teams.send(message))[0] == 200
        status, body = await teams.send(teams.invoke("task/fetch", {"data": {}}) | {"from": {"id": "29:anonymous"}})
        assert (status, body["error"]["code"]) == (403, "Forbidden")
        assert not teams.desk.calls
        assert len(teams.said()) == 1


class TestMentions:
    async def test_the_bots_name_elsewhere_in_the_text_stays(self, teams: Stage) -> None:
        text = "<at>IT</at> create IT 장비 고장 &amp; IT&nbsp;room"
        await teams.send(teams.message(text, entities=[mention("IT", BOT)]))
        assert teams.desk.calls[0].text == "IT 장비 고장 & IT room"

    async def test_a_person_is_found_by_the_roster_and_only_once(self, teams: Stage) -> None:
        group = {"id": GROUP, "conversationType": "groupChat", "tenantId": TENANT}
        entities = [mention("IT", BOT), mention("이요청", LEE_MRI)]
        for number in ("1", "2"):
            message = teams.message("<at>IT</at> assign 42 <at>이요청</at>", id=number, entities=entities)
            await teams.send(message | {"conversation": group})
        assert [call.text for call in teams.desk.calls] == ["42 <@p-30>"] * 2
        assert [call.operation for call in teams.connector.calls].count("members") == 1
        lee = teams.people.people[LEE]
        assert (lee.name, lee.teams_mri) == ("이요청", LEE_MRI)

    async def test_a_person_who_cannot_be_found_keeps_their_name(self, teams: Stage) -> None:
        teams.connector.faults.add("members", FaultKind.BAD_GATEWAY)
        await teams.send(teams.message("assign 42 <at>Choi <@p-20></at>", entities=[mention("Choi <@p-20>", "29:3")]))
        assert teams.desk.calls[0].text == "42 @Choi < @p-20>"

    async def test_a_mention_cannot_be_typed(self, teams: Stage) -> None:
        for number, typed in enumerate(("<@p-20>", "&lt;@p-20&gt;", "<at>x</at>&lt;@p-20>", "<<at></at>@p-20>")):
            await teams.send(teams.message(f"assign 42 {typed}", id=str(number)))
        assert len(teams.desk.calls) == 4
        assert not any("<@" in call.text for call in teams.desk.calls)

    @given(st.text(max_size=60), st.lists(st.sampled_from(["Kim", "IT", "<b>", "\ue0000\ue001"]), max_size=3))
    def test_whatever_is_typed_only_mentions_become_people(self, text: str, names: list[str]) -> None:
        tags = "".join(f" <at>{name}</at> " for name in names)
        incoming = parse(
            json.dumps(
                {
                    "type": "message",
                    "channelId": "msteams",
                    "serviceUrl": "https://x/",
                    "conversation": {"id": "a:1"},
                    "recipient": {"id": BOT},
                    "text": text + tags,
                    "entities": [mention(name, f"29:{name}") for name in names],
                }
            ).encode()
        )

        async def person(account: Account) -> str:
            return "<@somebody>"

        said = asyncio.run(words_of(incoming, person))
        assert said.count("<@") <= len(names)
        assert said.replace("<@somebody>", "").count("<@") == 0


# name of the recorded activity -> the call that it makes: name, words, submitted
RECORDED: dict[str, tuple[str, str, bool] | None] = {
    "conversationUpdate_bot_added_team": None,
    "conversationUpdate_channel_deleted": None,
    "conversationUpdate_user_added": None,
    "installationUpdate_add": None,
    "installationUpdate_remove": None,
    "messageReaction_added": None,
    "invoke_adaptivecard_action_manual": ("assign", "", False),
    "invoke_adaptivecard_action_refresh": ("show_mine", "", False),
    "invoke_compose_fetchTask_compose": ("create", "", False),
    "invoke_compose_fetchTask_message": ("create", "", False),
    "invoke_compose_query": ("list", "VPN", False),
    "invoke_compose_query_initialRun": ("list", "", False),
    "invoke_compose_submitAction": ("create", "", True),
    "invoke_task_fetch": ("update_status", "", False),
    "invoke_task_submit": ("update_status", "", True),
    "message_channel_mention": ("overview", "", False),
    "message_channel_mention_nbsp": ("", "상태 INC-1", False),
    "message_groupchat_mention_two_users": ("", "INC-1 을 <@p-30> 에게 할당", False),
    "message_personal": ("create", "", True),
    "message_submit_assign": ("assign", "", False),
    "message_submit_assign_channel": ("assign", "", False),
    "message_submit_update_status": ("update_status", "", False),
}
ANSWERED = {
    "invoke_adaptivecard_action_manual": "statusCode",
    "invoke_adaptivecard_action_refresh": "statusCode",
    "invoke_compose_fetchTask_compose": "task",
    "invoke_compose_fetchTask_message": "task",
    "invoke_compose_query": "composeExtension",
    "invoke_compose_query_initialRun": "composeExtension",
    "invoke_compose_submitAction": "task",
    "invoke_task_fetch": "task",
    "invoke_task_submit": "task",
}


@pytest.mark.parametrize("name", RECORDED)
async def test_every_recorded_activity_has_its_effect(teams: Stage, name: str) -> None:
    body = json.loads(json.dumps(recorded(name)).replace('"INC-1"', "42")) | {"serviceUrl": teams.service_url}
    conversation = teams.connector.world.conversations.get(body["conversation"]["id"].split(";")[0])
    if conversation is not None and ";" in body["conversation"]["id"]:
        conversation.trimmed_before = "9"  # whatever heads the thread was there once
    status, answer = await teams.send(body)
    assert status == 200
    expected = RECORDED[name]
    called = [(call.name, call.text, call.submitted) for call in teams.desk.calls]
    assert called[:1] == ([expected] if expected else [])
    assert (name in ANSWERED) is (answer is not None)
    if answer is not None:
        assert ANSWERED[name] in answer
    greeted = sum(len(teams.posted(place)) for place in (PERSONAL, CHANNEL, TEAM, GROUP))
    assert greeted == (
        1 if (name.startswith("message_") and "submit" not in name) or name == "installationUpdate_add" else 0
    )


async def test_help_is_a_card_like_any_other(teams: Stage) -> None:
    teams.desk.answers["help"] = Help("", (HelpEntry("show 42", "help.show"),), wrong="x", nearest="show")
    await teams.send(teams.message("help"))
    assert len(teams.said()) == 1


@pytest.mark.parametrize("kind", ["event", "typing", "messageUpdate", "messageDelete", "endOfConversation", "another"])
async def test_what_is_not_for_the_desk_is_taken_in_silence(teams: Stage, kind: str) -> None:
    assert await teams.send(teams.message("resolve 42", type=kind)) == (200, None)
    assert not teams.desk.calls
    assert not teams.connector.calls
