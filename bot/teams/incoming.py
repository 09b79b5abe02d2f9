"""An activity as Teams sends it: only the parts that the desk uses, with their types held.

Whatever is not listed here is never looked at, and nothing of it reaches the SDK's own parser.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference#activity-object
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import field

_CHANNEL_ENDINGS = ("@thread.tacv2", "@thread.skype")
_THREAD = ";messageid="


class Malformed(Exception):
    """The activity, or the value in it, is not what its type promises."""


class Account(msgspec.Struct, frozen=True, rename="camel"):
    """``id`` is 28:<app> for a bot and 29:<opaque> for a person, ``aad_object_id`` the person's Entra object id."""

    id: str = ""
    name: str | None = None
    aad_object_id: str | None = None


class ConversationPart(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    conversation_type: str | None = None
    tenant_id: str | None = None
    name: str | None = None


class Identified(msgspec.Struct, frozen=True):
    id: str | None = None
    name: str | None = None


class ChannelData(msgspec.Struct, frozen=True, rename="camel"):
    tenant: Identified | None = None
    team: Identified | None = None
    channel: Identified | None = None
    event_type: str | None = None


class Entity(msgspec.Struct, frozen=True):
    """A mention (``mentioned``, ``text``) or the reader's client (``locale``, ``timezone``)."""

    type: str = ""
    mentioned: Account | None = None
    text: str | None = None
    locale: str | None = None
    timezone: str | None = None


class Attached(msgspec.Struct, frozen=True, rename="camel"):
    """A file of the message; a part of its text (``text/html``) has no ``content_url``."""

    content_type: str = ""
    name: str | None = None
    content_url: str | None = None


class Incoming(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    channel_id: str
    service_url: str
    conversation: ConversationPart
    sender: Account = field(name="from", default=Account())
    recipient: Account = Account()
    id: str | None = None
    name: str | None = None
    text: str | None = None
    value: Any = None
    entities: tuple[Entity, ...] | None = None
    attachments: tuple[Attached, ...] | None = None
    timestamp: str | None = None
    locale: str | None = None
    reply_to_id: str | None = None
    action: str | None = None
    channel_data: ChannelData | None = None
    members_added: tuple[Account, ...] | None = None
    members_removed: tuple[Account, ...] | None = None

    @property
    def tenants(self) -> tuple[str, ...]:
        """Every tenant that the activity names; one of an honest activity."""
        data = self.channel_data
        named = (data.tenant.id if data and data.tenant else None, self.conversation.tenant_id)
        return tuple(dict.fromkeys(tenant for tenant in named if tenant))

    @property
    def tenant(self) -> str:
        return self.tenants[0] if self.tenants else ""

    @property
    def kind(self) -> str:
        """personal, channel or groupChat."""
        if self.conversation.conversation_type:
            return self.conversation.conversation_type
        return "channel" if is_channel(self.conversation.id) else "personal"

    @property
    def place_id(self) -> str:
        """The conversation without its thread."""
        return self.conversation.id.split(_THREAD)[0]

    @property
    def thread_id(self) -> str | None:
        """The message of a channel below which this was written."""
        return thread_of(self.conversation.id)

    @property
    def place_name(self) -> str | None:
        data = self.channel_data
        channel = data.channel.name if data and data.channel else None
        return self.conversation.name or channel

    @property
    def language_tag(self) -> str | None:
        return self.locale or next((entity.locale for entity in self._clients if entity.locale), None)

    @property
    def time_zone(self) -> str | None:
        return next((entity.timezone for entity in self._clients if entity.timezone), None)

    @property
    def mentions(self) -> tuple[tuple[str, Account], ...]:
        """The text of each mention, as it stands in ``text``, and who is meant."""
        return tuple(
            (entity.text, entity.mentioned)
            for entity in self.entities or ()
            if entity.type == "mention" and entity.text and entity.mentioned
        )

    @property
    def mentions_bot(self) -> bool:
        return any(account.id == self.recipient.id for _, account in self.mentions)

    @property
    def _clients(self) -> tuple[Entity, ...]:
        return tuple(entity for entity in self.entities or () if entity.type == "clientInfo")


_DECODER = msgspec.json.Decoder(Incoming)


def parse(body: bytes) -> Incoming:
    """The activity of a request body. Raises Malformed."""
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from None


def is_channel(conversation_id: str) -> bool:
    """Whether it is a channel of a team, where every message stands in a thread, and not a chat."""
    return conversation_id.split(_THREAD)[0].endswith(_CHANNEL_ENDINGS)


def thread_of(conversation_id: str) -> str | None:
    return conversation_id.split(_THREAD, 1)[1] or None if _THREAD in conversation_id else None


def in_thread(conversation_id: str, message: str) -> str:
    """The conversation id that means "below this message" in a channel."""
    return f"{conversation_id.split(_THREAD)[0]}{_THREAD}{message}"
