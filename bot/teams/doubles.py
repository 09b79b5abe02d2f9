"""The second half of a double click: another activity, the same click. It gets the answer of the first half."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from bot.teams.incoming import Incoming

WITHIN = timedelta(seconds=1)
_REMEMBERED = 1000


class Doubles:
    """``now`` gives timezone-aware UTC."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._latest: OrderedDict[bytes, tuple[datetime, str]] = OrderedDict()

    def key(self, incoming: Incoming, key: str) -> str:
        """``key``, or that of the same click by the same person a moment ago. What is typed is always meant."""
        if incoming.value is None:
            return key
        said = (incoming.conversation.id, incoming.sender.id, incoming.name, incoming.reply_to_id, incoming.value)
        click, now = msgspec.json.encode(said), self._now()
        at, first = self._latest.pop(click, (now, key))
        if now - at >= WITHIN:
            at, first = now, key
        self._latest[click] = (at, first)
        while len(self._latest) > _REMEMBERED:
            self._latest.popitem(last=False)
        return first
