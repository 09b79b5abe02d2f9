"""Reads the words of a command: the ticket it means, the person, the value. What is wrong is a ``BadField``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import TypeVar

from bot.commands.call import Call
from core.desk.desk import Desk
from core.errors import BadField
from core.i18n import LANGUAGES, Words
from core.model import Person, PersonRef

_TICKET = re.compile(r"#?(\d{1,15})")
_MENTION = re.compile(r"<@([^>\s]+)>")
_ME = frozenset({"me", "myself", "나", "저", "내게"})
E = TypeVar("E", bound=Enum)


def ticket_and_rest(call: Call) -> tuple[int, str]:
    """The number of the ticket that is meant and the words after it. Raises ``BadField``."""
    if call.ticket_id is not None:
        return call.ticket_id, call.text.strip()
    word, _, rest = call.text.strip().partition(" ")
    return ticket_number(word, "ticket"), rest.strip()


def ticket_number(word: str, field: str) -> int:
    """``42`` or ``#42``. Raises ``BadField``."""
    if not word:
        raise BadField(field=field, why="required")
    match = _TICKET.fullmatch(word)
    if match is None:
        raise BadField(field=field, why="unknown_ticket", id=word.lstrip("#"))
    return int(match[1])


async def person(desk: Desk, call: Call, text: str, field: str) -> PersonRef:
    """Who is meant: ``me``, a mention, Deskbell's or the platform's id, or a name that fits one person only."""
    word = text.strip()
    if word.lower() in _ME:
        return call.by.ref
    mention = _MENTION.search(word)
    wanted = mention[1] if mention else word.lstrip("@")
    found = await desk.people.person(wanted) or await desk.people.known(call.origin, wanted)
    if found is None and not mention:
        found = _by_name(wanted, desk)
    if found is None:
        raise BadField(field=field, why="unknown_person", name=wanted)
    return found.ref


def _by_name(name: str, desk: Desk) -> Person | None:
    folded = name.casefold()
    fitting = [
        p for p in desk.settings.people if folded in (p.id.casefold(), p.name.casefold(), (p.email or "").casefold())
    ]
    if not fitting:
        fitting = [p for p in desk.settings.people if p.name.casefold().startswith(folded)]
    if len(fitting) != 1:
        return None
    return Person(id=fitting[0].id, name=fitting[0].name)


def choice(kind: type[E], text: str, field: str, words: Words) -> E:
    """The member that a word means: its own name, or its word in any language, upper or lower case."""
    wanted = " ".join(text.strip().casefold().replace("_", " ").split())
    for member in kind:
        if wanted in _names(member):
            return member
    choices = ", ".join(words.name(member) for member in kind)
    raise BadField(field=field, why="unknown_choice", choices=choices, value=text)


def _names(member: Enum) -> Iterable[str]:
    yield str(member.value).replace("_", " ")
    for language in LANGUAGES:
        yield Words(language).name(member).casefold()


def whole_number(text: str, field: str, minimum: int, maximum: int) -> int:
    try:
        number = int(text.strip().replace(",", ""))
    except ValueError as error:
        raise BadField(field=field, why="not_a_number") from error
    if not minimum <= number <= maximum:
        raise BadField(field=field, why="out_of_range", minimum=minimum, maximum=maximum)
    return number
