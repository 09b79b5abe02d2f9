"""What people write: below a card it is a note, in a mention or a direct message a command, answered where it stands.

Slack sends an event again until it is answered with 200, so the work comes first and the answer to Slack after it.
"""

from __future__ import annotations

from typing import Any

from slack_bolt.response import BoltResponse

from bot.slack import calls, text
from bot.slack.answers import nothing, trouble
from bot.slack.payloads import EventCallback, MessageEvent, read
from bot.slack.reception import Reception
from bot.slack.requests import Requests
from bot.slack.seen import AlreadyDone, MarkDone
from core.views import View

# https://docs.slack.dev/apis/events-api/#delayed-events: deliveries may go on for a day.
_KEEP_SECONDS = 24 * 3600
_SPOKEN = (None, "file_share")


class Events:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._requests = Requests(reception)

    async def handle(self, body: dict[str, Any]) -> BoltResponse:
        """Raises Busy while another process is at this event, so that Slack sends it again."""
        callback = read(body, EventCallback)
        if callback.event["type"] not in ("app_mention", "message"):
            return nothing()
        message = read(callback.event, MessageEvent)
        threads = self._reception.threads
        if threads is not None and await threads.follow(message, callback):
            return nothing()
        if is_for_us(message):
            key = f"slack:event:{callback.event_id}"
            try:
                await self._reception.once.run(key, _KEEP_SECONDS, lambda done: self._answer(callback, message, done))
            except AlreadyDone:
                return nothing()
        return nothing()

    async def refuse(self, body: dict[str, Any], view: View) -> BoltResponse:
        """Show ``view`` to the writer. Slack is told that all is well: a second attempt would fail like the first. What
        nobody waits for an answer to is left to Slack to send again."""
        callback = read(body, EventCallback)
        message = read(callback.event, MessageEvent)
        if not is_for_us(message):
            return trouble(503, "internal")
        place = calls.place_of_message(message, callback.event_id)
        await self._reception.answers.whisper(view, self._reception.people.last_words(place.user), place)
        return nothing()

    async def _answer(self, callback: EventCallback, message: MessageEvent, done: MarkDone) -> None:
        place = calls.place_of_message(message, callback.event_id)
        tenant = callback.team_id or ""
        person = await self._reception.people.meet(place.user, tenant)
        said, bot = message.text or "", _bot_user(callback)
        if message.type == "app_mention" or bot:
            said = text.without_mention(said, bot)
        call = await self._requests.call(message, said, place, person, callback) if _is_mention(message) else None
        if call is None:
            name, rest = calls.spoken_words(said, self._reception.settings.slack.commands.root)
            ids = await self._reception.people.ids(text.mentioned(rest).items(), tenant)
            call = self._reception.call(calls.Asked(name), person, place, text=text.words_of(rest, ids))
        view = await self._reception.dispatch(call)
        # From here on the work must not be repeated, even if the answer is lost.
        await done()
        if not self._requests.is_answered(call, view):
            await self._reception.answers.post(view, call.words, place)


def is_for_us(message: MessageEvent) -> bool:
    """A mention, or a direct message, that a person wrote; what bots write, edits and notices of Slack are not."""
    if message.bot_id or not message.user or not message.channel:
        return False
    if message.type == "app_mention":
        return True
    return message.channel_type == "im" and message.subtype in _SPOKEN


def _is_mention(message: MessageEvent) -> bool:
    return message.type == "app_mention"


def _bot_user(callback: EventCallback) -> str | None:
    found = [known.user_id for known in callback.authorizations or [] if known.is_bot]
    return found[0] if found else None
