"""The message that a ticket is made from: what it says, who wrote it, where it stands."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from bot.slack import text
from bot.slack.calls import Place
from bot.slack.payloads import SourceMessage
from bot.slack.people import SlackPeople
from bot.slack.permalinks import Permalinks
from core.i18n import Words

_TAKEN_SECONDS = 400 * 24 * 3600


def taken(channel: str, ts: str) -> tuple[str, int]:
    """The key, and for how many seconds, under which it is noted that a message has become a ticket."""
    return f"{taking(channel, ts)}:done", _TAKEN_SECONDS


def taking(channel: str, ts: str) -> str:
    return f"slack:ticket:{channel}:{ts}"


class Sources:
    def __init__(self, people: SlackPeople, permalinks: Permalinks) -> None:
        self._people = people
        self._permalinks = permalinks

    async def place(self, message: SourceMessage, asked: Place, tenant: str, words: Words) -> Place:
        """``asked`` with what is known of ``message``, which stands in its channel.

        A bot's message has no requester but whoever asks. A message without words is named after its author.
        """
        permalink, author, said = await asyncio.gather(
            self._permalinks.of(asked.channel, message.ts),
            self._author(message, tenant),
            self._said(message, tenant),
        )
        requester, name = author
        return replace(
            asked,
            thread=message.thread_ts or message.ts,
            message=message.ts,
            source=message.ts,
            permalink=permalink,
            requester=requester,
            quote=said or words.text("slack.message_without_text", name=name),
        )

    async def _author(self, message: SourceMessage, tenant: str) -> tuple[str, str]:
        if message.user is None or message.bot_id is not None:
            return "", "Slack"
        person = await self._people.meet(message.user, tenant)
        return person.id, person.name

    async def _said(self, message: SourceMessage, tenant: str) -> str:
        """Its text; else what it has attached."""
        return await self._people.prose(message.text or "", tenant) or text.prose(_attached(message), {})


def _attached(message: SourceMessage) -> str:
    attached = [each.title or each.text or each.fallback for each in message.attachments or []]
    files = [each.title or each.name for each in message.files or []]
    return "\n".join(found for found in (*attached, *files) if found)
