"""What people in Slack may rely on when they type and click, through the real door and a strict Slack."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from bot.commands.call import Call
from bot.demo.faults import FaultKind
from bot.demo.slack_records import Json
from core.errors import StoreUnavailable
from core.model import Person, Priority, SlaClock, Status
from core.views import (
    Help,
    HelpEntry,
    RatingRequest,
    SlaFacts,
    TicketLine,
    TicketList,
    View,
)
from tests.slack_office import office, until
from tests.slack_samples import CARD, DONE, NOTE, REFUSED

# commands


async def test_a_command_is_answered_in_the_askers_language() -> None:
    async with office() as place:
        place.dispatch.scripts["show"] = CARD
        korean = await place.person("U0KIM").command("/ticket", "show 42", "it-support")
        english = await place.person("U0LEE").command("/ticket", "show 42", "it-support")
        assert korean.body["response_type"] == english.body["response_type"] == "ephemeral"
        assert "담당자" in str(korean.body["blocks"])
        assert "Assignee" in str(english.body["blocks"])
        assert place.dispatch.last.words.language == "en"
        assert place.dispatch.calls[0].words.time_zone == "Asia/Seoul"
        assert not place.wrongs()


async def test_a_command_costs_no_call_to_slack_once_the_person_is_known() -> None:
    async with office() as place:
        await place.person().command("/ticket", "list", "it-support")
        before = len(place.slack.stand_in.calls)
        await place.person().command("/ticket", "list mine", "it-support")
        assert len(place.slack.stand_in.calls) == before


@pytest.mark.parametrize(
    ("command", "typed", "name", "text"),
    [
        ("/ticket", "", "", ""),
        ("/ticket", "Show  42 ", "show", "42"),
        ("/ticket", "create 프린터 고장\n3층", "create", "프린터 고장\n3층"),
        ("/ticket", "create a < b & c", "create", "a < b & c"),
        ("/assign", "42 <@U0LEE>", "assign", "42 <@p-u0lee>"),
        ("/ticket-status", "42", "status", "42"),
        ("/ticket", "note 42 see <#C0DESK> and <!here>", "note", "42 see #C0DESK and @here"),
    ],
)
async def test_commands_and_aliases_become_calls(command: str, typed: str, name: str, text: str) -> None:
    async with office() as place:
        assert (await place.person().command(command, typed, "it-support")).ok
        call = place.dispatch.last
        assert (call.name, call.text) == (name, text)
        assert (call.by.id, call.origin) == ("p-u0kim", "slack")
        assert call.place == {"platform": "slack", "channel": "C0DESK"}


async def test_commands_can_be_renamed() -> None:
    async with office(commands={"root": "help-desk", "aliases": {"mine": "list"}}) as place:
        await place.person().command("/help-desk", "show 1", "it-support")
        await place.person().command("/mine", "mine", "it-support")
        assert [(call.name, call.text) for call in place.dispatch.calls] == [("show", "1"), ("list", "mine")]


async def test_a_slash_command_that_is_not_configured_names_the_right_one() -> None:
    async with office() as place:
        answer = await place.person().command("/incident", "", "it-support")
        assert not place.dispatch.calls
        assert "/ticket" in answer.body["text"]


async def test_help_is_answered_in_place() -> None:
    async with office() as place:
        place.dispatch.scripts[""] = Help("/ticket", (HelpEntry("show 42", "help.show"),))
        answer = await place.person().command("/ticket", "", "random")
        assert "show 42" in str(answer.body["blocks"])


async def test_a_configured_language_is_not_overruled_by_the_default() -> None:
    person = Person("lee", "Lee", language="ko", slack="U0LEE")
    async with office(person) as place:
        await place.person("U0LEE").command("/ticket", "", "it-support")
        assert place.dispatch.last.by.id == "lee"
        assert place.dispatch.last.words.language == "ko"


async def test_slack_without_profiles_does_not_stop_a_command() -> None:
    async with office() as place:
        place.slack.stand_in.faults.add("users.info", FaultKind.REFUSED, code="user_not_found", times=None)
        assert (await place.person().command("/ticket", "show 42", "it-support")).ok
        assert place.dispatch.last.by.name == "kim"
        assert place.dispatch.last.words.language == "en"


async def test_a_late_answer_goes_to_the_response_url() -> None:
    async with office() as place:

        def slowly(call: Call) -> View:
            place.slack.clock.now += 2.9
            return DONE

        place.dispatch.scripts["note"] = slowly
        answer = await place.person().command("/ticket", "note 42 x", "it-support")
        assert not answer.body
        assert "42" in place.whispers()[0].text


# clicks


async def test_a_click_that_succeeds_says_nothing_because_the_card_changes() -> None:
    async with office() as place:
        card = await place.post()
        assert (await place.person().click("C0DESK", card.ts, "assign_to_me")).ok
        call = place.dispatch.last
        assert (call.name, call.ticket_id, call.version, call.fields) == ("assign_to_me", 42, 3, {})
        assert call.place == {"platform": "slack", "channel": "C0DESK", "thread": card.ts, "message": card.ts}
        assert not place.whispers()


async def test_a_refusal_is_shown_to_the_clicker_alone() -> None:
    async with office() as place:
        place.dispatch.scripts["assign_to_me"] = REFUSED
        card = await place.post()
        await place.person("U0LEE").click("C0DESK", card.ts, "assign_to_me")
        whisper = place.whispers()[0]
        assert (whisper.user, whisper.channel) == ("U0LEE", "C0DESK")
        assert "assign" in whisper.text
        assert place.slack.last() is card


async def test_the_menu_names_the_verb() -> None:
    async with office() as place:
        card = await place.post()
        menu = next(e for block in card.blocks for e in block.get("elements", []) if e.get("action_id") == "more")
        wait = next(option["value"] for option in menu["options"] if '"wait"' in option["value"])
        await place.person().click("C0DESK", card.ts, "more", wait)
        assert (place.dispatch.last.name, place.dispatch.last.ticket_id) == ("wait", 42)


async def test_a_double_click_counts_once() -> None:
    async with office() as place:
        card = await place.post()
        await asyncio.gather(*(place.person().click("C0DESK", card.ts, "assign_to_me") for _ in range(3)))
        assert len(place.dispatch.calls) == 1
        await place.person("U0LEE").click("C0DESK", card.ts, "assign_to_me")
        place.slack.clock.now += 2
        await place.person().click("C0DESK", card.ts, "assign_to_me")
        assert [call.by.slack for call in place.dispatch.calls] == ["U0KIM", "U0LEE", "U0KIM"]


async def test_a_rating_is_one_click() -> None:
    async with office() as place:
        card = await place.post(RatingRequest(42, "VPN is down"))
        await place.person().click("C0DESK", card.ts, "rate_4")
        call = place.dispatch.last
        assert (call.name, call.ticket_id, call.fields) == ("rate", 42, {"score": "4"})


async def test_a_link_button_is_taken_and_does_nothing() -> None:
    async with office() as place:
        card = await place.post(msgspec.structs.replace(CARD, link="https://d.example/t/42"))
        assert (await place.person().click("C0DESK", card.ts, "open_ticket")).ok
        assert not place.dispatch.calls


async def test_a_button_of_another_age_says_so() -> None:
    async with office() as place:
        button = {
            "type": "button",
            "action_id": "old",
            "text": {"type": "plain_text", "text": "x"},
            "value": "click_me",
        }
        row: Json = {"type": "actions", "elements": [button]}
        await place.slack.web.chat_postMessage(channel="C0DESK", text="old", blocks=[row])
        assert (await place.person("U0LEE").click("C0DESK", place.slack.last().ts, "old")).ok
        assert not place.dispatch.calls
        assert "too old" in place.whispers()[0].text


async def test_turning_the_page_of_a_private_list_replaces_it() -> None:
    line = TicketLine(42, "VPN is down", Priority.HIGH, Status.NEW, None, SlaFacts(SlaClock.RUNNING))
    async with office() as place:
        place.dispatch.scripts["list"] = lambda call: TicketList((line,), "mine", None if call.fields else "41")
        await place.person().command("/ticket", "list mine", "it-support")
        shown = place.whispers()[0]
        await place.person().click("C0DESK", shown.ts, "list")
        assert place.dispatch.last.fields == {"query": "mine", "cursor": "41"}
        assert [w.ts for w in place.whispers()] == [shown.ts]
        assert "cursor" not in str(place.whispers()[0].blocks)


async def test_a_success_is_said_where_no_card_changes() -> None:
    async with office() as place:
        place.dispatch.scripts |= {"show": CARD, "assign_to_me": DONE}
        await place.person().command("/ticket", "show 42", "it-support")
        await place.person().click("C0DESK", place.whispers()[0].ts, "assign_to_me")
        assert len(place.whispers()) == 2


# defects


@pytest.mark.parametrize("way", ["command", "click", "submit", "mention"])
async def test_a_defect_is_told_with_a_reference_and_no_trace(way: str, caplog: pytest.LogCaptureFixture) -> None:
    async with office() as place:
        lee = place.person("U0LEE")
        told: Any
        if way == "command":
            place.dispatch.scripts["show"] = RuntimeError("xoxb-secret in a trace")
            told = (await lee.command("/ticket", "show 42", "it-support")).body["text"]
        elif way == "click":
            place.dispatch.scripts["assign_to_me"] = RuntimeError("xoxb-secret in a trace")
            await lee.click("C0DESK", (await place.post()).ts, "assign_to_me")
            told = place.whispers()[0].text
        elif way == "submit":
            place.dispatch.scripts["note"] = NOTE
            await lee.command("/ticket", "note 42", "it-support")
            place.dispatch.scripts["note"] = RuntimeError("xoxb-secret in a trace")
            answer = await lee.submit(place.modal("U0LEE").id, {})
            told = answer.body["errors"]["text"]
        else:
            place.dispatch.scripts["show"] = RuntimeError("xoxb-secret in a trace")
            await lee.say("<@U0DESKBELL> show 42", "it-support")
            told = place.whispers()[0].text
        assert "went wrong" in told
        assert "RuntimeError" not in told
        assert "xoxb" not in told
        logged = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
        assert len(logged) == 1
        assert logged[0].rpartition("reference ")[2].rstrip(")") in told
        assert not place.wrongs()


async def test_a_store_that_cannot_write_is_said_so_and_an_event_comes_again() -> None:
    async with office() as place:
        place.dispatch.scripts["note"] = StoreUnavailable()
        answer = await place.person("U0LEE").command("/ticket", "note 42 x", "it-support")
        assert "nothing was changed" in answer.body["text"]
        await place.person("U0LEE").say("<@U0DESKBELL> note 42 x", "it-support")
        assert [wrong.messages[0] for wrong in place.wrongs()] == ["status 503"]


# closing


async def test_closing_waits_for_what_is_under_way() -> None:
    async with office() as place:
        going = asyncio.Event()

        async def slowly(call: Call) -> View:
            await going.wait()
            return DONE

        place.dispatch.scripts["note"] = slowly
        answer = asyncio.create_task(place.person().command("/ticket", "note 42 x", "it-support"))
        await until(lambda: place.dispatch.calls)
        closing = asyncio.create_task(place.door.close())
        await asyncio.sleep(0)
        assert (await place.person().command("/ticket", "list", "it-support")).status == 503
        assert not closing.done()
        going.set()
        assert (await answer).ok
        await closing
