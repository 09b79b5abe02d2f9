"""What is said to the bot without naming a command: a request, which becomes a ticket, or a command with a slip in it.

A ticket that nobody wanted costs more than a question back, so a request has to look like one. It has two words or
more, is no courtesy (``thanks a lot``), and is not shaped like a command: a word near a command's, in any language,
with what that command takes after it (``asign 42 @kim``, ``해결 42``), a ticket's number first (``#42 done?``), or a
word with nothing but a number and people (``fix 42 @kim``). ``close`` to a command alone is not enough: ``slow`` is
near ``show``, and ``slow network on 3F`` is a request.
"""

from __future__ import annotations

import difflib
import re
from functools import cache

from bot.commands.registry import COMMANDS, Command, find
from core.commands import TEXT_LIMIT, TITLE_LIMIT
from core.i18n import LANGUAGES, Words

_NUMBER = re.compile(r"#?\d{1,15}번?")
_TICKET_LIKE = re.compile(r"(?:[a-z]{1,10}-|#)?\d{1,15}번?", re.IGNORECASE)  # as other desks number them
_HASH_NUMBER = re.compile(r"#\d{1,15}\D{0,6}")
_PERSON = re.compile(r"<@[^>\s]+>|@\S+")
_FILTER = re.compile(r"(status|priority|category|assignee|system|source|team):\S+")
_QUEUES = frozenset({"mine", "team", "all", "open", "내", "내것", "팀", "전체", "열린"})
_TAKES_NUMBER = re.compile(r"\w+ \d+")
_EDGES = ".,!?:;~…·\"'()“”‘’"
_NEAR = 0.7
_COURTESY_WORDS = 4


def draft(text: str) -> dict[str, str]:
    """The title and the description of a ticket that is made from ``text``; no description when the title has all."""
    whole = _without_announcement(text.strip())
    title = " ".join(whole.split("\n", 1)[0].split())
    if len(title) > TITLE_LIMIT:
        cut = title.rfind(" ", TITLE_LIMIT // 2, TITLE_LIMIT)
        title = title[: cut if cut > 0 else TITLE_LIMIT - 1].rstrip() + "…"
    return {"title": title, "description": "" if title == whole else whole[:TEXT_LIMIT]}


def asks_for_overview(text: str) -> bool:
    """Whether ``text`` asks for one's own tickets in plain words, as in ``my tickets``."""
    return " ".join(text.casefold().split()).strip(_EDGES) in _phrases("phrases.overview")


def is_request(text: str) -> bool:
    """Whether ``text``, said to the bot, asks for a new ticket, and is neither a command nor meant to be one."""
    words = text.split()
    if len(words) < 2 or names_command(text) or asks_for_overview(text):
        return False
    return not (_is_courtesy(words) or is_near_command(text))


def names_command(text: str) -> bool:
    """Whether ``text`` begins with a command."""
    return find((text.split() or [""])[0]) is not None


def is_near_command(text: str) -> bool:
    """Whether ``text`` is a command with a slip in it, or one in other words."""
    first, *rest = text.split()
    if _HASH_NUMBER.fullmatch(first) or (_NUMBER.fullmatch(first) and rest and _near(rest[0])):
        return True
    if _TICKET_LIKE.fullmatch(first) and any(map(_PERSON.fullmatch, rest)) and _near(rest[-1]):
        return True  # 42 <@kim> 할당
    if rest and _NUMBER.fullmatch(rest[0]) and all(_PERSON.fullmatch(word) for word in rest[1:]):
        return True
    return any(_fits(entry, first, rest) for entry in _near(first))


def nearest(text: str) -> str | None:
    """The command that was probably meant: one near one of the first two words, or in Korean near the last."""
    words = text.split()
    return next((found[0].name for word in [*words[:2], *words[-1:]] if (found := _near(word))), None)


def _without_announcement(text: str) -> str:
    """What follows ``new ticket:``; all of it where nothing does."""
    folded = text.casefold()
    for phrase in _phrases("phrases.new_ticket"):
        if folded.startswith(phrase) and (rest := text[len(phrase) :].lstrip(_EDGES + " \n")) != text[len(phrase) :]:
            return rest or text
    return text


@cache
def _phrases(key: str) -> tuple[str, ...]:
    """The wordings of a thing in every language, the longest first."""
    found = {phrase.strip() for language in LANGUAGES for phrase in Words(language).text(key).split("|")}
    return tuple(sorted(found, key=len, reverse=True))


def _near(word: str) -> list[Command]:
    """The commands that the word may have meant, the nearest first."""
    said = word.strip(_EDGES).casefold()
    scored = [(max(_likeness(said, name) for name in _names(entry)), entry) for entry in COMMANDS.values()]
    near = [(score, entry) for score, entry in scored if score >= _least(entry) and not entry.hidden]
    return [entry for _, entry in sorted(near, key=lambda pair: -pair[0])]


def _least(entry: Command) -> float:
    # Anything may follow `create`, so the word alone has to tell.
    return 0.8 if entry.name == "create" else _NEAR


def _likeness(said: str, name: str) -> float:
    # Korean verbs take endings: 해결해줘 begins with 해결.
    if not name.isascii() and said.startswith(name):
        return 1.0
    return difflib.SequenceMatcher(None, said, name).ratio()


@cache
def _names(entry: Command) -> tuple[str, ...]:
    """What the command is called, in every language."""
    key = f"spoken.{entry.name}"
    called = [Words(language).text(key).casefold().split() for language in LANGUAGES if Words(language).has(key)]
    return tuple(dict.fromkeys([entry.name, *(name for names in called for name in names)]))


def _fits(entry: Command, first: str, rest: list[str]) -> bool:
    """Whether ``rest`` can be what the command takes. In Korean the number may come last."""
    if _TAKES_NUMBER.match(entry.usage):
        places = rest[:1] if first.isascii() else [*rest[:1], *rest[-1:]]
        return any(_TICKET_LIKE.fullmatch(word) for word in places)
    if entry.name == "list":
        return bool(rest) and (rest[0].casefold() in _QUEUES or _FILTER.match(rest[0]) is not None)
    return entry.name == "create" or not rest


def _is_courtesy(words: list[str]) -> bool:
    if len(words) > _COURTESY_WORDS:
        return False
    first = words[0].strip(_EDGES).casefold()
    return any(first in Words(language).text("spoken.courtesies").split() for language in LANGUAGES)
