"""What is said and clicked in Teams, by kind of activity.

The SDK's handler sends each activity to a method; what those methods do is here. Two of its habits are not wanted: it
asks the network for every new member of a team, and it tells the bot about its own arrival.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, cast

from botbuilder.core import ActivityHandler, InvokeResponse, TurnContext
from botbuilder.schema import Activity, ActivityTypes

from adaptive_cards import render
from bot.commands.call import Dispatcher
from bot.commands.registry import replaces
from bot.teams import answers
from bot.teams.calls import Asker, Click, click
from bot.teams.connector import card_message
from bot.teams.incoming import Incoming, Malformed
from bot.teams.invokes import CARD_ACTION, Invokes
from bot.teams.once import Busy
from bot.teams.outcome import delivery
from bot.teams.people import People
from bot.teams.places import Places
from bot.teams.readers import Readers
from bot.teams.requests import Requests
from bot.teams.transport import ConnectorError, Rejected
from core.config.settings import Settings
from core.errors import DeskError
from core.i18n import Words
from core.ports import DeliveryRetry, MessageRef
from core.views import Home, Message, RatingRequest, TicketCard, TicketList, View

INCOMING = "deskbell.incoming"
Placed = Callable[[TicketCard, MessageRef], Awaitable[None]]

_SHOWING = frozenset({"show", "open_ticket"})
# Nothing changes on the card after these, so that a click would seem to have gone nowhere.
_WITHOUT_EFFECT = frozenset({"message.already_yours", "message.priority_same", "message.unchanged"})
# What people write, and expect to be taken note of.
_ANSWERED = frozenset({ActivityTypes.message, ActivityTypes.message_update, ActivityTypes.message_delete})
_REPLY_ATTEMPTS = 3
_LONGEST_WAIT = 3.0
_PAUSE = 0.2
_log = logging.getLogger(__name__)


class DeskBot(ActivityHandler):
    """``placed`` hears of every ticket card that was posted as an answer, so that it can be kept up to date."""

    def __init__(
        self,
        settings: Settings,
        dispatch: Dispatcher,
        people: People,
        places: Places,
        readers: Readers,
        placed: Placed | None,
    ) -> None:
        self._dispatch, self._people, self._places = dispatch, people, places
        self._readers, self._placed = readers, placed
        self._requests = Requests(settings.slack.commands.root, dispatch, people)
        self._invokes = Invokes(settings, dispatch, people)

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        incoming = _incoming(turn_context)
        if incoming.value is None and incoming.kind != "personal" and not incoming.mentions_bot:
            return  # heard because the bot may read along, and not said to it
        asker = await self._asker(turn_context)
        if asker is None:
            return
        if incoming.value is not None:
            await self._clicked(turn_context, asker)
        else:
            await self._said(turn_context, asker)

    async def on_invoke_activity(self, turn_context: TurnContext) -> InvokeResponse:
        incoming = _incoming(turn_context)
        person = await self._people.sender(incoming)
        words = self._people.words(incoming, person)
        if person is None:
            return _invoke_error(incoming, 403, "Forbidden", words.text("error.unknown_person"))
        status, body = await self._invokes.answer(Asker(incoming, person, words))
        return InvokeResponse(status=status, body=body)

    async def on_conversation_update_activity(self, turn_context: TurnContext) -> None:
        incoming = _incoming(turn_context)
        await self._places.changed(incoming, await self._people.sender(incoming))

    async def on_installation_update(self, turn_context: TurnContext) -> None:
        """One short greeting where the bot was added, and nothing to any of its members."""
        incoming = _incoming(turn_context)
        person = await self._people.sender(incoming)
        await self._places.installed(incoming, person)
        if incoming.action == "add":
            key = "welcome.personal" if incoming.kind == "personal" else "welcome.team"
            await self._reply(turn_context, Message(key), self._people.words(incoming, person))

    async def failed(self, turn_context: TurnContext, error: Exception) -> None:
        """The adapter's ``on_turn_error``: whoever waits for an answer gets one, with a reference for the operator.
        Busy goes on to the door."""
        if isinstance(error, Busy):
            raise error
        incoming = _incoming(turn_context)
        reference = secrets.token_hex(4)
        _log.error("a turn of type %r failed (reference %s)", incoming.type[:40], reference, exc_info=error)
        words = self._people.words(incoming, None)
        told = Message("error.internal", {"reference": reference}, is_error=True)
        if isinstance(error, DeskError):
            told = Message(error.key, error.facts, is_error=True)
        if incoming.type == ActivityTypes.invoke:
            response = _invoke_error(incoming, 500, "InternalError", answers.summary(told, words))
            await turn_context.send_activity(Activity(type=ActivityTypes.invoke_response, value=response))
        elif incoming.type in _ANSWERED:
            await self._reply(turn_context, told, words)

    async def _asker(self, turn_context: TurnContext) -> Asker | None:
        incoming = _incoming(turn_context)
        person = await self._people.sender(incoming)
        words = self._people.words(incoming, person)
        if person is None:
            await self._reply(turn_context, Message("error.unknown_person", is_error=True), words)
            return None
        await self._places.heard_from(incoming, person)
        return Asker(incoming, person, words)

    async def _said(self, turn_context: TurnContext, asker: Asker) -> None:
        await self._reply(turn_context, await self._requests.answer(asker), asker.words)

    async def _clicked(self, turn_context: TurnContext, asker: Asker) -> None:
        try:
            asked = click(asker.incoming.value)
        except Malformed as error:
            _log.info("a click that makes no sense: %s", error)
            await self._reply(turn_context, Message("error.bad_request", is_error=True), asker.words)
            return
        view = await self._dispatch(asked.call(asker))
        in_place = asked.submitted or isinstance(view, RatingRequest | TicketList | Home) or replaces(asked.name, view)
        if asker.incoming.reply_to_id and in_place:
            await self._replace(turn_context, view, asker.words)
        elif _is_news(asked, view):
            await self._reply(turn_context, view, asker.words)

    async def _reply(self, turn_context: TurnContext, view: View, words: Words) -> None:
        alone = _incoming(turn_context).kind == "personal"
        shown = await self._readers.rendered(view, words, alone=alone)
        message = card_message(shown.card, shown.summary)
        posted = await self._insist(lambda: turn_context.send_activity(message))
        if posted is not None and posted.id and isinstance(view, TicketCard) and self._placed is not None:
            await self._placed(view, _ref(_incoming(turn_context), posted.id))

    async def _replace(self, turn_context: TurnContext, view: View, words: Words) -> None:
        """The clicked message as ``view``; where it cannot be changed any more, a new one."""
        shown = render(view, words)
        message = card_message(shown.card, shown.summary)
        message.id = _incoming(turn_context).reply_to_id
        try:
            await turn_context.update_activity(message)
        except Rejected as error:
            _log.info("a message could not be changed and is sent anew: %s", error)
            await self._reply(turn_context, view, words)
        except ConnectorError as error:
            _log.warning("a message was not changed: %s", error)

    async def _insist(self, send: Callable[[], Awaitable[Any]]) -> Any:
        """The answer of ``send``, tried again while Teams says to. A lost reply is logged: what was asked is done."""
        for attempt in range(1, _REPLY_ATTEMPTS + 1):
            try:
                return await send()
            except ConnectorError as error:
                meaning = delivery(error, repeatable=False)
                if not isinstance(meaning, DeliveryRetry) or attempt == _REPLY_ATTEMPTS or meaning.scope == "platform":
                    _log.warning("a reply did not arrive: %s", error)
                    return None
                wait = min(meaning.after or _PAUSE * attempt, _LONGEST_WAIT)
                await asyncio.sleep(wait + random.uniform(0, _PAUSE))
        return None


def _incoming(turn_context: TurnContext) -> Incoming:
    return cast(Incoming, turn_context.turn_state[INCOMING])


def _is_news(asked: Click, view: View) -> bool:
    """Whether the clicker has to be told; a done thing shows on the card, which the outbox changes in place."""
    if isinstance(view, Message):
        return view.is_error or view.key in _WITHOUT_EFFECT
    if isinstance(view, TicketCard):
        return asked.name in _SHOWING
    return True


def _invoke_error(incoming: Incoming, status: int, code: str, message: str) -> InvokeResponse:
    if incoming.name == CARD_ACTION:
        return InvokeResponse(status=status, body=answers.card_error(status, code, message))
    return InvokeResponse(status=status, body=answers.error(code, message))


def _ref(incoming: Incoming, message: str) -> MessageRef:
    return MessageRef("teams", incoming.conversation.id, message, incoming.service_url, incoming.tenant)
