"""Slash commands: the answer travels in Slack's own request, so most cost no call to Slack at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from slack_bolt.response import BoltResponse

from bot.commands import registry
from bot.slack import calls, text
from bot.slack.answers import Shown, ephemeral, nothing
from bot.slack.payloads import SlashCommand, read
from bot.slack.reception import Reception
from core.i18n import Words
from core.views import Form, Message, View

# Slack gives up on an answer after three seconds; a later one goes to the response_url instead.
_LATE = timedelta(seconds=2.5)


class Commands:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def handle(self, body: dict[str, Any]) -> BoltResponse:
        started = self._reception.now()
        command = read(body, SlashCommand)
        place = calls.place_of_command(command)
        said = calls.command_words(command, self._reception.settings.slack.commands)
        if said is not None and registry.opens_form(*said):
            known = self._reception.people.last_words(command.user_id)
            await self._reception.answers.load(lambda: self._form(command, place), known, command.trigger_id, place)
            return nothing()
        words, view = await self._ask(command, place)
        if isinstance(view, Form):
            await self._reception.answers.open(view, words, command.trigger_id, place)
            return nothing()
        if self._reception.now() - started > _LATE and place.response_url:
            await self._reception.answers.whisper(view, words, place)
            return nothing()
        return BoltResponse(status=200, body=ephemeral(view, words))

    async def refuse(self, body: dict[str, Any], view: View) -> BoltResponse:
        """Show ``view``, whatever became of the command."""
        words = self._reception.people.last_words(read(body, SlashCommand).user_id)
        return BoltResponse(status=200, body=ephemeral(view, words))

    async def _form(self, command: SlashCommand, place: calls.Place) -> Shown:
        words, view = await self._ask(command, place)
        return Shown(view, words, place)

    async def _ask(self, command: SlashCommand, place: calls.Place) -> tuple[Words, View]:
        people, commands = self._reception.people, self._reception.settings.slack.commands
        person = await people.meet(command.user_id, command.team_id, command.user_name or None)
        said = calls.command_words(command, commands)
        if said is None:
            facts = {"command": command.command, "root": f"/{commands.root}"}
            return people.words(person), Message("slack.unknown_command", facts, is_error=True)
        name, rest = said
        ids = await people.ids(text.mentioned(rest).items(), command.team_id)
        asked = calls.Asked(name)
        call = self._reception.call(asked, person, place, text=text.words_of(rest, ids))
        return call.words, await self._reception.dispatch(call)
