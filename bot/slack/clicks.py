"""Buttons, menus and choices in messages.

A click that succeeds changes its card in place, so only refusals and other views are shown, to the clicker alone. In a
message that only the clicker sees no card changes, so there every answer is shown.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

from slack_bolt.response import BoltResponse

from bot.slack import calls
from bot.slack.answers import nothing
from bot.slack.payloads import Action, BlockActions, read
from bot.slack.reception import Reception
from core.i18n import Words
from core.views import Form, Message, TicketList, View

# Buttons that open an address in the browser: Slack tells of the click all the same.
_LINKS = frozenset({"open_ticket"})
# The second half of a double click comes within this time, and is not meant.
_DOUBLE_CLICK = timedelta(seconds=1)
_REMEMBERED = 1000
_REPEAT_SECONDS = 600

_log = logging.getLogger(__name__)


class Clicks:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._latest: OrderedDict[str, datetime] = OrderedDict()

    async def handle(self, body: dict[str, Any]) -> BoltResponse:
        click = read(body, BlockActions)
        for action in click.actions:
            if action.action_id not in _LINKS and await self._is_meant(click, action):
                await self._answer(click, action)
        return nothing()

    async def refuse(self, body: dict[str, Any], view: View) -> BoltResponse:
        """Show ``view`` to the clicker, whatever became of the click."""
        click = read(body, BlockActions)
        await self._reception.answers.whisper(
            view, self._reception.people.last_words(click.user.id), calls.place_of_click(click)
        )
        return nothing()

    async def _answer(self, click: BlockActions, action: Action) -> None:
        place = calls.place_of_click(click)
        tenant = (click.team.id if click.team else None) or click.user.team_id or ""
        person = await self._reception.people.meet(click.user.id, tenant, click.user.name or click.user.username)
        words = self._reception.people.words(person)
        asked = calls.clicked(action)
        if asked is None:
            _log.info("the button %s carries a value that is not ours", action.action_id)
            await self._reception.answers.whisper(Message("error.expired", is_error=True), words, place)
            return
        view = await self._reception.dispatch(self._reception.call(asked, person, place))
        await self._show(view, words, click, place)

    async def _show(self, view: View, words: Words, click: BlockActions, place: calls.Place) -> None:
        private = bool(click.container and click.container.is_ephemeral)
        if isinstance(view, Form):
            await self._reception.answers.open(view, words, click.trigger_id, place)
        elif private or not isinstance(view, Message) or view.is_error:
            turns_page = private and isinstance(view, TicketList)
            await self._reception.answers.whisper(view, words, place, replace=turns_page)

    async def _is_meant(self, click: BlockActions, action: Action) -> bool:
        """False for the second half of a double click, and for a click that Slack sends again."""
        chosen = action.selected_option.value if action.selected_option else action.value
        message = calls.place_of_click(click).message
        same = f"{message}:{action.action_id}:{chosen}:{click.user.id}"
        now = self._reception.now()
        before = self._latest.pop(same, None)
        self._latest[same] = now
        while len(self._latest) > _REMEMBERED:
            self._latest.popitem(last=False)
        if before is not None and now - before < _DOUBLE_CLICK:
            return False
        exact = f"slack:click:{message}:{action.action_id}:{click.user.id}:{action.action_ts or click.trigger_id}"
        return await self._reception.seen.first_time(exact, _REPEAT_SECONDS)
