"""Slack's payloads -> calls on the desk. Pure, once the people in them are known.

What a button carries is JSON of ours: ``ticket``, ``v`` (the version that was seen), ``do`` (the verb of a menu entry)
and whatever else the command needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from bot.slack.payloads import Action, BlockActions, Input, MessageEvent, SlashCommand, View
from core.config.settings import CommandSettings

# The id of a button that stands several times in one row ends in a number, because Slack wants them to differ.
_NUMBERED = re.compile(r"(.+?)_[0-9]+")
_PRIVATE = "_"
_TRAVELS = ("channel", "thread", "message", "source", "permalink", "requester", "response_url")
_FACTS = ("channel", "thread", "message", "event", "source", "permalink", "requester", "quote")


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where somebody asked, and how they can be answered there.

    ``thread`` is the ts to answer below, ``message`` the ts of what was clicked or written, ``response_url`` Slack's
    own way to answer (five times, half an hour), ``event`` the id of the event that brought it. ``source`` is the ts of
    a message that a ticket is made from, and then come its ``permalink``, its text (``quote``) and the Deskbell id of
    its author (``requester``).
    """

    user: str
    channel: str = ""
    thread: str = ""
    message: str = ""
    response_url: str = ""
    event: str = ""
    source: str = ""
    permalink: str = ""
    requester: str = ""
    quote: str = ""

    def facts(self) -> dict[str, str]:
        """As ``Call.place`` has it."""
        known = {name: getattr(self, name) for name in _FACTS}
        return {"platform": "slack", **{name: value for name, value in known.items() if value}}

    def context(self) -> dict[str, str]:
        """To travel with a form; every name begins with an underscore. What was quoted stands in the form."""
        known = {name: getattr(self, name) for name in _TRAVELS}
        return {f"{_PRIVATE}{name}": value for name, value in known.items() if value}

    @classmethod
    def returned(cls, user: str, private: Mapping[str, str]) -> Place:
        """The place whose ``context`` came back, without the underscores."""
        return cls(user, **{name: private[name] for name in _TRAVELS if name in private})


class Asked(msgspec.Struct, frozen=True):
    """What a button, a menu entry or the metadata of a form asks for."""

    name: str
    ticket_id: int | None = None
    version: int | None = None
    fields: dict[str, str] = {}


def command_words(command: SlashCommand, settings: CommandSettings) -> tuple[str, str] | None:
    """The sub-command and the words after it; None for a slash command that is not configured."""
    called = command.command.removeprefix("/").lower()
    if called in settings.aliases:
        return settings.aliases[called], command.text.strip()
    return sentence(command.text) if called == settings.root else None


def sentence(text: str) -> tuple[str, str]:
    """The first word in lower case (a telephone begins a line with a capital), and the rest."""
    first, *rest = text.split(maxsplit=1) or [""]
    return first.lower(), "".join(rest).strip()


def spoken_words(text: str, root: str) -> tuple[str, str]:
    """As ``sentence``, for a message to the bot: ``ticket show 42`` and ``/ticket show 42`` mean ``show 42``."""
    name, rest = sentence(text)
    return sentence(rest) if name.removeprefix("/") == root else (name, rest)


def clicked(action: Action) -> Asked | None:
    """What an element asks for; None when its value is not ours."""
    raw = action.selected_option.value if action.selected_option else action.value
    data = _object(raw)
    if data is None:
        return None
    context = data.pop("context", None)
    data = {**context, **data} if isinstance(context, dict) else data
    numbered = _NUMBERED.fullmatch(action.action_id)
    name = data.pop("do", None) or (numbered[1] if numbered else action.action_id)
    ticket, version = _whole(data.pop("ticket", None)), _whole(data.pop("v", None))
    return Asked(str(name), ticket, version, {field: str(value) for field, value in data.items()})


def submitted(view: View, people: dict[str, str]) -> tuple[Asked, dict[str, str]]:
    """What a modal asks for, and the private part of its context without the underscores.

    ``people`` gives the Deskbell id of a Slack user id that was chosen. An input left empty is an empty string.
    """
    metadata = _object(view.private_metadata) or {}
    context = metadata.get("context")
    carried = {name: str(value) for name, value in context.items()} if isinstance(context, dict) else {}
    private = {name[1:]: carried.pop(name) for name in list(carried) if name.startswith(_PRIVATE)}
    version = _whole(carried.pop("v", None))
    inputs = view.state.values if view.state else {}
    fields = {block: _value(given, people) for block, elements in inputs.items() for given in elements.values()}
    asked = Asked(view.callback_id, _whole(metadata.get("ticket_id")), version, {**carried, **fields})
    return asked, private


def chosen_people(view: View) -> list[tuple[str, None]]:
    """The Slack users that were chosen in a modal."""
    inputs = [given for elements in (view.state.values if view.state else {}).values() for given in elements.values()]
    users = [user for given in inputs for user in [given.selected_user, *(given.selected_users or [])] if user]
    return [(user, None) for user in dict.fromkeys(users)]


def place_of_command(command: SlashCommand) -> Place:
    return Place(command.user_id, channel=command.channel_id, response_url=command.response_url)


def place_of_click(click: BlockActions) -> Place:
    """The thread below the card that was clicked, or the thread that the card stands in."""
    container, message = click.container, click.message
    ts = (container and container.message_ts) or (message and message.ts) or ""
    thread = (container and container.thread_ts) or (message and message.thread_ts) or ""
    if not thread and not (container and container.is_ephemeral):
        thread = ts
    channel = (container and container.channel_id) or (click.channel.id if click.channel else "")
    return Place(click.user.id, channel or "", thread, ts, click.response_url or "")


def place_of_message(event: MessageEvent, event_id: str) -> Place:
    """In a channel the answer goes into the message's thread; in a direct message it follows, like in talk."""
    direct = event.channel_type == "im"
    thread = event.thread_ts or ("" if direct else event.ts)
    return Place(event.user or "", event.channel, thread, event.ts, event=event_id)


def _value(given: Input, people: dict[str, str]) -> str:
    if given.selected_user is not None:
        return people.get(given.selected_user, "")
    if given.selected_users is not None:
        return ",".join(people.get(user, "") for user in given.selected_users)
    if given.selected_options is not None:
        return ",".join(choice.value or "" for choice in given.selected_options)
    if given.selected_option is not None:
        return given.selected_option.value or ""
    return given.value or given.selected_conversation or given.selected_channel or given.selected_date or ""


def _object(raw: str | None) -> dict[str, Any] | None:
    try:
        data = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value)
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) else None
