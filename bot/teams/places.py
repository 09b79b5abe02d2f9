"""Where the bot is: conversations kept with the service address they were last heard from.

A message extension also works in chats that the bot is no member of, so that only messages and news about the
conversation itself count.
"""

from __future__ import annotations

from msgspec.structs import replace

from bot.teams.incoming import Incoming, is_channel
from core.conversations import Conversation, ConversationBook
from core.model import Person

_GONE = {"channelDeleted": "the channel was deleted", "teamDeleted": "the team was deleted"}
_NEW_CHANNEL = frozenset({"channelCreated", "channelRestored", "channelRenamed"})


class Places:
    def __init__(self, book: ConversationBook) -> None:
        self._book = book

    async def heard_from(self, incoming: Incoming, person: Person | None) -> None:
        await self._keep(_conversation(incoming, incoming.place_id, incoming.kind, incoming.place_name, person))

    async def installed(self, incoming: Incoming, person: Person | None) -> None:
        """An ``installationUpdate``; those that only change the app's version leave everything as it was."""
        if incoming.action == "remove":
            await self._book.mark_dead(incoming.place_id, "the bot was removed")
        elif incoming.action in ("add", "add-upgrade"):
            await self.heard_from(incoming, person)

    async def changed(self, incoming: Incoming, person: Person | None) -> None:
        """A ``conversationUpdate``: what happens to the bot or the channel counts, other people's coming does not."""
        data = incoming.channel_data
        event = data.event_type if data else None
        channel = data.channel if data else None
        if event in _GONE:
            gone = channel.id if channel and channel.id and event == "channelDeleted" else incoming.place_id
            await self._book.mark_dead(gone, _GONE[event])
        elif event in _NEW_CHANNEL and channel and channel.id:
            await self._keep(_conversation(incoming, channel.id, "channel", channel.name, None))
        elif any(account.id == incoming.recipient.id for account in incoming.members_removed or ()):
            await self._book.mark_dead(incoming.place_id, "the bot was removed")
        elif any(account.id == incoming.recipient.id for account in incoming.members_added or ()):
            await self.heard_from(incoming, person)

    async def _keep(self, conversation: Conversation) -> None:
        """Written down when something is new; what an activity leaves out stays as it was."""
        known = await self._book.conversation(conversation.id)
        if known is not None:
            conversation = replace(
                conversation, name=conversation.name or known.name, person=conversation.person or known.person
            )
        if known != conversation:
            await self._book.remember(conversation)


def _conversation(incoming: Incoming, place: str, kind: str, name: str | None, person: Person | None) -> Conversation:
    return Conversation(
        id=place,
        tenant=incoming.tenant,
        service_url=incoming.service_url,
        kind="channel" if is_channel(place) else kind,
        bot_id=incoming.recipient.id,
        name=name,
        person=person.id if person and kind == "personal" else None,
    )
