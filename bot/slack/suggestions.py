"""What external selects offer while somebody types: the systems of the catalogue, from memory.

https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select
"""

from __future__ import annotations

from typing import Any

from slack_bolt.response import BoltResponse

import blocks
from bot.slack.payloads import Suggestion, read
from core.config.settings import Settings
from core.i18n import Words
from core.rules.suggest import suggest
from core.views import Option, View

_LIMIT = 100


class Suggestions:
    def __init__(self, settings: Settings) -> None:
        names = [system.name for system in settings.systems if "," not in system.name]
        self._names = {"systems": names}
        self._words = Words(settings.language)

    async def handle(self, body: dict[str, Any]) -> BoltResponse:
        asked = read(body, Suggestion)
        found = suggest(self._names.get(asked.block_id, []), asked.value or "", _LIMIT)
        options = blocks.suggested([Option(name, label=name) for name in found], self._words)
        return BoltResponse(status=200, body={"options": options})

    async def refuse(self, body: dict[str, Any], view: View) -> BoltResponse:
        return BoltResponse(status=200, body={"options": []})
