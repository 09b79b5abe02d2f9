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

from bot.commands import registry
from bot.slack import calls
from bot.slack.answers import Shown, nothing
from bot.slack.home_events import TURN, HomeEvents
from bot.slack.payloads import Action, BlockActions, read
from bot.slack.reception import Reception
from core.i18n import Words
from core.model import Person
from core.views import Form, Home, Message, TicketList, View

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
        self._home = HomeEvents(reception)
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
        place, asked = calls.place_of_click(click), calls.clicked(action)
        if asked is not None and self._opens_window(asked, click):
            await self._load(asked, click, place)
            return
        person = await self._person(click)
        words = self._reception.people.words(person)
        if asked is None:
            _log.info("the button %s carries a value that is not ours", action.action_id)
            await self._reception.answers.whisper(Message("error.expired", is_error=True), words, place)
            return
        if asked.name == TURN:
            await self._home.turn(click.user.id, person, asked)
            return
        view = await self._reception.dispatch(self._reception.call(asked, person, place))
        if _is_in_modal(click):
            await self._show_in_modal(view, person, click, place)
        else:
            await self._show(view, words, click, place, replace=registry.replaces(asked.name, view))

    async def _person(self, click: BlockActions) -> Person:
        tenant = (click.team.id if click.team else None) or click.user.team_id or ""
        return await self._reception.people.meet(click.user.id, tenant, click.user.name or click.user.username)

    def _opens_window(self, asked: calls.Asked, click: BlockActions) -> bool:
        """A form does; and so does everything that is clicked on the Home tab, but for the turning of pages."""
        if asked.name == TURN:
            return False
        on_home = click.view is not None and click.view.type == "home"
        return on_home or registry.opens_form(asked.name, "", asked.ticket_id, fields=bool(asked.fields))

    async def _load(self, asked: calls.Asked, click: BlockActions, place: calls.Place) -> None:
        async def make() -> Shown:
            person = await self._person(click)
            call = self._reception.call(asked, person, place)
            return Shown(await self._reception.dispatch(call), call.words, place)

        words = self._reception.people.last_words(click.user.id)
        await self._reception.answers.load(make, words, click.trigger_id, place, above=_is_in_modal(click))

    async def _show_in_modal(self, view: View, person: Person, click: BlockActions, place: calls.Place) -> None:
        """What was done or refused, and below it the ticket as it is now."""
        views, words = [view], self._reception.people.words(person)
        if isinstance(view, Message) and view.ticket_id is not None:
            show = calls.Asked("show", view.ticket_id)
            views.append(await self._reception.dispatch(self._reception.call(show, person, place)))
        if click.view is not None:
            await self._reception.answers.change(click.view.id, click.view.hash, views, words)

    async def _show(self, view: View, words: Words, click: BlockActions, place: calls.Place, *, replace: bool) -> None:
        ephemeral = bool(click.container and click.container.is_ephemeral)
        # Nothing changes where we show a link, nor where only the clicker sees it.
        private = ephemeral or bool(click.container and click.container.is_app_unfurl)
        if isinstance(view, Form):
            await self._reception.answers.open(view, words, click.trigger_id, place)
        elif private or not isinstance(view, Message) or view.is_error:
            turns_page = ephemeral and isinstance(view, TicketList | Home)
            await self._reception.answers.whisper(view, words, place, replace=replace or turns_page)

    async def _is_meant(self, click: BlockActions, action: Action) -> bool:
        """False for the second half of a double click, and for a click that Slack sends again."""
        chosen = action.selected_option.value if action.selected_option else action.value
        message = calls.place_of_click(click).message or (click.view.id if click.view else "")
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


def _is_in_modal(click: BlockActions) -> bool:
    return click.view is not None and click.view.type == "modal"
