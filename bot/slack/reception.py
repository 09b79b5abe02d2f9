"""What every handler of the door needs: the people, the dispatcher, the answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from bot.commands.call import Call, Dispatcher
from bot.slack.answers import Answers
from bot.slack.api import SlackApi
from bot.slack.calls import Asked, Place
from bot.slack.homes import HomeTabs
from bot.slack.inflight import Inflight
from bot.slack.people import SlackPeople
from bot.slack.seen import Once
from bot.slack.sources import Sources
from bot.slack.threads import ThreadNotes
from bot.slack.workspaces import Workspace
from core.config.settings import Settings
from core.model import Person
from core.ports import Memory


class Reception(msgspec.Struct, frozen=True):
    settings: Settings
    dispatch: Dispatcher
    people: SlackPeople
    answers: Answers
    seen: Memory
    once: Once
    now: Callable[[], datetime]
    api: SlackApi
    inflight: Inflight
    sources: Sources
    homes: HomeTabs | None = None
    threads: ThreadNotes | None = None
    workspace: Workspace | None = None

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
            place=place.facts() | ({"tenant": self.workspace.id} if self.workspace else {}),
        )
