"""The Bot Connector, through the SDK's own client: the few calls that the desk makes.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

from typing import Any, ClassVar

import aiohttp
import msgspec
from botbuilder.schema import (
    Activity,
    ActivityTypes,
    Attachment,
    ChannelAccount,
    ConversationAccount,
    ConversationParameters,
)
from botframework.connector.aio import ConnectorClient
from botframework.connector.auth import ConnectorFactory

from bot.teams.credentials import BotCredentials
from bot.teams.hosts import ServiceHosts
from bot.teams.transport import NotSent, Pipeline, Sender
from core.config.settings import TeamsSettings

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
_CLIENTS = 256


class Route(msgspec.Struct, frozen=True):
    """How a conversation is reached. ``bot_id`` is the bot's own 28: id."""

    service_url: str
    tenant: str
    bot_id: str


class Posted(msgspec.Struct, frozen=True):
    """Where a new message stands. ``activity`` is empty when the Connector did not say: it cannot be edited then."""

    conversation: str
    activity: str


class Member(msgspec.Struct, frozen=True):
    """``id`` is the 29: id, ``user`` the Entra object id; a guest's address is not the tenant's word."""

    id: str
    user: str
    name: str | None = None
    email: str | None = None
    is_guest: bool = False


def card_message(card: dict[str, Any], summary: str, *, urgent: bool = False) -> Activity:
    """A card alone: with a text beside it Teams would send two messages and tell the id of neither.

    The text for toasts and the activity feed goes into ``summary``; ``urgent`` asks for an alert.
    """
    attachment = Attachment(content_type=CARD_TYPE, content=card)
    data = {"notification": {"alert": True}} if urgent else None
    return Activity(type=ActivityTypes.message, attachments=[attachment], summary=summary, channel_data=data)


class Connector(ConnectorFactory):
    """Every call raises ``ConnectorError``, the first time that an address is used as well as the last."""

    def __init__(
        self, settings: TeamsSettings, session: aiohttp.ClientSession, credentials: BotCredentials | None = None
    ) -> None:
        self.hosts = ServiceHosts(settings)
        self.credentials = credentials or BotCredentials(settings)
        self._sender = Sender(session, self.hosts, self.credentials)
        self._clients: dict[str, ConnectorClient] = {}

    async def create(self, service_url: str, audience: str | None = None) -> ConnectorClient:
        """The SDK's client for an address, kept: making one takes longer than a request."""
        if not self.hosts.allows(service_url):
            raise NotSent("the service address is not one of the Bot Connector", untrusted=True)
        if service_url not in self._clients:
            if len(self._clients) >= _CLIENTS:
                self._clients.clear()
            self._clients[service_url] = ConnectorClient(
                self.credentials, base_url=service_url, pipeline_type=Pipeline, sender=self._sender
            )
        return self._clients[service_url]

    async def post(self, route: Route, conversation: str, message: Activity) -> Posted:
        client = await self.create(route.service_url)
        _addressed(message, route, conversation)
        answer = await client.conversations.send_to_conversation(conversation, message)
        return Posted(conversation, (answer and answer.id) or "")

    async def update(self, route: Route, conversation: str, activity: str, message: Activity) -> None:
        client = await self.create(route.service_url)
        _addressed(message, route, conversation)
        message.id = activity
        await client.conversations.update_activity(conversation, activity, message)

    async def start_thread(self, route: Route, channel: str, message: Activity) -> Posted:
        """A message of its own in a channel; what is answered below it says ``;messageid=``."""
        client = await self.create(route.service_url)
        parameters = _Parameters(
            is_group=True,
            bot=ChannelAccount(id=route.bot_id),
            activity=message,
            tenant_id=route.tenant,
            channel_data={"channel": {"id": channel}, "tenant": {"id": route.tenant}},
        )
        answer = await client.conversations.create_conversation(parameters)
        return Posted((answer and answer.id) or "", (answer and answer.activity_id) or "")

    async def open_personal(self, route: Route, member: str) -> str:
        """The id of the conversation with a person (29: id or Entra object id), the same each time."""
        client = await self.create(route.service_url)
        parameters = _Parameters(
            is_group=False,
            bot=ChannelAccount(id=route.bot_id),
            members=[ChannelAccount(id=member)],
            tenant_id=route.tenant,
            channel_data={"tenant": {"id": route.tenant}},
        )
        answer = await client.conversations.create_conversation(parameters)
        return (answer and answer.id) or ""

    async def member(self, service_url: str, conversation: str, member: str) -> Member | None:
        """Somebody in a conversation; None when Teams does not say which Entra user it is."""
        client = await self.create(service_url)
        answer = await client.conversations.get_conversation_member(conversation, member)
        more = (answer and answer.additional_properties) or {}
        user = (answer and answer.aad_object_id) or more.get("objectId")
        if not isinstance(user, str) or not isinstance(answer.id, str):
            return None
        email = more.get("email") or more.get("userPrincipalName")
        guest = "#EXT#" in str(more.get("userPrincipalName")).upper() or more.get("userRole") not in (None, "user")
        return Member(answer.id, user, answer.name, email if isinstance(email, str) else None, guest)


class _Parameters(ConversationParameters):
    """The SDK writes ``tenantID`` where the REST interface says ``tenantId``, and requires it."""

    _attribute_map: ClassVar[dict[str, Any]] = {
        **ConversationParameters._attribute_map,
        "tenant_id": {"key": "tenantId", "type": "str"},
    }


def _addressed(message: Activity, route: Route, conversation: str) -> None:
    """What the SDK's adapter would say in a turn: who speaks, and where."""
    message.channel_id, message.service_url = "msteams", route.service_url
    message.from_property = ChannelAccount(id=route.bot_id)
    message.conversation = ConversationAccount(id=conversation)
    message.channel_data = {**(message.channel_data or {}), "tenant": {"id": route.tenant}}
