"""Addresses of messages. Slack makes them, and those of the cards that notices lead to are asked for once."""

from __future__ import annotations

import logging
from collections import OrderedDict

from msgspec.structs import replace

from bot.slack.api import CallFailed, SlackApi
from core.ports import Outbound
from core.views import Notice

_SECONDS = 1.5
_REMEMBERED = 1000
_log = logging.getLogger(__name__)


class Permalinks:
    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def of(self, channel: str, ts: str) -> str:
        """The address of a message; empty where Slack does not tell in time."""
        if (channel, ts) not in self._known:
            try:
                arguments = {"channel": channel, "message_ts": ts}
                answer = await self._api.call("chat.getPermalink", arguments, seconds=_SECONDS)
            except CallFailed as error:
                _log.info("no permalink: %s", error)
                return ""
            self._known[channel, ts] = str(answer.get("permalink") or "")
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return self._known[channel, ts]

    async def led_to_card(self, message: Outbound) -> Outbound:
        """A notice that knows its ticket's card gets the card's address for its link; others stay as they are."""
        view = message.view
        if not isinstance(view, Notice) or view.card is None:
            return message
        link = await self.of(*view.card)
        return replace(message, view=replace(view, link=link)) if link else message
