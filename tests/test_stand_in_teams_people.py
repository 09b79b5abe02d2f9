"""People in the stand-in of Teams: what they send has Teams' shapes, and what they are answered is looked at."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.demo import teams_activities as activities
from bot.demo.issuer import ISSUER
from bot.demo.teams_activities import Situation
from bot.demo.teams_answers import invoke_problems
from bot.demo.teams_person import TeamsDoor, TeamsUser
from bot.demo.teams_records import ADAPTIVE, Json, Kind, TeamsConversation, TeamsPerson
from tests.stand_in_teams import APP_ID, CARD, CHANNEL, GROUP, KIM, LEE, TEAM, TENANT, Teams

SHARED = Path(__file__).parents[2] / "shared" / "fixtures" / "teams" / "teams_like_activities"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the recorded activities of Teams are not in this copy")
ATTACHED: Json = {"contentType": ADAPTIVE, "content": CARD}
DIALOG: Json = {"task": {"type": "continue", "value": {"title": "Status", "width": "medium", "card": ATTACHED}}}


class Bot:
    """A bot behind /api/messages that believes the issuer's tokens only; ``answers`` are by name of invoke."""

    def __init__(self, teams: Teams) -> None:
        self.heard: list[Json] = []
        self.answers: dict[str, Any] = {}
        self._teams = teams
        site = web.Application()
        site.router.add_post("/api/messages", self._receive)
        self.server = TestServer(site)

    async def _receive(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            key = self._teams.issuer.key.public_key()
            claims = jwt.decode(token, key, algorithms=["RS256"], audience=APP_ID, issuer=ISSUER)
        except jwt.InvalidTokenError:
            return web.Response(status=401)
        activity = await request.json()
        assert claims["serviceurl"] == activity["serviceUrl"]
        self.heard.append(activity)
        if activity["type"] == "invoke":
            return web.json_response(self.answers.get(activity["name"]))
        return web.Response(status=202)

    def user(self, id: str, *, token: bool = True) -> TeamsUser:
        url = str(self.server.make_url("/api/messages"))
        door = TeamsDoor(self._teams.session, url, self._teams.issuer if token else None)
        return TeamsUser(self._teams.stand_in, id, door)


@pytest.fixture
async def teams() -> AsyncIterator[Teams]:
    teams = Teams()
    await teams.start()
    yield teams
    await teams.stop()


@pytest.fixture
async def bot(teams: Teams) -> AsyncIterator[Bot]:
    bot = Bot(teams)
    await bot.server.start_server()
    yield bot
    await bot.server.close()


async def test_the_bot_hears_what_is_said_to_it_and_nothing_else(teams: Teams, bot: Bot) -> None:
    kim = bot.user(KIM)
    await kim.say("새 티켓")
    await kim.say("just us", CHANNEL)
    root = await kim.say("help", CHANNEL, mention=True)
    await kim.say("more", CHANNEL, mention=True, root=root.id)
    assert [(heard["text"], heard["conversation"]["conversationType"]) for heard in bot.heard] == [
        ("새 티켓", "personal"),
        ("<at>Deskbell</at> help", "channel"),
        ("<at>Deskbell</at> more", "channel"),
    ]
    assert [heard["conversation"]["id"] for heard in bot.heard[1:]] == [f"{CHANNEL};messageid={root.id}"] * 2
    assert bot.heard[0]["serviceUrl"] == teams.service_url
    assert len(teams.channel.activities) == 3
    assert not teams.stand_in.violations


async def test_a_button_is_a_message_a_dialog_or_an_invoke_as_the_card_says(teams: Teams, bot: Bot) -> None:
    kim, bot.answers = bot.user(KIM), {"task/fetch": DIALOG}
    bot.answers["adaptiveCard/action"] = {"statusCode": 200, "type": ADAPTIVE, "value": CARD}
    posted = teams.world.post(teams.group, teams.world.bot_id, {"type": "message", "attachments": [ATTACHED]})
    await kim.press(GROUP, posted.id, "Take it", {"note": "on it"})
    dialog = await kim.press(GROUP, posted.id, "Status")
    await kim.press(GROUP, posted.id, {"type": "Action.Execute", "verb": "assign", "data": {"ticket_id": 42}})
    await kim.submit_dialog({"action": "update_status", "status": "resolved"}, GROUP)
    with pytest.raises(LookupError, match="Take it"):
        await kim.press(GROUP, posted.id, "Explode")

    submit, fetch, execute, done = bot.heard
    assert (submit["type"], submit["replyToId"]) == ("message", posted.id)
    assert submit["value"] == {"action": "assign", "ticket_id": 42, "note": "on it"}
    assert (fetch["name"], fetch["value"]["data"]["action"]) == ("task/fetch", "update_status")
    assert execute["value"]["action"]["verb"] == "assign"
    assert (done["name"], done["value"]["data"]["status"]) == ("task/submit", "resolved")
    assert dialog.body == DIALOG
    assert not teams.stand_in.violations


async def test_a_message_becomes_a_ticket_through_the_message_extension(teams: Teams, bot: Bot) -> None:
    bot.answers = {"composeExtension/fetchTask": DIALOG}
    said = await bot.user(LEE).say("the <printer> is broken", CHANNEL)
    await bot.user(KIM).open_command("createTicket", said)
    [heard] = bot.heard
    payload = heard["value"]["messagePayload"]
    assert payload["body"]["content"] == "<p>the &lt;printer&gt; is broken</p>"
    assert payload["from"]["user"]["displayName"] == "Lee"
    assert heard["conversation"]["id"] == f"{CHANNEL};messageid={said.id}"
    assert not teams.stand_in.violations


async def test_installing_and_removing_decides_whether_the_bot_may_write(teams: Teams, bot: Bot) -> None:
    kim = bot.user(KIM)
    await kim.install("remove")
    assert not teams.world.people[KIM].installed
    await kim.install()
    await kim.remove_bot(CHANNEL)
    assert not teams.channel.bot_present
    await kim.add_bot(CHANNEL)
    told = [(heard["type"], heard.get("action"), heard["channelData"].get("eventType")) for heard in bot.heard]
    assert told == [
        ("installationUpdate", "remove", None),
        ("conversationUpdate", None, None),
        ("installationUpdate", "add", None),
        ("conversationUpdate", None, "teamMemberRemoved"),
        ("conversationUpdate", None, "teamMemberAdded"),
    ]
    assert bot.heard[-1]["conversation"]["id"] == TEAM


async def test_a_bot_that_refuses_is_not_there_or_answers_nonsense_is_noted(teams: Teams, bot: Bot) -> None:
    assert (await bot.user(KIM, token=False).say("x")).id
    bot.answers = {"task/fetch": {"task": {"type": "continue"}}}
    await bot.user(KIM).invoke("task/fetch", activities.task_fetch_value({}))
    kim = bot.user(KIM)
    await bot.server.close()
    await kim.say("x")
    assert [(violation.where, violation.code) for violation in teams.stand_in.violations] == [
        ("message", "dispatch_failed"),
        ("task/fetch", "malformed_answer"),
        ("message", "dispatch_failed"),
    ]


RESULT: Json = {"type": "result", "attachmentLayout": "list", "attachments": [ATTACHED | {"preview": ATTACHED}]}
MESSAGE_TYPE, ERROR_TYPE = "application/vnd.microsoft.activity.message", "application/vnd.microsoft.error"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("task/fetch", DIALOG),
        ("task/submit", None),
        ("task/submit", {"task": {"type": "message", "value": "done"}}),
        ("adaptiveCard/action", {"statusCode": 200, "type": MESSAGE_TYPE, "value": "done"}),
        ("adaptiveCard/action", {"statusCode": 400, "type": ERROR_TYPE, "value": {"code": "x", "message": "y"}}),
        ("composeExtension/query", {"composeExtension": RESULT}),
        ("composeExtension/query", {"composeExtension": {"type": "message", "text": "nothing found"}}),
        ("composeExtension/submitAction", DIALOG),
        ("application/search", {"anything": 1}),
    ],
)
def test_answers_that_teams_can_show_are_left_alone(name: str, body: object) -> None:
    assert invoke_problems(name, body) == []


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("task/fetch", None),
        ("task/fetch", "done"),
        ("task/fetch", {}),
        ("task/fetch", {"task": {"type": "message", "value": ""}}),
        ("task/fetch", {"task": {"type": "continue", "value": {"title": "x", "card": CARD}}}),
        ("task/fetch", {"task": {"type": "continue", "value": {"title": "", "card": ATTACHED}}}),
        ("task/fetch", {"task": {"type": "continue", "value": {"title": "x", "height": "huge", "card": ATTACHED}}}),
        ("adaptiveCard/action", {"type": MESSAGE_TYPE, "value": "done"}),
        ("adaptiveCard/action", {"statusCode": 200, "type": MESSAGE_TYPE, "value": ""}),
        ("adaptiveCard/action", {"statusCode": 200, "type": ADAPTIVE, "value": ATTACHED}),
        ("adaptiveCard/action", {"statusCode": 400, "type": ERROR_TYPE, "value": "no"}),
        ("adaptiveCard/action", {"statusCode": 200, "type": "text/plain", "value": "x"}),
        ("composeExtension/query", {}),
        ("composeExtension/query", {"composeExtension": {"type": "result", "attachments": []}}),
        ("composeExtension/query", {"composeExtension": RESULT | {"attachments": [ATTACHED]}}),
        ("composeExtension/query", {"composeExtension": {"type": "message"}}),
    ],
)
def test_answers_that_teams_could_not_show_are_complained_about(name: str, body: object) -> None:
    assert invoke_problems(name, body)


