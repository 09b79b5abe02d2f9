"""The Teams door over HTTP: what is said and clicked becomes a call, and its view an answer that Teams understands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.call import Call
from bot.demo.faults import FaultKind
from bot.teams.calls import click
from bot.teams.incoming import Account, Malformed, parse
from bot.teams.quoted import plain_text, quoted
from bot.teams.spoken import command, words_of
from core.conversations import Conversation
from core.errors import StoreUnavailable
from core.model import Person, Priority, SlaClock, Status
from core.views import (
    Field,
    FieldError,
    Form,
    Help,
    HelpEntry,
    Message,
    RatingRequest,
    SlaFacts,
    TicketLine,
    TicketList,
)
from tests.teams_fakes import (
    BOT,
    CHANNEL,
    GROUP,
    KIM,
    KIM_MRI,
    LEE,
    LEE_MRI,
    PERSONAL,
    TEAM,
    TENANT,
    Stage,
    card,
    recorded,
    stage,
)

REFUSED = Message("error.not_allowed", {"verb": "resolve"}, is_error=True)
CREATE = Form(
    "create",
    "form.create.title",
    "form.create.submit",
    (Field("title", "text", "field.title", required=True),),
    context={"permalink": "https://teams.microsoft.com/l/message/x/1"},
)
RESOLVE = Form(
    "resolve",
    "form.resolve.title",
    "form.resolve.submit",
    (Field("resolution", "multiline", "field.resolution"),),
    ticket_id=42,
)
LINE = TicketLine(7, "VPN <b>down</b>", Priority.HIGH, Status.NEW, None, SlaFacts(SlaClock.RUNNING))


@pytest.fixture
async def teams() -> AsyncIterator[Stage]:
    async with stage() as made:
        yield made


def with_errors(form: Form) -> Form:
    return Form(
        form.name,
        form.title_key,
        form.submit_key,
        form.fields,
        form.context,
        (FieldError(form.fields[0].name, "error.field.required"),),
        form.ticket_id,
    )


def texts(card: Any) -> str:
    """All that a card says."""
    if isinstance(card, dict):
        return " ".join(texts(value) for value in card.values())
    if isinstance(card, list):
        return " ".join(texts(value) for value in card)
    return str(card)


def mention(name: str, id: str) -> dict[str, Any]:
    return {"type": "mention", "mentioned": {"id": id, "name": name}, "text": f"<at>{name}</at>"}


class TestWords:
    async def test_a_message_in_a_chat_is_a_command_by_its_sender_in_their_language(self, teams: Stage) -> None:
        assert await teams.send(teams.message("List  mine priority:high\n")) == (200, None)
        (call,) = teams.desk.calls
        assert (call.name, call.text, call.origin) == ("list", "mine priority:high", "teams")
        assert (call.by.teams, call.by.teams_mri) == (KIM, KIM_MRI)
        assert (call.words.language, call.words.time_zone) == ("ko", "Asia/Seoul")
        assert call.place == {"platform": "teams", "channel": PERSONAL}
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
            _json(
                {
                    "type": "message",
                    "channelId": "msteams",
                    "serviceUrl": "https://x/",
                    "conversation": {"id": "a:1"},
                    "recipient": {"id": BOT},
                    "text": text + tags,
                    "entities": [mention(name, f"29:{name}") for name in names],
                }
            )
        )

        async def person(account: Account) -> str:
            return "<@somebody>"

        said = asyncio.run(words_of(incoming, person))
        assert said.count("<@") <= len(names)
        assert said.replace("<@somebody>", "").count("<@") == 0


class TestClicks:
    async def test_a_click_is_the_same_call_as_a_command_with_ticket_and_version(self, teams: Stage) -> None:
        data = {"action": "assign_to_me", "ticket_id": 42, "v": 3, "msteams": {"type": "task/fetch"}}
        assert await teams.send(teams.click(data)) == (200, None)
        (call,) = teams.desk.calls
        assert (call.name, call.ticket_id, call.version, call.submitted, call.fields) == (
            "assign_to_me",
            42,
            3,
            False,
            {},
        )

    async def test_success_needs_no_words_because_the_card_changes(self, teams: Stage) -> None:
        teams.desk.answers["resolve"] = card(42)
        await teams.send(teams.click({"action": "resolve", "ticket_id": 42}))
        await teams.send(teams.click({"action": "note", "ticket_id": 42}, id="2"))
        assert not teams.posted(PERSONAL)

    async def test_a_refusal_and_a_click_without_effect_are_told_to_the_clicker(self, teams: Stage) -> None:
        teams.desk.answers |= {"resolve": REFUSED, "assign_to_me": Message("message.already_yours", {"ticket_id": 42})}
        await teams.send(teams.click({"action": "resolve", "ticket_id": 42}))
        await teams.send(teams.click({"action": "assign_to_me", "ticket_id": 42}, id="2"))
        assert len(teams.said()) == 2

    async def test_show_on_a_click_shows(self, teams: Stage) -> None:
        await teams.send(teams.click({"action": "show", "ticket_id": "42"}))
        assert len(teams.said()) == 1
        assert teams.placed[0][0].id == 42

    async def test_a_rating_and_a_turned_page_change_the_message_that_was_clicked(self, teams: Stage) -> None:
        teams.desk.answers |= {
            "rate": RatingRequest(42, "VPN", score=5),
            "list": TicketList((LINE,), "vpn", next_cursor="20"),
        }
        await teams.send(teams.message("list vpn"))
        (page,) = teams.posted(PERSONAL)
        data = {"action": "list", "query": "vpn", "cursor": "20"}
        await teams.send(teams.click(data, id="2") | {"replyToId": page.id})
        assert (page.edits, len(teams.posted(PERSONAL))) == (1, 1)
        assert teams.desk.calls[-1].fields == {"query": "vpn", "cursor": "20"}
        await teams.send(teams.click({"action": "rate", "ticket_id": 42, "score": 5}, id="3") | {"replyToId": page.id})
        assert page.edits == 2
        assert teams.desk.calls[-1].fields == {"score": "5"}

    async def test_a_submitted_form_card_shows_its_errors_in_place_and_then_its_success(self, teams: Stage) -> None:
        teams.desk.answers["resolve"] = RESOLVE
        await teams.send(teams.click({"action": "resolve", "ticket_id": 42}))
        (form,) = teams.posted(PERSONAL)
        teams.desk.answers["resolve"] = with_errors(RESOLVE)
        data = {"form": "resolve", "ticket_id": 42, "resolution": ""}
        await teams.send(teams.click(data, id="2") | {"replyToId": form.id})
        assert "⚠" in texts(form.activity["attachments"])
        teams.desk.answers["resolve"] = Message("message.resolved", {"ticket_id": 42})
        await teams.send(teams.click(data, id="3") | {"replyToId": form.id})
        assert (form.edits, len(teams.posted(PERSONAL))) == (2, 1)
        assert "⚠" not in texts(form.activity["attachments"])

    async def test_where_the_clicked_message_is_gone_a_new_one_is_sent(self, teams: Stage) -> None:
        teams.desk.answers["rate"] = RatingRequest(42, "VPN", score=5)
        await teams.send(teams.click({"action": "rate", "ticket_id": 42, "score": 5}))
        assert len(teams.said()) == 1

    @pytest.mark.parametrize(
        "data",
        [5, "x", [], {}, {"action": 5}, {"action": ""}, {"action": "x" * 99}, {"action": "show", "ticket_id": "INC-1"}]
        + [{"action": "show", "ticket_id": value} for value in (-1, 0, 1.5, True, [], 10**30, "٤٢", "1" * 30)]
        + [{"action": "note", "note": {"x": 1}}, {"action": "note"} | {str(number): "x" for number in range(99)}],
    )
    async def test_data_that_make_no_sense_are_refused_with_a_reason(self, teams: Stage, data: Any) -> None:
        assert await teams.send(teams.click(data)) == (200, None)
        assert not teams.desk.calls
        assert len(teams.said()) == 1

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        )
    )
    def test_any_data_are_a_click_or_malformed(self, data: Any) -> None:
        try:
            found = click(data)
        except Malformed:
            return
        assert found.name
        assert all(isinstance(value, str) for value in found.fields.values())


class TestDialogs:
    async def test_a_button_opens_a_dialog(self, teams: Stage) -> None:
        teams.desk.answers["resolve"] = RESOLVE
        data = {"action": "resolve", "ticket_id": 42, "v": 3, "type": "task/fetch", "data": None}
        status, body = await teams.send(
            teams.invoke("task/fetch", {"data": data | {"msteams": {"type": "task/fetch"}}})
        )
        assert (status, body["task"]["type"]) == (200, "continue")
        shown = body["task"]["value"]
        assert set(shown) == {"title", "height", "width", "card"}
        assert shown["card"]["contentType"] == "application/vnd.microsoft.card.adaptive"
        (call,) = teams.desk.calls
        assert (call.ticket_id, call.version, call.fields, call.submitted) == (42, 3, {}, False)

    async def test_a_dialog_that_may_not_open_says_why(self, teams: Stage) -> None:
        teams.desk.answers["resolve"] = REFUSED
        _, body = await teams.send(teams.invoke("task/fetch", {"data": {"action": "resolve", "ticket_id": 42}}))
        assert body["task"]["type"] == "message"
        assert body["task"]["value"]

    async def test_a_dialog_stays_open_with_its_errors_in_place_and_closes_with_what_was_done(
        self, teams: Stage
    ) -> None:
        teams.desk.answers["resolve"] = with_errors(RESOLVE)
        data = {"form": "resolve", "ticket_id": 42, "resolution": "", "v": "3"}
        _, body = await teams.send(teams.invoke("task/submit", {"data": data}))
        assert body["task"]["type"] == "continue"
        assert "⚠" in texts(body["task"]["value"]["card"])
        teams.desk.answers["resolve"] = Message("message.resolved", {"ticket_id": 42})
        _, body = await teams.send(teams.invoke("task/submit", {"data": data | {"resolution": "재부팅"}}, id="2"))
        assert body == {"task": {"type": "message", "value": "#42 티켓을 해결 처리했습니다."}} or body["task"]["value"]
        call = teams.desk.calls[-1]
        assert (call.name, call.submitted, call.version, call.fields) == ("resolve", True, 3, {"resolution": "재부팅"})

    async def test_a_ticket_in_a_dialog_is_its_card(self, teams: Stage) -> None:
        _, body = await teams.send(teams.invoke("task/fetch", {"data": {"action": "show", "ticket_id": 42}}))
        assert body["task"]["type"] == "continue"
        assert len(body["task"]["value"]["title"]) <= 64


class TestExecute:
    async def execute(self, teams: Stage, data: Any, verb: str = "resolve", **value: Any) -> tuple[int, Any]:
        action = {"type": "Action.Execute", "verb": verb, "data": data}
        return await teams.send(teams.invoke("adaptiveCard/action", {"action": action, "trigger": "manual"} | value))

    async def test_it_is_the_same_verb_and_answers_with_the_fresh_card(self, teams: Stage) -> None:
        status, body = await self.execute(teams, {"ticket_id": 42, "v": 3})
        assert (status, body["statusCode"], body["type"]) == (200, 200, "application/vnd.microsoft.card.adaptive")
        assert "#42" in texts(body["value"])
        assert [(call.name, call.ticket_id) for call in teams.desk.calls] == [("resolve", 42), ("show", 42)]
        assert not teams.posted(PERSONAL)

    async def test_a_refusal_is_a_passing_text(self, teams: Stage) -> None:
        teams.desk.answers["resolve"] = REFUSED
        _, body = await self.execute(teams, {"action": "resolve", "ticket_id": 42})
        assert (body["statusCode"], body["type"]) == (200, "application/vnd.microsoft.activity.message")
        assert isinstance(body["value"], str)

    async def test_a_form_takes_the_cards_place_for_the_clicker(self, teams: Stage) -> None:
        teams.desk.answers["resolve"] = RESOLVE
        _, body = await self.execute(teams, {"ticket_id": 42})
        assert body["value"]["actions"][0]["data"]["form"] == "resolve"

    async def test_a_refresh_that_teams_starts_itself_only_ever_shows(self, teams: Stage) -> None:
        await self.execute(teams, {"action": "resolve", "ticket_id": 42}, trigger="automatic")
        await teams.send(
            teams.invoke(
                "adaptiveCard/action",
                {"action": {"type": "Action.Execute", "verb": "refresh", "data": {"ticket_id": 42}}},
                id="2",
            )
        )
        assert teams.desk.names == ["show", "show"]

    @pytest.mark.parametrize(
        "value",
        [
            None,
            "x",
            {},
            {"action": None},
            {"action": {"type": "Action.Submit"}},
            {"action": {"type": "Action.Execute", "data": "x"}},
            {"action": {"type": "Action.Execute", "verb": 5}},
            {"action": {"type": "Action.Execute", "verb": "show", "data": {"ticket_id": "INC-1"}}},
        ],
    )
    async def test_a_malformed_one_is_answered_in_the_shape_of_cards(self, teams: Stage, value: Any) -> None:
        status, body = await teams.send(teams.invoke("adaptiveCard/action", value))
        assert (status, body["statusCode"], body["type"]) == (200, 400, "application/vnd.microsoft.error")
        assert body["value"]["code"] == "BadRequest"
        assert not teams.desk.calls


class TestExtension:
    PAYLOAD = {
        "id": "1763999990000",
        "linkToMessage": "https://teams.microsoft.com/l/message/19:x/1763999990000",
        "from": {"user": {"id": LEE, "displayName": "이요청"}},
        "body": {
            "contentType": "html",
            "content": "<p>프린터가&nbsp;또<br>고장 &lt;났어요&gt;</p><script>x()</script>",
        },
    }

    async def test_a_message_becomes_the_form_of_a_ticket_with_its_text_author_and_link(self, teams: Stage) -> None:
        teams.desk.answers["create"] = CREATE
        value = {"commandId": "createTicket", "commandContext": "message", "messagePayload": self.PAYLOAD}
        status, body = await teams.send(teams.invoke("composeExtension/fetchTask", value))
        assert (status, body["task"]["type"]) == (200, "continue")
        (call,) = teams.desk.calls
        assert call.name == "create"
        assert call.place["quote"] == "프린터가 또\n고장 <났어요>"
        assert call.place["author"] == "이요청"
        assert call.place["permalink"] == self.PAYLOAD["linkToMessage"]

    async def test_a_link_that_is_not_teams_own_is_not_kept(self) -> None:
        payload = self.PAYLOAD | {"linkToMessage": "javascript:alert(1)"}
        assert quoted(payload).link is None

    @given(st.text(alphabet="<>/&;abp \n\"'=!-", max_size=80))
    def test_any_markup_becomes_text(self, markup: str) -> None:
        assert isinstance(plain_text(markup), str)

    async def test_a_submitted_one_puts_the_card_into_the_message_that_is_being_written(self, teams: Stage) -> None:
        teams.desk.answers["create"] = Message("message.created", {"ticket_id": 9}, ticket_id=9)
        value = {"commandId": "createTicket", "commandContext": "compose", "data": {"form": "create", "title": "VPN"}}
        _, body = await teams.send(teams.invoke("composeExtension/submitAction", value))
        result = body["composeExtension"]
        assert (result["type"], result["attachmentLayout"]) == ("result", "list")
        assert {"contentType", "content", "preview"} == set(result["attachments"][0])
        assert teams.desk.names == ["create", "show"]

    async def test_from_a_message_it_says_what_was_done_and_shows_errors_in_place(self, teams: Stage) -> None:
        value = {"commandId": "createTicket", "commandContext": "message", "data": {"form": "create", "title": ""}}
        teams.desk.answers["create"] = with_errors(CREATE)
        _, body = await teams.send(teams.invoke("composeExtension/submitAction", value))
        assert body["task"]["type"] == "continue"
        teams.desk.answers["create"] = Message("message.created", {"ticket_id": 9}, ticket_id=9)
        _, body = await teams.send(teams.invoke("composeExtension/submitAction", value, id="2"))
        assert body["task"]["type"] == "message"

    def query(self, text: str, **options: Any) -> dict[str, Any]:
        return {"commandId": "findTicket", "parameters": [{"name": "q", "value": text}], "queryOptions": options}

    async def test_a_search_lists_tickets_with_previews_that_hold_no_markup(self, teams: Stage) -> None:
        teams.desk.answers["list"] = TicketList((LINE,))
        _, body = await teams.send(teams.invoke("composeExtension/query", self.query("VPN", skip=0, count=25)))
        (found,) = body["composeExtension"]["attachments"]
        preview = found["preview"]["content"]
        assert preview["title"] == "#7 VPN ‹b›down‹/b›"
        assert preview["tap"] == {"type": "invoke", "value": {"ticket_id": 7}}
        assert [(call.name, call.text) for call in teams.desk.calls] == [("list", "VPN")]
        _, body = await teams.send(teams.invoke("composeExtension/selectItem", preview["tap"]["value"]))
        assert "#7" in texts(body["composeExtension"]["attachments"][0]["content"])

    async def test_a_number_finds_its_ticket_and_an_empty_search_all(self, teams: Stage) -> None:
        teams.desk.answers["list"] = TicketList(())
        _, body = await teams.send(teams.invoke("composeExtension/query", self.query("#42")))
        assert "#42" in texts(body["composeExtension"]["attachments"])
        first = {"parameters": [{"name": "initialRun", "value": "true"}]}
        _, body = await teams.send(teams.invoke("composeExtension/query", first))
        assert body["composeExtension"]["type"] == "message"
        assert [(call.name, call.text) for call in teams.desk.calls] == [("show", ""), ("list", "")]

    async def test_a_second_page_of_results_is_empty(self, teams: Stage) -> None:
        _, body = await teams.send(teams.invoke("composeExtension/query", self.query("VPN", skip=25, count=25)))
        assert body["composeExtension"]["attachments"] == []
        assert not teams.desk.calls

    async def test_a_link_to_a_ticket_unfolds_and_any_other_does_not(self, teams: Stage) -> None:
        link = {"url": "https://desk.example.com/tickets/42"}
        _, body = await teams.send(teams.invoke("composeExtension/queryLink", link))
        assert "#42" in texts(body["composeExtension"]["attachments"])
        for url in ("https://evil.example/tickets/42", "https://desk.example.com/x/42", None, "https://[", "x" * 9999):
            status, _ = await teams.send(teams.invoke("composeExtension/queryLink", {"url": url}))
            assert status == 400

    async def test_a_chat_without_the_bot_is_not_kept_as_a_place_to_write_to(self, teams: Stage) -> None:
        await teams.send(teams.invoke("composeExtension/query", self.query("VPN")))
        assert not teams.book.kept


class TestOtherInvokes:
    async def test_a_search_of_an_input_finds_nobody(self, teams: Stage) -> None:
        status, body = await teams.send(teams.invoke("application/search", {"queryText": "ki", "dataset": "people"}))
        assert (status, body["value"]) == (200, {"results": []})

    @pytest.mark.parametrize("name", ["signin/verifyState", "fileConsent/invoke", "x" * 5000, None])
    async def test_an_unknown_one_is_answered_501_with_a_body(self, teams: Stage, name: str | None) -> None:
        status, body = await teams.send(teams.invoke(name or "", {}) | {"name": name})
        assert (status, body["error"]["code"]) == (501, "NotImplemented")

    @pytest.mark.parametrize(
        "name",
        ["task/fetch", "task/submit", "composeExtension/submitAction", "composeExtension/selectItem"],
    )
    @pytest.mark.parametrize(
        "value", [None, [], {}, {"data": "x"}, {"data": {"action": 5}}, {"data": {"ticket_id": {}}}]
    )
    async def test_a_malformed_value_is_answered_400(self, teams: Stage, name: str, value: Any) -> None:
        if name == "composeExtension/submitAction" and isinstance(value, dict) and value.get("data") == {"action": 5}:
            pytest.skip("a form of create with an odd field")
        status, body = await teams.send(teams.invoke(name, value))
        expected = 200 if name == "composeExtension/selectItem" and isinstance(value, dict) else 400
        assert status in (expected, 400)
        assert body

    async def test_the_handler_of_a_message_payload_takes_nothing_odd(self, teams: Stage) -> None:
        status, _ = await teams.send(teams.invoke("composeExtension/fetchTask", {"messagePayload": {"body": 5}}))
        assert status == 400


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
        added = {"type": "conversationUpdate", "membersAdded": [{"id": BOT}], "text": None}
        assert await teams.send(teams.message("", **added)) == (200, None)
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
        submit = teams.invoke("task/submit", {"data": {"form": "resolve", "ticket_id": 42}})
        async with stage() as other:
            other.seen = teams.seen
            await teams.send(submit)
        async with stage() as restarted:
            restarted.seen.keys |= teams.seen.keys
            assert await restarted.send(restarted.invoke("task/submit", submit["value"])) == (200, None)
            assert not restarted.desk.calls

    async def test_what_another_process_is_doing_is_asked_for_again_later(self, teams: Stage) -> None:
        await teams.send(teams.message("resolve 42"))
        teams.seen.keys = {key for key in teams.seen.keys if not key.endswith(":done")}
        async with stage() as other:
            other.seen.keys |= teams.seen.keys
            assert (await other.send(other.message("resolve 42")))[0] == 503
            assert not other.desk.calls

    async def test_what_only_reads_is_answered_every_time(self, teams: Stage) -> None:
        fetch = teams.invoke("task/fetch", {"data": {"action": "show", "ticket_id": 42}})
        assert (await teams.send(fetch))[1] == (await teams.send(fetch))[1]
        assert teams.desk.names == ["show", "show"]


class TestPlaces:
    def news(self, teams: Stage, kind: str, **changes: Any) -> dict[str, Any]:
        return teams.message("", type=kind, text=None, **changes)

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
        await teams.send(teams.message("", id="2", text=None) | how)
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


# name of the recorded activity -> the call that it makes: name, words, submitted
RECORDED: dict[str, tuple[str, str, bool] | None] = {
    "conversationUpdate_bot_added_team": None,
    "conversationUpdate_channel_deleted": None,
    "conversationUpdate_user_added": None,
    "installationUpdate_add": None,
    "installationUpdate_remove": None,
    "messageReaction_added": None,
    "invoke_adaptivecard_action_manual": ("assign", "", False),
    "invoke_adaptivecard_action_refresh": ("show", "", False),
    "invoke_compose_fetchTask_compose": ("create", "", False),
    "invoke_compose_fetchTask_message": ("create", "", False),
    "invoke_compose_query": ("list", "VPN", False),
    "invoke_compose_query_initialRun": ("list", "", False),
    "invoke_compose_submitAction": ("create", "", True),
    "invoke_task_fetch": ("update_status", "", False),
    "invoke_task_submit": ("update_status", "", True),
    "message_channel_mention": ("내", "티켓", False),
    "message_channel_mention_nbsp": ("상태", "INC-1", False),
    "message_groupchat_mention_two_users": ("inc-1", "을 <@p-30> 에게 할당", False),
    "message_personal": ("새", "티켓 VPN이 안 됩니다", False),
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
    body = recorded(name) | {"serviceUrl": teams.service_url}
    conversation = teams.connector.world.conversations.get(body["conversation"]["id"].split(";")[0])
    if conversation is not None and ";" in body["conversation"]["id"]:
        conversation.trimmed_before = "9"  # whatever heads the thread was there once
    value = body.get("value") or {}
    for data in (
        value,
        value.get("data"),
        (value.get("action") or {}) if isinstance(value.get("action"), dict) else None,
    ):
        for holder in (data, (data or {}).get("data") if isinstance(data, dict) else None):
            if isinstance(holder, dict) and holder.get("ticket_id") == "INC-1":
                holder["ticket_id"] = 42
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
        1 if name.startswith("message_") and "submit" not in name or name == "installationUpdate_add" else 0
    )


async def test_help_is_a_card_like_any_other(teams: Stage) -> None:
    teams.desk.answers["help"] = Help("", (HelpEntry("show 42", "help.show"),), wrong="x", nearest="show")
    await teams.send(teams.message("help"))
    assert len(teams.said()) == 1


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()
