"""From Slack to a ticket: forms, shortcuts, the emoji, mentions, links; through the real door, desk and outbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.demo.faults import FaultKind
from core import commands as c
from tests.conftest import SetClock
from tests.slack_desk import BASE, KIM, LEE, SlackDesk, slack_desk
from tests.slack_office import until


@pytest.fixture
async def place(clock: SetClock, database_url: str) -> AsyncIterator[SlackDesk]:
    async with slack_desk(clock, database_url) as made:
        yield made


# forms


async def test_a_form_is_there_at_once_and_filled_when_the_desk_has_answered(place: SlackDesk) -> None:
    await place.person().command("/ticket", "create", "it-support")
    opened = place.calls("views.open")
    assert [call["view"]["callback_id"] for call in opened] == ["loading"]
    filled = place.calls("views.update")
    assert [call["view"]["callback_id"] for call in filled] == ["create"]
    assert filled[0]["hash"]
    assert place.modal().content["callback_id"] == "create"
    assert not place.wrongs()


async def test_a_form_that_is_closed_before_it_is_filled_is_left_alone(place: SlackDesk) -> None:
    place.slack.stand_in.faults.add("views.update", FaultKind.REFUSED, code="not_found")
    assert (await place.person().command("/ticket", "create", "it-support")).ok
    assert len(place.calls("views.update")) == 0
    assert not place.slack.workspace.ephemerals


async def test_a_form_is_filled_even_if_slack_stumbles(place: SlackDesk) -> None:
    place.slack.stand_in.faults.add("views.update", FaultKind.SERVER_ERROR)
    await place.person().command("/ticket", "create", "it-support")
    await until(lambda: place.modal().content["callback_id"] == "create")


async def test_why_there_is_no_form_stands_in_its_place(place: SlackDesk) -> None:
    await place.person("U0LEE").command("/ticket", "note 4711", "it-support")
    assert "4711" in str(place.modal("U0LEE").content["blocks"])
    assert not place.wrongs()


async def test_a_draft_stays_when_something_is_wrong_with_it(place: SlackDesk) -> None:
    kim = place.person()
    await kim.command("/ticket", "create", "it-support")
    view = place.modal()
    draft = {"title": {"value": "Printer"}, "affected_users": {"value": "many"}}
    refused = await kim.submit(view.id, draft)
    assert refused.body["response_action"] == "errors"
    assert list(refused.body["errors"]) == ["affected_users"]
    await kim.submit(view.id, draft | {"affected_users": {"value": "12"}})
    assert [(ticket.title, ticket.affected_users) for ticket in await place.tickets()] == [("Printer", 12)]
    assert not place.wrongs()


async def test_systems_and_the_assignee_are_chosen_while_one_types(place: SlackDesk) -> None:
    kim = place.person()
    await kim.command("/ticket", "create", "it-support")
    view = place.modal()

    async def offered(typed: str) -> list[str]:
        answer = await kim.search(view.id, "value", typed, "systems")
        return [option["value"] for option in answer.body["options"]]

    assert await offered("") == ["결제", "배송 결제", "mail-gateway", "Payments"]
    assert await offered("결ㅈ") == ["결제", "배송 결제"]
    assert await offered("gate") == ["mail-gateway"]
    chosen: dict[str, dict[str, object]] = {
        "title": {"value": "VPN"},
        "systems": {"value": ["결제", "mail-gateway"]},
        "assignee": {"value": "U0LEE"},
    }
    await kim.submit(view.id, chosen)
    ticket = (await place.tickets())[0]
    assert ticket.systems == ("결제", "mail-gateway")
    assert ticket.assignee is not None
    assert ticket.assignee.id == "lee"
    kinds = [event.kind for event in await place.desk.timeline(ticket.id)]
    assert kinds == ["ticket.created", "ticket.assigned"]
    assert not place.wrongs()


async def test_only_who_works_on_tickets_may_give_them_to_somebody(clock: SetClock, database_url: str) -> None:
    async with slack_desk(clock, database_url, access={"agents": ("kim",)}) as place:
        await place.person("U0LEE").command("/ticket", "create", "it-support")
        names = [block.get("block_id") for block in place.modal("U0LEE").content["blocks"]]
        assert "title" in names
        assert "assignee" not in names


# shortcuts


async def test_a_shortcut_from_anywhere_opens_the_form_and_says_what_became_of_it(place: SlackDesk) -> None:
    lee = place.person("U0LEE")
    assert (await lee.shortcut("create_ticket")).ok
    view = place.modal("U0LEE")
    answer = await lee.submit(view.id, {"title": {"value": "New laptop"}})
    assert answer.body["response_action"] == "update"
    assert "Ticket #" in str(place.modal("U0LEE").content["blocks"])
    assert (await place.tickets())[0].title == "New laptop"
    assert not place.wrongs()


async def test_a_message_becomes_a_ticket_of_its_author_with_the_way_back(place: SlackDesk) -> None:
    said = await place.person("U0LEE").say("VPN is down\nsince <@U0KIM> left & nobody <knows>", "it-support")
    kim = place.person()
    await kim.shortcut("create_from_message", "it-support", said.ts)
    view = place.modal()
    initial = {block["block_id"]: block["element"].get("initial_value") for block in view.content["blocks"]}
    assert initial["title"] == "VPN is down"
    assert initial["description"] == "VPN is down\nsince @김담당 left & nobody <knows>"
    await kim.submit(view.id, {})
    ticket = (await place.tickets())[0]
    assert ticket.requester is not None
    assert ticket.requester.id == "lee"
    assert ticket.origin["permalink"].endswith(f"/C0DESK/p{said.ts.replace('.', '')}")
    assert "quote" not in ticket.origin
    created = (await place.desk.timeline(ticket.id))[0]
    assert created.actor.id == "kim"
    assert not place.wrongs()


async def test_the_message_is_answered_once_with_the_number_and_the_way_to_the_card(place: SlackDesk) -> None:
    said = await place.person("U0LEE").say("VPN is down", "it-support")
    kim = place.person()
    await kim.shortcut("create_from_message", "it-support", said.ts)
    await kim.submit(place.modal().id, {})
    await until(lambda: [m for m in place.slack.desk.messages.values() if m.bot_id and not m.thread_ts])
    card = next(m for m in place.slack.desk.messages.values() if m.bot_id and not m.thread_ts)
    answer = (await place.answers(said.ts))[0]
    buttons = {button["action_id"]: button for button in answer.blocks[-1]["elements"]}
    assert buttons["open_ticket"]["url"].endswith(f"/C0DESK/p{card.ts.replace('.', '')}")
    assert "#1" in answer.text
    # It shows the ticket to whoever asks, alone.
    await place.person("U0LEE").click("C0DESK", answer.ts, "show")
    assert "*Ticket #1*" in str([whisper.blocks for whisper in place.slack.workspace.ephemerals.values()])
    assert not place.wrongs()


# the emoji


async def test_the_emoji_makes_one_ticket_of_a_message_whoever_puts_it_there(place: SlackDesk) -> None:
    said = await place.person("U0LEE").say("Der Drucker brennt", "it-support")
    others = [place.person("U0KIM"), place.person("U0LEE")]
    await asyncio.gather(*(person.react("it-support", said.ts, "ticket") for person in others))
    ticket = (await place.tickets())[0]
    assert len(await place.tickets()) == 1
    assert (ticket.title, ticket.description) == ("Der Drucker brennt", "")
    assert ticket.requester is not None
    assert ticket.requester.id == "lee"
    assert ticket.origin["permalink"]
    assert "#1" in (await place.answers(said.ts))[0].text
    assert not place.wrongs()


async def test_the_emoji_on_an_answer_in_a_thread_makes_a_ticket_of_that_answer(place: SlackDesk) -> None:
    lee = place.person("U0LEE")
    said = await lee.say("morning", "it-support")
    below = await lee.say("the VPN is slow", "it-support", said.ts)
    await place.person().react("it-support", below.ts, "ticket")
    assert [ticket.title for ticket in await place.tickets()] == ["the VPN is slow"]
    assert "#1" in (await place.answers(said.ts))[0].text
    assert not place.wrongs()


async def test_a_message_that_became_a_ticket_by_hand_becomes_no_other_by_emoji(place: SlackDesk) -> None:
    kim = place.person()
    said = await kim.say("VPN is down", "it-support")
    await kim.shortcut("create_from_message", "it-support", said.ts)
    await kim.submit(place.modal().id, {})
    await kim.react("it-support", said.ts, "ticket")
    assert len(await place.tickets()) == 1


async def test_other_emoji_and_emoji_on_our_own_messages_mean_nothing(place: SlackDesk) -> None:
    kim = place.person()
    said = await kim.say("VPN is down", "it-support")
    await kim.react("it-support", said.ts, "tada")
    await place.opened("a card")
    await until(lambda: place.slack.last().bot_id)
    await kim.react("it-support", place.slack.last().ts, "ticket")
    assert [ticket.title for ticket in await place.tickets()] == ["a card"]


async def test_the_emoji_can_be_another_one_or_none(clock: SetClock, database_url: str) -> None:
    async with slack_desk(clock, database_url, slack={"reaction": "sos"}) as place:
        kim = place.person()
        said = await kim.say("VPN is down", "it-support")
        await kim.react("it-support", said.ts, "ticket")
        assert not await place.tickets()
        await kim.react("it-support", said.ts, "sos")
        assert len(await place.tickets()) == 1


async def test_a_message_that_cannot_be_read_now_is_read_when_slack_sends_the_emoji_again(place: SlackDesk) -> None:
    kim = place.person("U0LEE")
    said = await kim.say("VPN is down", "it-support")
    place.slack.stand_in.faults.add("conversations.history", FaultKind.RATE_LIMITED)
    assert (await kim.react("it-support", said.ts, "ticket")).status == 503
    place.slack.stand_in.faults.add("conversations.history", FaultKind.REFUSED, code="missing_scope")
    place.slack.stand_in.faults.add("conversations.replies", FaultKind.REFUSED, code="missing_scope")
    said.reactions.clear()
    assert (await kim.react("it-support", said.ts, "ticket")).ok
    assert "cannot read" in next(iter(place.slack.workspace.ephemerals.values())).text
    said.reactions.clear()
    await kim.react("it-support", said.ts, "ticket")
    assert len(await place.tickets()) == 1


# mentions


@pytest.mark.parametrize(
    ("user", "said"), [("U0LEE", "the printer on 3F is on fire"), ("U0KIM", "3층 프린터에 불이 났어요")]
)
async def test_a_mention_in_words_of_its_own_becomes_a_ticket(place: SlackDesk, user: str, said: str) -> None:
    asked = await place.person(user).say(f"<@U0DESKBELL> {said}", "it-support")
    assert [ticket.title for ticket in await place.tickets()] == [said]
    assert "#1" in (await place.answers(asked.ts))[0].text
    assert not place.wrongs()


@pytest.mark.parametrize(
    ("user", "said", "nearest"),
    [
        ("U0LEE", "asign 42 <@U0KIM>", "assign"),
        ("U0KIM", "할당 42 <@U0LEE>", "assign"),
        ("U0KIM", "42번 해결했어요", "resolve"),
        ("U0LEE", "creat printer broken", "create"),
    ],
)
async def test_a_command_with_a_slip_in_it_is_answered_with_the_right_one(
    place: SlackDesk, user: str, said: str, nearest: str
) -> None:
    asked = await place.person(user).say(f"<@U0DESKBELL> {said}", "it-support")
    assert not await place.tickets()
    answer = (await place.answers(asked.ts))[0]
    assert nearest in str(answer.blocks[0])
    assert not place.wrongs()


async def test_a_mention_below_our_own_message_opens_no_ticket(place: SlackDesk) -> None:
    await place.opened("VPN")
    await until(lambda: place.slack.desk.messages)
    card = place.slack.last()
    await place.person("U0LEE").say("<@U0DESKBELL> it is still not working here", "it-support", card.ts)
    assert len(await place.tickets()) == 1


# links


async def test_a_link_to_a_ticket_shows_its_card_as_it_is(place: SlackDesk) -> None:
    ticket = await place.opened("VPN is down <!channel>")
    await place.desk.work.execute(ticket.id, c.Assign(KIM.ref), LEE, "api")
    url = f"{BASE}/tickets/{ticket.id}"
    said = await place.person().say(f"look at <{url}?tab=1> and <{BASE}/tickets/99> and <{BASE}/docs>", "it-support")
    await until(lambda: said.attachments)
    assert [shown["from_url"] for shown in said.attachments] == [f"{url}?tab=1"]
    assert "김담당" in str(said.attachments[0]["blocks"])
    # Its buttons work, and are answered, for nothing changes there.
    lee = place.person("U0LEE")
    await lee.click("C0DESK", said.ts, "call_expert")
    assert place.modal("U0LEE").content["callback_id"] == "expert"
    assert not place.wrongs()


async def test_a_link_in_a_draft_shows_a_card_without_buttons(place: SlackDesk) -> None:
    ticket = await place.opened("VPN is down")
    unfurl = await place.person().compose(f"<{BASE}/tickets/{ticket.id}>")
    await until(lambda: place.slack.stand_in.unfurls.previews)
    shown = place.slack.stand_in.unfurls.previews[str(unfurl)]
    assert "VPN is down" in str(shown)
    assert not [block for block in shown[0]["blocks"] if block["type"] == "actions"]
    assert not place.wrongs()


async def test_a_link_is_shown_even_if_slack_stumbles(place: SlackDesk) -> None:
    ticket = await place.opened("VPN is down")
    place.slack.stand_in.faults.add("chat.unfurl", FaultKind.SERVER_ERROR)
    said = await place.person().say(f"<{BASE}/tickets/{ticket.id}>", "it-support")
    await until(lambda: said.attachments)