def _situation(kind: Kind, id: str, root: str = "") -> Situation:
    person = TeamsPerson(KIM, "0020", "김담당", TENANT, "kim@example.com", "ko-KR", "Asia/Seoul", "KR")
    team = ("outages", TEAM, "Operations") if kind == "channel" else ("", "", "")
    conversation = TeamsConversation(id, TENANT, kind, *team, members=[KIM])
    url = f"https://smba.trafficmanager.net/kr/{TENANT}/"
    return Situation(person, conversation, f"28:{APP_ID}", "봇", url, "1764000000000", 1.7e9, root)


def _made() -> dict[str, Json]:
    private, group = _situation("personal", "a:1"), _situation("groupChat", GROUP)
    channel = _situation("channel", CHANNEL, "1764000000000")
    data, action = {"action": "assign", "ticket_id": "INC-1"}, {"verb": "assign", "title": "Assign"}
    shown = activities.message_payload(private.person, "1", "text", 1.7e9)
    bot = f"28:{APP_ID}"
    return {
        "message_personal": activities.activity_message(private, "새 티켓"),
        "message_channel_mention": activities.activity_message(channel, "내 티켓", mention=True),
        "message_groupchat_mention_two_users": activities.activity_message(group, "INC-1", mention=True),
        "message_submit_assign": activities.activity_submit(private, data, "1"),
        "message_submit_assign_channel": activities.activity_submit(channel, data, "1"),
        "invoke_adaptivecard_action_manual": activities.activity_invoke(
            channel, "adaptiveCard/action", activities.execute_value(action, data), "1"
        ),
        "invoke_adaptivecard_action_refresh": activities.activity_invoke(
            channel, "adaptiveCard/action", activities.execute_value(action, data, automatic=True), "1"
        ),
        "invoke_task_fetch": activities.activity_invoke(private, "task/fetch", activities.task_fetch_value(data), "1"),
        "invoke_task_submit": activities.activity_invoke(private, "task/submit", activities.task_submit_value(data)),
        "invoke_compose_fetchTask_compose": activities.activity_invoke(
            private, "composeExtension/fetchTask", activities.command_value("createTicket", "compose")
        ),
        "invoke_compose_fetchTask_message": activities.activity_invoke(
            channel, "composeExtension/fetchTask", activities.command_value("createTicket", "message", message=shown)
        ),
        "invoke_compose_submitAction": activities.activity_invoke(
            private, "composeExtension/submitAction", activities.command_value("createTicket", "compose", data={})
        ),
        "invoke_compose_query": activities.activity_invoke(
            private, "composeExtension/query", activities.query_value("findTicket", "q", "VPN")
        ),
        "invoke_compose_query_initialRun": activities.activity_invoke(
            private, "composeExtension/query", activities.query_value("findTicket", "q", None)
        ),
        "conversationUpdate_bot_added_team": activities.activity_members(
            channel, added=(bot,), event="teamMemberAdded"
        ),
        "conversationUpdate_user_added": activities.activity_members(private, added=(bot,)),
        "installationUpdate_add": activities.activity_installation(private, "add"),
        "messageReaction_added": activities.activity_reaction(private, "like", "1"),
    }


def _paths(value: object, path: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {path}
    return {found for key, item in value.items() for found in _paths(item, f"{path}.{key}")}


@needs_shared
@pytest.mark.parametrize("name", sorted(_made()))
def test_activities_have_the_shapes_that_teams_sends(name: str) -> None:
    recorded = _paths(json.loads((SHARED / f"{name}.json").read_text()))
    made = _paths(_made()[name])
    free = (
        ".value.data.", ".value.action.data", ".channelData.team.", ".channelData.source", ".channelData.legacy",
        ".attachments",
    )  # fmt: skip
    assert {path for path in made ^ recorded if not path.startswith(free)} == set()
