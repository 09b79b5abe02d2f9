"""Forms in Slack: opened with the click, wrong fields marked in place, submitted once."""

from __future__ import annotations

import asyncio

import msgspec

from bot.commands.call import Call
from bot.demo.faults import FaultKind
from core.views import (
    FieldError,
    Message,
    View,
)
from tests.slack_office import office, until
from tests.slack_samples import DONE, NOTE


async def test_a_form_opens_with_the_click_and_comes_back_with_its_context() -> None:
    async with office() as place:
        place.dispatch.scripts["note"] = lambda call: DONE if call.submitted else NOTE
        card = await place.post()
        menu = next(e for block in card.blocks for e in block.get("elements", []) if e.get("action_id") == "more")
        note = next(option["value"] for option in menu["options"] if '"note"' in option["value"])
        kim = place.person()
        await kim.click("C0DESK", card.ts, "more", note)
        answers = {"text": {"value": "seen & <b>"}, "assignee": {"value": "U0LEE"}}
        assert (await kim.submit(place.modal().id, answers)).body == {"response_action": "clear"}
        call = place.dispatch.last
        assert call.submitted
        assert (call.name, call.ticket_id, call.version) == ("note", 42, 3)
        assert call.fields == {"why": "asked", "text": "seen & <b>", "assignee": "p-u0lee"}
        assert (call.place["channel"], call.place["thread"]) == ("C0DESK", card.ts)
        assert "42" in place.whispers()[0].text
        assert not place.wrongs()


async def test_a_command_that_needs_more_opens_a_form() -> None:
    async with office() as place:
        place.dispatch.scripts["create"] = NOTE
        answer = await place.person().command("/ticket", "create", "it-support")
        assert not answer.body
        assert place.modal().content["callback_id"] == "note"


async def test_wrong_fields_are_marked_and_the_form_can_be_sent_again() -> None:
    async with office() as place:
        errors = (FieldError("text", "error.field.required"), FieldError("x", "error.field.empty"))
        wrong = msgspec.structs.replace(NOTE, errors=errors)
        place.dispatch.scripts["note"] = lambda call: (
            (DONE if call.fields["text"] else wrong) if call.submitted else NOTE
        )
        kim = place.person()
        await kim.command("/ticket", "note 42", "it-support")
        view = place.modal()
        for _ in range(2):
            refused = await kim.submit(view.id, {})
            assert refused.body["response_action"] == "errors"
            assert set(refused.body["errors"]) == {"text"}
        assert (await kim.submit(view.id, {"text": {"value": "better"}})).body == {"response_action": "clear"}
        assert not place.wrongs()


async def test_an_error_of_no_field_stands_at_the_first_input_as_plain_text() -> None:
    async with office() as place:
        refusal = Message("error.ticket_changed", {"by": "<Kim & Lee>", "ticket_id": 42}, is_error=True)
        place.dispatch.scripts["note"] = lambda call: refusal if call.submitted else NOTE
        lee = place.person("U0LEE")
        await lee.command("/ticket", "note 42", "it-support")
        answer = await lee.submit(place.modal("U0LEE").id, {})
        assert list(answer.body["errors"]) == ["text"]
        assert answer.body["errors"]["text"].startswith("<Kim & Lee> changed ticket #42")


async def test_a_form_is_submitted_once_however_often_it_is_sent() -> None:
    async with office() as place:
        started = asyncio.Event()

        async def slowly(call: Call) -> View:
            await started.wait()
            return DONE

        place.dispatch.scripts["note"] = NOTE
        kim = place.person()
        await kim.command("/ticket", "note 42", "it-support")
        place.dispatch.scripts["note"] = slowly
        view = place.modal()
        both = [asyncio.create_task(kim.submit(view.id, {})) for _ in range(2)]
        await until(lambda: len(place.dispatch.calls) == 2)
        started.set()
        assert [(await answer).body for answer in both] == [{"response_action": "clear"}] * 2
        assert len(place.dispatch.calls) == 2  # the command and one submission


async def test_a_form_that_cannot_be_opened_in_time_says_so() -> None:
    async with office() as place:
        place.slack.stand_in.faults.add("views.open", FaultKind.REFUSED, code="expired_trigger_id")
        place.dispatch.scripts["note"] = NOTE
        await place.person("U0LEE").command("/ticket", "note 42", "it-support")
        assert "try again" in place.whispers()[0].text


async def test_a_confirmation_finds_its_way_when_the_response_url_is_too_old() -> None:
    async with office() as place:
        place.dispatch.scripts["note"] = lambda call: DONE if call.submitted else NOTE
        await place.person().command("/ticket", "note 42", "it-support")
        place.slack.clock.now += 3600
        await place.person().submit(place.modal().id, {})
        assert [(whisper.user, whisper.channel) for whisper in place.whispers()] == [("U0KIM", "C0DESK")]
