"""From what Teams sends to the desk's ``Call``: a typed command, a click, a submitted form, a quoted message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from bot.commands.call import Call
from bot.teams.incoming import Incoming, Malformed
from bot.teams.quoted import LINKS, QuotedMessage
from core.i18n import Words
from core.model import Person

ORIGIN = "teams"
_FIELDS = 60
# What a card's data say to Teams or to this door, and not to the command.
_OWN = frozenset({"action", "form", "ticket_id", "v", "msteams"})


class Asker(msgspec.Struct, frozen=True):
    """One person in one place, with the words they read."""

    incoming: Incoming
    person: Person
    words: Words

    def call(self, name: str, **what: Any) -> Call:
        """``what``: further fields of ``Call``; ``place`` is added to where it was asked."""
        place = {**place_of(self.incoming), **what.pop("place", {})}
        return Call(name=name, by=self.person, origin=ORIGIN, words=self.words, place=place, **what)


class Click(msgspec.Struct, frozen=True):
    """``name`` is the action or the form; ``submitted`` when it comes from a form."""

    name: str
    ticket_id: int | None
    version: int | None
    fields: dict[str, str]
    submitted: bool

    def call(self, asker: Asker) -> Call:
        """The link to a quoted message travels with the form, and belongs to the place."""
        link = self.fields.get("permalink", "")
        return asker.call(
            self.name,
            ticket_id=self.ticket_id,
            version=self.version,
            fields=self.fields,
            submitted=self.submitted,
            place={"permalink": link} if link.startswith(LINKS) else {},
        )


def click(data: Any) -> Click:
    """The data of a button or a form. Whoever sends them can write what they like. Raises Malformed."""
    if not isinstance(data, Mapping):
        raise Malformed("the data are not an object")
    form, action = data.get("form"), data.get("action")
    name = form if form is not None else action
    if not isinstance(name, str) or not 0 < len(name) <= 64:
        raise Malformed("no action")
    return Click(
        name.lower(),
        _number(data.get("ticket_id"), "ticket_id"),
        _number(data.get("v"), "v"),
        _fields(data),
        submitted=form is not None,
    )


def _fields(data: Mapping[Any, Any]) -> dict[str, str]:
    task = isinstance(data.get("msteams"), Mapping)
    fields: dict[str, str] = {}
    for key, value in data.items():
        # Teams adds these two of its own to the data of a dialog's button.
        added = task and (key, value) in (("type", "task/fetch"), ("data", None))
        if key in _OWN or added or value is None:
            continue
        fields[str(key)] = _text(value, str(key))
    if len(fields) > _FIELDS:
        raise Malformed("too many fields")
    return fields


def _text(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise Malformed(f"{name} is not a value")


def _number(value: Any, name: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**18:
        return value
    raise Malformed(f"{name} is not a number")


def place_of(incoming: Incoming) -> dict[str, str]:
    """Where it was asked. In a channel ``thread`` is the message that heads the thread."""
    place = {"platform": ORIGIN, "channel": incoming.place_id}
    if incoming.id:
        place["event"] = f"{incoming.place_id} {incoming.id}"
    if incoming.thread_id:
        place["thread"] = incoming.thread_id
    written = incoming.type == "message" and incoming.value is None
    if written and incoming.id and incoming.kind == "channel":
        place["permalink"] = permalink(incoming, incoming.id)
    return place


def permalink(incoming: Incoming, message: str) -> str:
    """https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/deep-link-teams"""
    query = {"tenantId": incoming.tenant, "parentMessageId": incoming.thread_id or message}
    return f"https://teams.microsoft.com/l/message/{quote(incoming.place_id)}/{quote(message)}?{urlencode(query)}"


def quote_place(incoming: Incoming, message: QuotedMessage) -> dict[str, str]:
    """The message that a ticket is made from."""
    place = {"quote": message.text}
    if message.author:
        place["author"] = message.author
    link = message.link
    if not link and message.id and incoming.kind == "channel":
        link = permalink(incoming, message.id)
    if link:
        place["permalink"] = link
    return place
