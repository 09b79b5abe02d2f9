"""Shortcuts: a new ticket from anywhere, and a ticket from a message.

https://docs.slack.dev/interactivity/implementing-shortcuts
"""

from __future__ import annotations

from typing import Any

from slack_bolt.response import BoltResponse

from bot.slack.answers import Shown, nothing
from bot.slack.calls import Asked, Place
from bot.slack.payloads import Shortcut, read
from bot.slack.reception import Reception
from core.views import View

CREATE = "create_ticket"
CREATE_FROM_MESSAGE = "create_from_message"


class Shortcuts:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def handle(self, body: dict[str, Any]) -> BoltResponse:
        shortcut = read(body, Shortcut)
        if shortcut.callback_id in (CREATE, CREATE_FROM_MESSAGE):
            words = self._reception.people.last_words(shortcut.user.id)
            place = _place(shortcut)
            await self._reception.answers.load(lambda: self._form(shortcut), words, shortcut.trigger_id, place)
        return nothing()

    async def refuse(self, body: dict[str, Any], view: View) -> BoltResponse:
        shortcut = read(body, Shortcut)
        words = self._reception.people.last_words(shortcut.user.id)
        await self._reception.answers.whisper(view, words, _place(shortcut))
        return nothing()

    async def _form(self, shortcut: Shortcut) -> Shown:
        reception, user = self._reception, shortcut.user
        tenant = (shortcut.team.id if shortcut.team else None) or user.team_id or ""
        person = await reception.people.meet(user.id, tenant, user.name or user.username)
        words, place = reception.people.words(person), _place(shortcut)
        if shortcut.message is not None and place.channel:
            place = await reception.sources.place(shortcut.message, place, tenant, words)
        view = await reception.dispatch(reception.call(Asked("create"), person, place))
        return Shown(view, words, place)


def _place(shortcut: Shortcut) -> Place:
    channel = shortcut.channel.id if shortcut.channel else ""
    return Place(shortcut.user.id, channel=channel, response_url=shortcut.response_url or "")
