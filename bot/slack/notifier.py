"""What the outbox sends to Slack: new messages, edits in place, and the search for a message whose fate is unknown.

Every message carries its idempotency key as metadata, so that it can be found again in the channel's history.
https://docs.slack.dev/messaging/message-metadata
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import aiohttp
import msgspec

import blocks
from bot.slack.api import CALL_SECONDS, Answer, CallFailed, Outcome, SlackApi
from bot.slack.outcome import Attempt, Failures
from bot.slack.permalinks import Permalinks
from bot.slack.signed import said_by_author, signature
from core.config.settings import Settings
from core.ports import MessageRef, Outbound

_EVENT_TYPE = "deskbell_notice"
_PAGE = 200
_PAGES = 20
_CHANNELS_PAGE = 1000
_log = logging.getLogger(__name__)


class _Place(msgspec.Struct, frozen=True):
    """``channel`` is an id, or a name that Slack knows (``#it-support``)."""

    channel: str
    thread: str | None = None


class SlackNotifier:
    """``core.ports.Notifier`` for Slack. ``session`` is shared and stays the caller's to close.

    Every call ends within ``call_seconds``. ``api`` is that of one workspace of many.
    """

    platform = "slack"

    def __init__(
        self,
        settings: Settings,
        session: aiohttp.ClientSession,
        *,
        call_seconds: float = CALL_SECONDS,
        api: SlackApi | None = None,
    ) -> None:
        self._api = api or SlackApi(settings.slack, session, call_seconds)
        self._failures = Failures(settings)
        self._permalinks = Permalinks(self._api)
        self._may_sign = True
        self._direct: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    async def post(self, message: Outbound) -> MessageRef:
        place = await self._place(message)
        message = await self._permalinks.led_to_card(message)
        name = signature(message) if self._may_sign else {}
        try:
            answer = await self._send(place, message, name)
        except CallFailed as error:
            if not name or error.code != "missing_scope":
                raise self._failures.delivery(error, Attempt.POST, place.channel) from None
            _log.info("notes are posted without their authors' names: the app has no chat:write.customize")
            self._may_sign, name = False, {}
            answer = await self._sent_unsigned(place, message)
        self._ids[place.channel] = str(answer["channel"])
        return MessageRef(self.platform, str(answer["channel"]), str(answer["ts"]), named=bool(name))

    async def _sent_unsigned(self, place: _Place, message: Outbound) -> Answer:
        try:
            return await self._send(place, message, {})
        except CallFailed as error:
            raise self._failures.delivery(error, Attempt.POST, place.channel) from None

    async def _send(self, place: _Place, message: Outbound, name: dict[str, str]) -> Answer:
        """Raises CallFailed."""
        where = {"channel": place.channel, "thread_ts": place.thread}
        content = self._content(message, named=bool(name))
        return await self._api.call(
            "chat.postMessage", {**where, "unfurl_links": False, "unfurl_media": False, **content, **name}
        )

    async def edit(self, message: Outbound, ref: MessageRef) -> None:
        arguments = {"channel": ref.channel, "ts": ref.message, **self._content(message, named=ref.named)}
        try:
            await self._api.call("chat.update", arguments)
        except CallFailed as error:
            raise self._failures.delivery(error, Attempt.EDIT, ref.channel) from None

    async def find(self, message: Outbound, since: datetime) -> MessageRef | None:
        """Reads the history of the channel, the direct message or the thread.

        Raises DeliveryRetry when Slack cannot be asked now, DeliveryUnknown when it will not tell.
        """
        place = await self._place(message)
        try:
            channel = await self._channel_id(place.channel)
            async for found in self._history(channel, place.thread, since):
                if _key(found) == message.key:
                    return MessageRef(self.platform, channel, str(found["ts"]), named=bool(found.get("username")))
        except CallFailed as error:
            raise self._failures.delivery(error, Attempt.FIND, place.channel) from None
        return None

    async def _place(self, message: Outbound) -> _Place:
        if message.thread is not None:
            return _Place(message.thread.channel, message.thread.message)
        if message.address is not None:
            return _Place(message.address)
        user = message.person.slack if message.person else None
        if user is None:
            raise self._failures.nobody(message.person)
        if user not in self._direct:
            self._direct[user] = await self._open_direct(user)
        return _Place(self._direct[user])

    def _content(self, message: Outbound, *, named: bool) -> dict[str, Any]:
        view = said_by_author(message.view) if named else message.view
        try:
            shown = blocks.render(view, message.words, in_thread=message.thread is not None)
        except (KeyError, ValueError) as error:
            raise self._failures.unreadable(error) from error
        metadata = {"event_type": _EVENT_TYPE, "event_payload": {"key": message.key}}
        return {"text": shown.text, "blocks": shown.blocks, "metadata": metadata}

    async def _open_direct(self, user: str) -> str:
        try:
            answer = await self._api.call("conversations.open", {"users": user})
        except CallFailed as error:
            raise self._failures.delivery(error, Attempt.OPEN, user) from None
        return str(answer["channel"]["id"])

    async def _channel_id(self, channel: str) -> str:
        """The id of a channel that is known by name; history wants ids. Raises CallFailed."""
        if not channel.startswith("#"):
            return channel
        if channel not in self._ids:
            async for found in self._pages("conversations.list", "channels", _LIST):
                self._ids.setdefault(f"#{found.get('name')}", str(found.get("id")))
                if channel in self._ids:
                    break
        if channel not in self._ids:
            raise CallFailed("conversations.list", Outcome.REFUSED, "channel_not_found")
        return self._ids[channel]

    def _history(self, channel: str, thread: str | None, since: datetime) -> AsyncIterator[Answer]:
        arguments = {
            "channel": channel,
            "oldest": f"{since.timestamp():.6f}",
            "inclusive": True,
            "include_all_metadata": True,
            "limit": _PAGE,
        }
        if thread is None:
            return self._pages("conversations.history", "messages", arguments)
        return self._pages("conversations.replies", "messages", {**arguments, "ts": thread})

    async def _pages(self, method: str, items: str, arguments: dict[str, Any]) -> AsyncIterator[Answer]:
        """Every item of every page. Raises CallFailed, also when there are too many pages to be sure."""
        cursor = None
        for _ in range(_PAGES):
            answer = await self._api.call(method, {**arguments, "cursor": cursor})
            for item in answer.get(items) or []:
                yield item
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
        raise CallFailed(method, Outcome.REFUSED, "too_many_pages")


_LIST = {"types": "public_channel,private_channel", "exclude_archived": True, "limit": _CHANNELS_PAGE}


def _key(message: Answer) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != _EVENT_TYPE:
        return None
    key = (metadata.get("event_payload") or {}).get("key")
    return str(key) if key is not None else None
