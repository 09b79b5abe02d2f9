"""What every handler of the door needs: the people, the dispatcher, the answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from bot.commands.call import Call, Dispatcher
from bot.slack.answers import Answers
from bot.slack.calls import Asked, Place
from bot.slack.people import SlackPeople
from bot.slack.seen import Once, Seen
from core.config.settings import Settings
from core.model import Person


class Reception(msgspec.Struct, frozen=True):
    settings: Settings
    dispatch: Dispatcher
    people: SlackPeople
    answers: Answers
    seen: Seen
    once: Once
    now: Callable[[], datetime]

    def call(self, asked: Asked, by: Person, place: Place, *, text: str = "", submitted: bool = False) -> Call:
        return Call(
            name=asked.name,
            by=by,
            origin="slack",
            words=self.people.words(by),
            text=text,
            ticket_id=asked.ticket_id,
            version=asked.version,
            fields=asked.fields,
            submitted=submitted,
            place=place.facts(),
        )
