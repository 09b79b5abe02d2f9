"""Where the bot can be reached in Teams: conversations it was added to, kept with the newest service address."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Conversation(msgspec.Struct, frozen=True):
    """``kind`` is personal, channel or groupChat; ``person`` the Deskbell id of the other side of a personal one.

    ``dead`` says why the platform refused the last message for good, None while it is alive.
    """

    id: str
    tenant: str
    service_url: str
    kind: str
    bot_id: str = ""
    name: str | None = None
    person: str | None = None
    dead: str | None = None


class ConversationBook(Protocol):
    async def remember(self, conversation: Conversation) -> None:
        """Keep or refresh it; a conversation that is heard from is alive again."""

    async def conversation(self, conversation_id: str) -> Conversation | None: ...

    async def personal(self, person_id: str) -> Conversation | None: ...

    async def newest(self, tenant: str) -> Conversation | None:
        """Any living conversation of the tenant, the newest: where its service address is read from."""

    async def mark_dead(self, conversation_id: str, why: str) -> None: ...
