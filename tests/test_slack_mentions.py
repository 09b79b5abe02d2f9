"""Mentions and direct messages: the same grammar, answered where it was written."""

from __future__ import annotations

from bot.demo.faults import FaultKind
from tests.slack_office import office, until
from tests.slack_samples import CARD, NOTE


async def test_a_mention_is_answered_in_its_thread() -> None:
    async with office() as place:
        place.dispatch.scripts["show"] = CARD
        asked = await place.person().say("<@U0DESKBELL> show 42", "it-support")
        answer = place.slack.last()
        assert (place.dispatch.last.name, place.dispatch.last.text) == ("show", "42")
        assert (answer.thread_ts, answer.bot_id) == (asked.ts, "B0DESKBELL")
        assert len(place.dispatch.calls) == 1
        assert not place.wrongs()


async def test_a_direct_message_runs_the_same_grammar() -> None:
    async with office() as place:
        direct = place.slack.workspace.open_direct(("U0KIM",))
        await place.person().say("ticket assign 42 <@U0LEE>", direct.id)
        assert (place.dispatch.last.name, place.dispatch.last.text) == ("assign", "42 <@p-u0lee>")
        assert place.slack.last(direct).thread_ts is None


async def test_what_is_said_among_others_is_not_for_the_bot() -> None:
    async with office() as place:
        await place.person().say("show 42", "it-support")
        assert not place.dispatch.calls


async def test_a_form_asked_for_by_mention_is_offered_as_a_button() -> None:
    async with office() as place:
        place.dispatch.scripts["note"] = NOTE
        await place.person().say("<@U0DESKBELL> note 42", "it-support")
        await place.person().click("C0DESK", place.slack.last().ts, "note")
        call = place.dispatch.last
        assert (call.ticket_id, call.version, call.fields) == (42, 3, {"why": "asked"})
        assert place.modal().content["callback_id"] == "note"


async def test_an_answer_that_slack_cannot_take_now_arrives_later() -> None:
    async with office() as place:
        place.slack.stand_in.faults.add("chat.postMessage", FaultKind.RATE_LIMITED, retry_after=1)
        await place.person().say("<@U0DESKBELL> show 42", "it-support")
        await until(lambda: place.slack.last().bot_id)
        assert len(place.dispatch.calls) == 1


async def test_an_answer_that_may_have_arrived_is_not_sent_again() -> None:
    async with office() as place:
        place.slack.stand_in.faults.add("chat.postMessage", FaultKind.DROP_AFTER)
        await place.person().say("<@U0DESKBELL> show 42", "it-support")
        assert len(place.calls("chat.postMessage")) == 1
