"""Opening the Home tab, and turning its pages."""

from __future__ import annotations

from typing import Any

from slack_bolt.response import BoltResponse

from bot.slack.answers import nothing
from bot.slack.calls import Asked
from bot.slack.payloads import EventCallback, HomeOpened, read
from bot.slack.reception import Reception
from core.model import Person

TURN = "home_page"
_PARTS = frozenset({"mine", "team", "breaching"})
_SETTLE_SECONDS = 2.0


class HomeEvents:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def handle(self, body: dict[str, Any]) -> BoltResponse:
        callback = read(body, EventCallback)
        opened = read(callback.event, HomeOpened)
        if self._reception.homes is not None and opened.user and opened.tab in ("", "home"):
            work = self._open(opened, callback.team_id or "")
            await self._reception.inflight.settle(work, _SETTLE_SECONDS)
        return nothing()

    async def turn(self, user: str, person: Person, asked: Asked) -> None:
        """Turn to the page that a button of the home names."""
        part, page = asked.fields.get("part", ""), asked.fields.get("page", "")
        if self._reception.homes is not None and part in _PARTS and page.isdecimal() and len(page) < 6:
            work = self._reception.homes.turn(user, person, part, int(page))
            await self._reception.inflight.settle(work, _SETTLE_SECONDS)

    async def _open(self, opened: HomeOpened, tenant: str) -> None:
        if self._reception.homes is not None:
            person = await self._reception.people.meet(opened.user, tenant)
            await self._reception.homes.opened(opened.user, person, opened.view.hash if opened.view else None)
