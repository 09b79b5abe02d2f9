"""The emoji that makes a ticket of the message that it is put on, once, whoever puts it there and however often."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt.response import BoltResponse

from bot.commands import request
from bot.slack.answers import nothing
from bot.slack.api import CallFailed, Outcome
from bot.slack.calls import Asked, Place
from bot.slack.payloads import EventCallback, Malformed, ReactionEvent, SourceMessage, read
from bot.slack.reception import Reception
from bot.slack.seen import AlreadyDone, Busy, MarkDone
from bot.slack.sources import taken, taking
from core.views import Message

_log = logging.getLogger(__name__)


class Reactions:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def handle(self, body: dict[str, Any]) -> BoltResponse:
        """Raises Busy where it has to be tried again later, so that Slack sends the event again."""
        callback = read(body, EventCallback)
        reaction = read(callback.event, ReactionEvent)
        if self._means_us(reaction, callback):
            item = reaction.item
            _, keep_seconds = taken(item.channel, item.ts)
            key = taking(item.channel, item.ts)
            try:
                await self._reception.once.run(key, keep_seconds, lambda done: self._make(reaction, callback, done))
            except AlreadyDone:
                return nothing()
        return nothing()

    def _means_us(self, reaction: ReactionEvent, callback: EventCallback) -> bool:
        """A skin tone makes no difference; on the bot's own messages the emoji means nothing."""
        wanted = self._reception.settings.slack.reaction
        named = reaction.reaction.partition("::")[0]
        ours = {known.user_id for known in callback.authorizations or [] if known.is_bot}
        on_message = reaction.item.type == "message" and reaction.item.channel and reaction.item.ts
        return bool(
            reaction.user
            and wanted
            and named == wanted
            and on_message
            and not ours & {reaction.user, reaction.item_user}
        )

    async def _make(self, reaction: ReactionEvent, callback: EventCallback, done: MarkDone) -> None:
        reception, tenant = self._reception, callback.team_id or ""
        person = await reception.people.meet(reaction.user, tenant)
        words = reception.people.words(person)
        place = Place(reaction.user, channel=reaction.item.channel, event=callback.event_id)
        message = await self._message(reaction.item.channel, reaction.item.ts)
        if message is None:
            await reception.answers.whisper(Message("slack.cannot_read", is_error=True), words, place)
            return
        place = await reception.sources.place(message, place, tenant, words)
        asked = Asked("create", fields=request.draft(place.quote))
        view = await reception.dispatch(reception.call(asked, person, place, submitted=True))
        if isinstance(view, Message) and not view.is_error:
            await done()
        else:
            await reception.answers.whisper(view, words, place)

    async def _message(self, channel: str, ts: str) -> SourceMessage | None:
        """The message, which the history of the channel has unless it is an answer in a thread."""
        exactly = {"channel": channel, "latest": ts, "oldest": ts, "inclusive": True, "limit": 1}
        for method, arguments in (("conversations.history", exactly), ("conversations.replies", exactly | {"ts": ts})):
            try:
                answer = await self._reception.api.call(method, arguments)
                messages = [read(found, SourceMessage) for found in answer.get("messages") or []]
            except CallFailed as error:
                if error.outcome is not Outcome.REFUSED:
                    raise Busy(f"{channel} {ts}") from None
                _log.info("a message cannot be read: %s", error)
                continue
            except Malformed as error:
                _log.warning("a message cannot be read: %s", error)
                continue
            exact = [message for message in messages if message.ts == ts]
            if exact:
                return exact[0]
        return None
