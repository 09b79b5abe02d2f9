"""The SDK's adapter, with this package's own way in and out.

The stock one (``CloudAdapter.process``) answers every invoke with 500: it serialises what is serialised already. So the
door calls ``process_activity`` itself, with the result of its own check of the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botbuilder.core import CloudAdapterBase, InvokeResponse
from botbuilder.schema import Activity, ChannelAccount, ConversationAccount
from botframework.connector.auth import AuthenticateRequestResult, BotFrameworkAuthentication, ClaimsIdentity

from bot.teams.bot import INCOMING, DeskBot
from bot.teams.connector import Connector
from bot.teams.incoming import Incoming
from bot.teams.threads import ThreadNotes

_CALLER = "urn:botframework:azure"


class DeskAdapter(CloudAdapterBase):
    """Without ``notes`` nothing is noted of what is said below cards."""

    def __init__(self, connector: Connector, bot: DeskBot, notes: ThreadNotes | None = None) -> None:
        super().__init__(_Authentication(connector))
        self._connector, self._bot, self._notes = connector, bot, notes
        self.on_turn_error = bot.failed

    async def run(self, incoming: Incoming, claims: Mapping[str, Any] | None) -> InvokeResponse | None:
        """One turn of the bot; the response of an invoke. Errors of the turn were answered by the bot, but Busy."""
        result = AuthenticateRequestResult()
        result.claims_identity = ClaimsIdentity(dict(claims or {}), True)
        result.audience = self._connector.credentials.scope
        result.caller_id = _CALLER
        result.connector_factory = self._connector

        async def turn(turn_context: Any) -> None:
            turn_context.turn_state[INCOMING] = incoming
            if self._notes is not None and await self._notes.follow(incoming):
                return
            await self._bot.on_turn(turn_context)

        return await self.process_activity(result, _activity(incoming), turn)


class _Authentication(BotFrameworkAuthentication):
    """Tokens are checked before the SDK is asked, and nobody signs in."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def authenticate_request(self, activity: Activity, auth_header: str) -> AuthenticateRequestResult:
        raise PermissionError("checked by the door alone")

    async def authenticate_streaming_request(self, auth_header: str, channel_id_header: str) -> Any:
        raise PermissionError("no streaming")

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> Connector:
        return self._connector

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> None:
        return None


def _activity(incoming: Incoming) -> Activity:
    """What the SDK needs to know of an activity in order to answer it."""
    conversation = incoming.conversation
    return Activity(
        type=incoming.type,
        id=incoming.id,
        name=incoming.name,
        channel_id=incoming.channel_id,
        service_url=incoming.service_url,
        from_property=ChannelAccount(id=incoming.sender.id, name=incoming.sender.name),
        recipient=ChannelAccount(id=incoming.recipient.id, name=incoming.recipient.name),
        conversation=ConversationAccount(id=conversation.id, conversation_type=conversation.conversation_type),
        locale=incoming.locale,
        reply_to_id=incoming.reply_to_id,
    )
