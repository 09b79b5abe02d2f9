"""The stand-in of Slack on a port of its own, with people and channels in it, for the tests that need one."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack_api import SlackStandIn
from bot.demo.slack_records import Conversation, Json, Message, SlackPerson

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"

SECTION: Json = {"type": "section", "block_id": "s", "text": {"type": "mrkdwn", "text": "VPN is down"}}
ASSIGN: Json = {
    "type": "actions",
    "block_id": "doing",
    "elements": [
        {"type": "button", "action_id": "assign", "text": {"type": "plain_text", "text": "Take it"}, "value": "42"},
        {
            "type": "overflow",
            "action_id": "more",
            "options": [
                {"text": {"type": "plain_text", "text": "Escalate"}, "value": "escalate"},
                {"text": {"type": "plain_text", "text": "Resolve"}, "value": "resolve"},
            ],
        },
    ],
}


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def modal(**extra: Any) -> Json:
    title = {
        "type": "input",
        "block_id": "title",
        "label": plain("Title"),
        "element": {"type": "plain_text_input", "action_id": "text"},
    }
    option = {"text": plain("High"), "value": "high"}
    priority = {
        "type": "input",
        "block_id": "priority",
        "label": plain("Priority"),
        "optional": True,
        "element": {"type": "static_select", "action_id": "pick", "options": [option]},
    }
    view = {"type": "modal", "callback_id": "new", "title": plain("New"), "submit": plain("Send")}
    return view | {"blocks": [title, priority]} | extra


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1_764_000_000.0

    def __call__(self) -> float:
        return self.now


class Slack:
    """The stand-in on a port, with an open channel of two people and the clients that the tests need."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.stand_in = SlackStandIn(clock=self.clock, **settings)
        self.workspace = self.stand_in.workspace
        self.workspace.add_person(SlackPerson("U0KIM", "kim", "김담당", "kim@example.com", "ko-KR", "Asia/Seoul"))
        self.workspace.add_person(SlackPerson("U0LEE", "lee", "Lee"))
        self.desk = self.workspace.add_channel("it-support", members=("U0KIM", "U0LEE"), id="C0DESK")
        self.away = self.workspace.add_channel("random", members=("U0KIM",), bot=False, id="C0AWAY")
        self.hidden = self.workspace.add_channel("board", members=("U0LEE",), private=True, bot=False, id="C0HIDDEN")
        self.server = TestServer(self.stand_in.app())
        self.url = ""

    async def start(self) -> None:
        await self.server.start_server()
        self.url = str(self.server.make_url("/")).rstrip("/")
        self.stand_in.base_url = self.url
        self.session = aiohttp.ClientSession()
        self.web = self.client("xoxb-demo")

    def client(self, token: str | None) -> AsyncWebClient:
        return AsyncWebClient(token, base_url=f"{self.url}/api/", session=self.session, retry_handlers=[])

    async def stop(self) -> None:
        await self.session.close()
        await self.server.close()

    def last(self, channel: Conversation | None = None) -> Message:
        return next(reversed((channel or self.desk).messages.values()))


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])
