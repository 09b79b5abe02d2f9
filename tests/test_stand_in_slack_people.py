"""People in the stand-in of Slack: modals, Socket Mode, and clicks that a real Bolt app takes for Slack's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.demo.answer import Answer
from bot.demo.feed import BACKLOG, Feed
from bot.demo.slack_person import HttpDoor, SlackUser, SocketDoor
from bot.demo.slack_records import Change, ChangeKind, Json
from tests.stand_in_slack import ASSIGN, SECRET, SECTION, Slack, modal, plain, refusal


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    slack = Slack()
    await slack.start()
    yield slack
    await slack.stop()


# modals and the Home tab


async def test_a_trigger_opens_one_view_within_three_seconds(slack: Slack) -> None:
    trigger = slack.stand_in.modals.issue_trigger("U0KIM")
    view = (await slack.web.views_open(trigger_id=trigger, view=modal()))["view"]
    assert await refusal(slack.web.views_open(trigger_id=trigger, view=modal())) == "exchanged_trigger_id"
    late = slack.stand_in.modals.issue_trigger("U0KIM")
    slack.clock.now += 3.1
    assert await refusal(slack.web.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"
    assert [v.id for v in slack.stand_in.modals.stacks["U0KIM"]] == [view["id"]]


async def test_a_view_with_a_stale_hash_does_not_overwrite(slack: Slack) -> None:
    trigger = slack.stand_in.modals.issue_trigger("U0KIM")
    view = (await slack.web.views_open(trigger_id=trigger, view=modal(external_id="one")))["view"]
    newer = (await slack.web.views_update(external_id="one", hash=view["hash"], view=modal(title=plain("2"))))["view"]
    stale = slack.web.views_update(view_id=view["id"], hash=view["hash"], view=modal())
    assert await refusal(stale) == "hash_conflict"
    assert slack.stand_in.modals.stacks["U0KIM"][0].hash == newer["hash"]


async def test_three_views_are_the_highest_stack(slack: Slack) -> None:
    modals = slack.stand_in.modals
    top = (await slack.web.views_open(trigger_id=modals.issue_trigger("U0KIM"), view=modal()))["view"]
    outside = slack.web.views_push(trigger_id=modals.issue_trigger("U0KIM"), view=modal())
    assert await refusal(outside) == "not_found", "a push needs a trigger from inside the modal"
    for _ in range(2):
        top = (await slack.web.views_push(trigger_id=modals.issue_trigger("U0KIM", top["id"]), view=modal()))["view"]
    push = slack.web.views_push(trigger_id=modals.issue_trigger("U0KIM", top["id"]), view=modal())
    assert await refusal(push) == "push_limit_reached"
    stack = modals.stacks["U0KIM"]
    assert [view.previous_id for view in stack] == [None, stack[0].id, stack[1].id]


async def test_a_home_tab_is_one_per_person_and_replaced(slack: Slack) -> None:
    home = {"type": "home", "blocks": [SECTION]}
    first = (await slack.web.views_publish(user_id="U0KIM", view=home))["view"]
    second = (await slack.web.views_publish(user_id="U0KIM", view=home, hash=first["hash"]))["view"]
    assert (first["id"], len(slack.stand_in.modals.homes)) == (second["id"], 1)
    stale = slack.web.views_publish(user_id="U0KIM", view=home, hash=first["hash"])
    assert await refusal(stale) == "hash_conflict"


# Socket Mode


async def test_socket_mode_delivers_and_waits_for_the_acknowledgement(slack: Slack) -> None:
    heard: list[str] = []

    async def acknowledge(client: Any, request: Any) -> None:
        heard.append(request.type)
        answer = {"text": "done"} if request.accepts_response_payload else None
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer))

    client = SocketModeClient("xapp-demo", web_client=slack.client("xapp-demo"))
    client.socket_mode_request_listeners.append(acknowledge)
    await client.connect()  # type: ignore[no-untyped-call]
    try:
        kim = SlackUser(slack.stand_in, "U0KIM", SocketDoor(slack.stand_in))
        answer = await kim.command("/ticket", "list", "C0DESK")
        await kim.say("hello", "C0DESK")
    finally:
        await client.close()  # type: ignore[no-untyped-call]
    assert (answer.body, heard) == ({"text": "done"}, ["slash_commands", "events_api"])
    assert [e.text for e in slack.workspace.ephemerals.values()] == ["done"]
    assert not slack.stand_in.violations


async def test_a_ticket_opens_one_socket_below_whatever_path_the_stand_in_is_served(slack: Slack) -> None:
    site = web.Application()
    site.add_subapp("/demo/slack", slack.stand_in.app())
    async with TestServer(site) as server:
        client = AsyncWebClient("xapp-demo", base_url=str(server.make_url("/demo/slack/api/")), session=slack.session)
        url = (await client.apps_connections_open(app_token="xapp-demo"))["url"]
        assert "/demo/slack/link/" in url
        async with slack.session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await slack.session.ws_connect(url)


# people, and a real Bolt app at the other end


class Product:
    """A Bolt app behind /slack/events, and two people in front of it."""

    def __init__(self, slack: Slack) -> None:
        self.bolt = AsyncApp(signing_secret=SECRET, client=slack.client("xoxb-demo"))
        self._slack = slack
        site = web.Application()
        site.router.add_post("/slack/events", self._receive)
        self.server = TestServer(site)

    async def _receive(self, request: web.Request) -> web.Response:
        return await to_aiohttp_response(await self.bolt.async_dispatch(await to_bolt_request(request)))

    def user(self, id: str, secret: str = SECRET) -> SlackUser:
        url = str(self.server.make_url("/slack/events"))
        return SlackUser(self._slack.stand_in, id, HttpDoor(self._slack.stand_in, self._slack.session, url, secret))


@pytest.fixture
async def product(slack: Slack) -> AsyncIterator[Product]:
    slack.clock.now = time.time()
    product = Product(slack)
    await product.server.start_server()
    yield product
    await product.server.close()


async def test_a_command_opens_a_modal_whose_errors_and_success_are_shown(slack: Slack, product: Product) -> None:
    async def command(ack: Any, body: Json, client: Any) -> None:
        await ack("one moment")
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    async def submission(ack: Any, view: Json) -> None:
        entered = view["state"]["values"]
        if entered["title"]["text"]["value"] == "short":
            await ack(response_action="errors", errors={"title": "too short"})
        elif entered["priority"]["pick"]["selected_option"]["value"] == "high":
            await ack()

    product.bolt.command("/ticket")(command)
    product.bolt.view("new")(submission)
    kim = product.user("U0KIM")
    changes: list[Change] = []
    slack.workspace.feed.callbacks.append(changes.append)

    assert (await kim.command("/ticket", "new", "#it-support")).body == "one moment"
    [view] = slack.stand_in.modals.stacks["U0KIM"]
    with pytest.raises(ValueError, match="title must be filled in"):
        await kim.submit(view.id, {})
    with pytest.raises(ValueError, match="offers no option"):
        await kim.submit(view.id, {"title": {"text": "x"}, "priority": {"pick": "urgent"}})
    await kim.submit(view.id, {"title": {"text": "short"}})
    assert slack.stand_in.modals.view(view.id) is view, "a modal with errors stays open"
    await kim.submit(view.id, {"title": {"text": "VPN is down"}, "priority": {"pick": "high"}})

    assert "U0KIM" not in slack.stand_in.modals.stacks
    assert {change.kind for change in changes[:2]} == {ChangeKind.VIEW_OPENED, ChangeKind.EPHEMERAL_POSTED}
    assert [change.kind for change in changes[2:]] == [ChangeKind.VIEW_ERRORS, ChangeKind.VIEW_CLOSED]
    assert changes[2].payload["errors"] == {"title": "too short"}
    assert not slack.stand_in.violations


async def test_a_click_carries_what_was_clicked_and_may_be_answered(slack: Slack, product: Product) -> None:
    seen: list[Json] = []

    async def click(ack: Any, body: Json, respond: Any) -> None:
        await ack()
        seen.append(body)
        await respond(text="taken", response_type="ephemeral", replace_original=False)

    product.bolt.action("assign")(click)
    product.bolt.action("more")(click)
    posted = await slack.web.chat_postMessage(channel="C0DESK", text="VPN", blocks=[SECTION, ASSIGN])
    lee = product.user("U0LEE")
    assert (await lee.click("C0DESK", posted["ts"], "assign")).ok
    assert (await lee.click("C0DESK", posted["ts"], "more", "resolve")).ok
    with pytest.raises(LookupError):
        await lee.click("C0DESK", posted["ts"], "explode")

    assert [body["actions"][0].get("value") for body in seen] == ["42", None]
    assert seen[1]["actions"][0]["selected_option"]["value"] == "resolve"
    assert seen[0]["message"]["blocks"] == [SECTION, ASSIGN]
    whispers = list(slack.workspace.ephemerals.values())
    assert [(e.user, e.text) for e in whispers] == [("U0LEE", "taken"), ("U0LEE", "taken")]
    assert not slack.stand_in.violations


async def test_an_event_reaches_the_product_only_from_where_its_bot_is(slack: Slack, product: Product) -> None:
    heard: list[tuple[str, str]] = []

    async def hear(event: Json) -> None:
        heard.append((event["type"], event["text"]))

    product.bolt.event("message")(hear)
    product.bolt.event("app_mention")(hear)
    kim = product.user("U0KIM")
    await kim.say("<@U0DESKBELL> help & <script>", "C0DESK")
    await kim.say("nobody listens", "C0AWAY")
    escaped = "<@U0DESKBELL> help &amp; &lt;script&gt;"
    assert sorted(heard) == [("app_mention", escaped), ("message", escaped)]
    assert not slack.stand_in.violations


async def test_the_home_tab_is_drawn_when_it_is_opened_and_its_buttons_work(slack: Slack, product: Product) -> None:
    async def draw(event: Json, client: Any) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [SECTION, ASSIGN]})

    async def click(ack: Any, body: Json, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(notify_on_close=True))

    closed: list[Json] = []

    async def close(ack: Any, body: Json) -> None:
        await ack()
        closed.append(body)

    product.bolt.event("app_home_opened")(draw)
    product.bolt.action("assign")(click)
    product.bolt.view_closed("new")(close)
    kim, changes = product.user("U0KIM"), slack.stand_in.listen()
    await kim.open_home()
    published = await asyncio.wait_for(anext(changes), 1)
    await kim.click_in_view(published.payload["id"], "assign")
    await asyncio.wait_for(anext(changes), 1)
    [view] = slack.stand_in.modals.stacks["U0KIM"]
    await kim.close(view.id)
    assert [body["view"]["id"] for body in closed] == [view.id]
    assert not slack.stand_in.violations


async def test_a_product_that_refuses_or_is_late_is_noted(slack: Slack, product: Product) -> None:
    assert (await product.user("U0KIM", "wrong secret").command("/ticket", "", "C0DESK")).status == 401
    assert (await product.user("U0KIM").command("/unknown", "", "C0DESK")).status == 404
    kim = product.user("U0KIM")
    await product.server.close()
    assert await kim.command("/ticket", "", "C0DESK") == Answer(0)
    assert [v.code for v in slack.stand_in.violations] == ["dispatch_failed"] * 3


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "explode"},
        "thanks",
    ],
)
async def test_a_malformed_answer_to_a_submission_is_noted_and_changes_nothing(slack: Slack, answer: object) -> None:
    modals = slack.stand_in.modals
    view = modals.open(modals.issue_trigger("U0KIM"), modal())
    modals.answer_submission(view, answer)
    assert modals.stacks["U0KIM"] == [view]
    assert [violation.where for violation in slack.stand_in.violations] == ["view_submission"]


async def test_the_answers_to_a_submission_update_push_and_clear(slack: Slack) -> None:
    modals = slack.stand_in.modals
    view = modals.open(modals.issue_trigger("U0KIM"), modal())
    modals.answer_submission(view, {"response_action": "update", "view": modal(callback_id="second")})
    modals.answer_submission(view, {"response_action": "push", "view": modal(callback_id="third")})
    assert [v.content["callback_id"] for v in modals.stacks["U0KIM"]] == ["second", "third"]
    modals.answer_submission(view, {"response_action": "clear"})
    assert (modals.stacks, list(slack.stand_in.violations)) == ({}, [])


# response_url


async def test_a_response_url_is_good_for_five_answers(slack: Slack) -> None:
    url = slack.stand_in.response_urls.issue("C0AWAY", "U0KIM")
    client = AsyncWebhookClient(url, session=slack.session)
    answers = [await client.send(text="in the open", response_type="in_channel") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert "used_url" in answers[5].body
    assert len(slack.away.messages) == 5, "it reaches channels where the bot is not"


async def test_a_response_url_ends_after_half_an_hour(slack: Slack) -> None:
    client = AsyncWebhookClient(slack.stand_in.response_urls.issue("C0DESK", "U0KIM"), session=slack.session)
    slack.clock.now += 1801
    assert (await client.send(text="late")).body == '{"ok": false, "error": "expired_url"}'


async def test_a_response_url_replaces_and_deletes_what_was_clicked(slack: Slack) -> None:
    whisper = (await slack.web.chat_postEphemeral(channel="C0DESK", user="U0KIM", text="sure?"))["message_ts"]
    posted = (await slack.web.chat_postMessage(channel="C0DESK", text="open"))["ts"]
    for ts in (whisper, posted):
        url = slack.stand_in.response_urls.issue("C0DESK", "U0KIM", message=ts)
        await AsyncWebhookClient(url, session=slack.session).send(text="done", replace_original=True)
    assert (slack.workspace.ephemerals[whisper].text, slack.last().text) == ("done", "done")
    for ts in (whisper, posted):
        url = slack.stand_in.response_urls.issue("C0DESK", "U0KIM", message=ts)
        await AsyncWebhookClient(url, session=slack.session).send(delete_original=True)
    assert (slack.workspace.ephemerals, slack.desk.messages) == ({}, {})
    assert not slack.stand_in.violations


# watching


async def test_a_watcher_that_falls_behind_loses_the_oldest() -> None:
    feed: Feed[int] = Feed()
    watcher = feed.listen()
    for number in range(BACKLOG + 3):
        feed.tell(number)
    assert await anext(watcher) == 3


async def test_everything_that_people_see_is_told_in_order(slack: Slack) -> None:
    changes = slack.stand_in.listen()
    ts = (await slack.web.chat_postMessage(channel="C0DESK", text="a"))["ts"]
    await slack.web.chat_update(channel="C0DESK", ts=ts, text="b")
    await slack.web.chat_postEphemeral(channel="C0DESK", user="U0KIM", text="psst")
    await slack.web.reactions_add(channel="C0DESK", timestamp=ts, name="ticket")
    await slack.web.chat_delete(channel="C0DESK", ts=ts)
    told = [await asyncio.wait_for(anext(changes), 1) for _ in range(5)]
    assert [(change.kind.value, change.payload["text"], change.user) for change in told] == [
        ("message_posted", "a", None),
        ("message_changed", "b", None),
        ("ephemeral_posted", "psst", "U0KIM"),
        ("message_changed", "b", None),
        ("message_deleted", "b", None),
    ]
