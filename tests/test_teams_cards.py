"""Cards, dialogs and the message extension in Teams: what is clicked, submitted and searched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.teams.calls import click
from bot.teams.incoming import Malformed
from bot.teams.quoted import plain_text, quoted
from core.model import Priority, SlaClock, Status
from core.views import (
    Field,
    FieldError,
    Form,
    Message,
    RatingRequest,
    SlaFacts,
    TicketLine,
    TicketList,
)
from tests.teams_fakes import (
    CREATE,
    LEE,
    PERSONAL,
    REFUSED,
    Stage,
    card,
    stage,
)

RESOLVE = Form(
    "resolve",
    "form.resolve.title",
    "form.resolve.submit",
    (Field("resolution", "multiline", "field.resolution"),),
    ticket_id=42,
)
ODD_NUMBERS: list[Any] = ["INC-1", -1, 0, 1.5, True, [], 10**30, "٤٢", "1" * 30]
SENSELESS: list[Any] = [
    *(5, "x", [], {}, {"action": 5}, {"action": ""}, {"action": "x" * 99}),
    *({"action": "show", "ticket_id": number} for number in ODD_NUMBERS),
    *({"action": "note", "note": {"x": 1}}, {"action": "note"} | {str(number): "x" for number in range(99)}),
]
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
        await teams.send(teams.click(data | {"resolution": "rebooted"}, id="3") | {"replyToId": form.id})
        assert (form.edits, len(teams.posted(PERSONAL))) == (2, 1)
        assert "⚠" not in texts(form.activity["attachments"])

    async def test_where_the_clicked_message_is_gone_a_new_one_is_sent(self, teams: Stage) -> None:
        teams.desk.answers["rate"] = RatingRequest(42, "VPN", score=5)
        await teams.send(teams.click({"action": "rate", "ticket_id": 42, "score": 5}))
        assert len(teams.said()) == 1

    @pytest.mark.parametrize("data", SENSELESS)
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
        assert body["task"]["type"] == "message"
        assert "42" in body["task"]["value"]
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
        assert [(call.name, call.ticket_id) for call in teams.desk.calls] == [("resolve", 42), ("show_mine", 42)]
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
        assert teams.desk.names == ["show_mine", "show_mine"]

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
    PAYLOAD: ClassVar[dict[str, Any]] = {
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
        value["data"] = {"form": "create", "title": "VPN"}
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

    @pytest.mark.parametrize("name", ["task/fetch", "task/submit", "composeExtension/selectItem"])
    async def test_a_malformed_value_is_answered_400(self, teams: Stage, name: str) -> None:
        values: list[Any] = [None, [], {}, {"data": "x"}, {"data": {"action": 5}}, {"data": {"ticket_id": {}}}]
        for number, value in enumerate(values):
            status, body = await teams.send(teams.invoke(name, value, id=str(number)))
            assert (status, body["error"]["code"]) == (400, "BadRequest")
        assert not teams.desk.calls

    async def test_the_handler_of_a_message_payload_takes_nothing_odd(self, teams: Stage) -> None:
        status, _ = await teams.send(teams.invoke("composeExtension/fetchTask", {"messagePayload": {"body": 5}}))
        assert status == 400
