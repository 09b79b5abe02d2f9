"""What is said to the bot without a command: a ticket is made of it, unless it is a command with a slip in it."""

from __future__ import annotations

from bot.commands import request
from bot.commands.call import Call
from bot.slack import text
from bot.slack.calls import Asked, Place
from bot.slack.payloads import EventCallback, MessageEvent, SourceMessage
from bot.slack.reception import Reception
from core.model import Person
from core.views import Message, View


class Requests:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def call(
        self, message: MessageEvent, said: str, place: Place, person: Person, callback: EventCallback
    ) -> Call | None:
        """The call that a mention asks for in words of its own; None where it names a command, or says nothing.

        ``said`` is the text without the bot's name. Below the bot's own messages nothing becomes a ticket.
        """
        root = self._reception.settings.slack.commands.root
        first, *rest = said.split(maxsplit=1) or [""]
        words = "".join(rest) if first.lower().removeprefix("/") == root else said
        if request.asks_for_overview(words):
            return self._reception.call(Asked("overview"), person, place)
        if request.is_request(words) and not _is_below_ours(message, callback):
            return await self._new_ticket(message, words, place, person, callback.team_id or "")
        if len(words.split()) > 1 and not request.names_command(words) and request.is_near_command(words):
            return self._reception.call(Asked(""), person, place, text=text.words_of(words, {}))
        return None

    def is_answered(self, call: Call, view: View) -> bool:
        """Whether the desk's own news answers below the message: the number of the ticket that was made of it."""
        return "source" in call.place and isinstance(view, Message) and not view.is_error

    async def _new_ticket(self, message: MessageEvent, said: str, place: Place, person: Person, tenant: str) -> Call:
        source = SourceMessage(message.ts, message.user, said, message.thread_ts, None, message.attachments)
        words = self._reception.people.words(person)
        place = await self._reception.sources.place(source, place, tenant, words)
        asked = Asked("create", fields=request.draft(place.quote))
        return self._reception.call(asked, person, place, submitted=True)


def _is_below_ours(message: MessageEvent, callback: EventCallback) -> bool:
    ours = {known.user_id for known in callback.authorizations or [] if known.is_bot}
    return message.parent_user_id is not None and message.parent_user_id in ours
