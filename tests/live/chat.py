"""The stand-in of Slack on a port of its own, as a real service calls it, and what stands in its channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.demo.slack_api import SlackStandIn
from bot.demo.slack_records import Change, ChangeKind, Message
from tests.live.service import BOT_TOKEN


class Chat:
    """``posted`` counts the messages by their idempotency key: each must be there once."""

    def __init__(self, channels: Iterable[str]) -> None:
        self.stand_in = SlackStandIn(bot_token=BOT_TOKEN)
        self.channels = {name: self.stand_in.workspace.add_channel(name) for name in channels}
        self.posted: Counter[str] = Counter()
        self.port = 0
        self.stand_in.workspace.feed.callbacks.append(self._count)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    def _count(self, change: Change) -> None:
        if change.kind is ChangeKind.MESSAGE_POSTED:
            payload: dict[str, Any] = (change.payload.get("metadata") or {}).get("event_payload") or {}
            self.posted[str(payload.get("key"))] += 1

    def cards(self, channel: str) -> list[Message]:
        """What stands in a channel itself, oldest first."""
        return [message for message in self.channels[channel].messages.values() if not message.is_reply]

    def thread(self, channel: str, card: Message) -> list[str]:
        """The texts below a card, oldest first."""
        return [m.text for m in self.stand_in.workspace.thread(self.channels[channel], card.ts) if m is not card]

    def called(self, method: str) -> int:
        return sum(call.method == method for call in self.stand_in.calls)


@asynccontextmanager
async def chat(*channels: str) -> AsyncIterator[Chat]:
    """A Slack with these channels. At the end nothing was said twice, and nothing that Slack would have refused."""
    made = Chat(channels)
    runner = web.AppRunner(made.stand_in.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.port = runner.addresses[0][1]
        made.stand_in.base_url = f"http://127.0.0.1:{made.port}"
        yield made
    finally:
        await runner.cleanup()
    assert not made.stand_in.violations
    assert [key for key, count in made.posted.items() if count != 1] == []
