"""The stand-in of Teams on a port of its own, with people and places in it, for the tests that need one."""

from __future__ import annotations

from functools import cache
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from botbuilder.integration.aiohttp import CloudAdapter
from botbuilder.schema import Activity, Attachment, ConversationAccount, ConversationReference
from botframework.connector.aio import ConnectorClient
from botframework.connector.auth import (
    AppCredentials,
    BotFrameworkAuthenticationFactory,
    ServiceClientCredentialsFactory,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from bot.demo.connector import ConnectorStandIn
from bot.demo.issuer import Issuer
from bot.demo.teams_records import ADAPTIVE, Json, TeamsPerson
from tests.stand_in_slack import Clock

APP_ID = "11111111-2222-4333-8444-555555555555"
TENANT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
OTHER_TENANT = "ffffffff-bbbb-4ccc-8ddd-eeeeeeeeeeee"
TOKEN = "the-bots-own-token"
KIM, LEE, ELSEWHERE = "29:1Kim", "29:1Lee", "29:1Elsewhere"
CHANNEL, GROUP, TEAM = "19:outages@thread.tacv2", "19:few@thread.v2", "19:ops@thread.tacv2"

CARD: Json = {
    "type": "AdaptiveCard",
    "version": "1.4",
    "fallbackText": "VPN is down",
    "body": [{"type": "TextBlock", "text": "VPN is down", "wrap": True}],
    "actions": [
        {"type": "Action.Submit", "title": "Take it", "data": {"action": "assign", "ticket_id": 42}},
        {
            "type": "Action.Submit",
            "title": "Status",
            "data": {"action": "update_status", "ticket_id": 42, "msteams": {"type": "task/fetch"}},
        },
    ],
}


@cache
def _key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


class StubCredentials(AppCredentials):  # type: ignore[misc]  # an untyped library
    """The bot's token without asking Entra for it."""

    def __init__(self, token: str) -> None:
        super().__init__(APP_ID)
        self._token = token

    def get_access_token(self, force_refresh: bool = False) -> str:
        return self._token


class StubFactory(ServiceClientCredentialsFactory):  # type: ignore[misc]  # an untyped library
    def __init__(self, token: str) -> None:
        self._token = token

    async def is_valid_app_id(self, app_id: str) -> bool:
        return app_id == APP_ID

    async def is_authentication_disabled(self) -> bool:
        return False

    async def create_credentials(
        self, app_id: str, oauth_scope: str, login_endpoint: str, validate_authority: bool
    ) -> StubCredentials:
        return StubCredentials(self._token)


class Teams:
    """The stand-in below /connector and its issuer below /login, on one port and in two tenants."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.stand_in = ConnectorStandIn(APP_ID, token=TOKEN, clock=self.clock, **settings)
        self.issuer = Issuer(APP_ID, key=_key())
        self.world = self.stand_in.world
        kim = TeamsPerson(KIM, "0020", "김담당", TENANT, "kim@example.com", "ko-KR", "Asia/Seoul", "KR")
        self.world.add_person(kim)
        self.world.add_person(TeamsPerson(LEE, "0021", "Lee", TENANT))
        self.world.add_person(TeamsPerson(ELSEWHERE, "0022", "Else", OTHER_TENANT))
        self.channel = self.world.add_channel(
            CHANNEL, "outages", tenant=TENANT, team=TEAM, team_name="Operations", members=[KIM, LEE]
        )
        self.group = self.world.add_group_chat(GROUP, tenant=TENANT, members=[KIM, LEE])
        site = web.Application()
        site.add_subapp("/connector", self.stand_in.app())
        site.add_subapp("/login", self.issuer.app())
        self.server = TestServer(site)
        self.url = ""

    async def start(self) -> None:
        await self.server.start_server()
        self.url = str(self.server.make_url("/")).rstrip("/")
        self.stand_in.base_url = f"{self.url}/connector"
        self.session = aiohttp.ClientSession()

    async def stop(self) -> None:
        await self.session.close()
        await self.server.close()

    @property
    def service_url(self) -> str:
        return self.stand_in.service_url(TENANT)

    def adapter(self) -> CloudAdapter:
        return CloudAdapter(BotFrameworkAuthenticationFactory.create(credential_factory=StubFactory(TOKEN)))

    def client(self, *, token: str = TOKEN, tenant: str = TENANT) -> Any:
        """botbuilder's client of the Connector, its conversations."""
        return ConnectorClient(StubCredentials(token), base_url=self.stand_in.service_url(tenant)).conversations

    def reference(self, conversation: str) -> ConversationReference:
        return ConversationReference(
            channel_id="msteams",
            service_url=self.service_url,
            conversation=ConversationAccount(id=conversation),
        )


def message(text: str | None = None, card: Json | None = None) -> Activity:
    cards = [Attachment(content_type=ADAPTIVE, content=card)] if card else None
    return Activity(type="message", text=text, attachments=cards)
