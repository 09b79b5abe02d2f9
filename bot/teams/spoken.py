"""What somebody wrote to the bot, as a command and its words.

A mention of a person becomes ``<@person-id>``. The bot's own mention is removed where Teams says it stands, once and
exactly: the SDK's way removes the bot's name everywhere, also from "IT printer" when the bot is called IT.
"""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable

from bot.teams.incoming import Account, Incoming

_TAG = re.compile(r"<at\b[^>]*>(.*?)</at>", re.IGNORECASE | re.DOTALL)
# Stand-ins for mentions while the rest is unescaped; private-use characters, taken out of what people write.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")


async def words_of(incoming: Incoming, name_person: Callable[[Account], Awaitable[str]]) -> str:
    """The text in plain characters. ``name_person`` gives what to write for a mentioned person.

    Only what ``name_person`` returns can hold ``<@``; where the user typed it, a blank is put between.
    """
    text = (incoming.text or "").replace(_OPEN, "").replace(_CLOSE, "")
    people: list[Account] = []
    for tag, account in incoming.mentions:
        mark = ""
        if account.id != incoming.recipient.id:
            mark = f"{_OPEN}{len(people)}{_CLOSE}"
            people.append(account)
        text = _once(text, tag, account.name, mark)
    text = _TAG.sub(r"\1", text)
    text = html.unescape(text).replace("\xa0", " ")
    text = neutral(text)
    named = [await name_person(account) for account in people]
    return _MARK.sub(lambda found: named[int(found[1])], text).strip()


def _once(text: str, tag: str, name: str | None, mark: str) -> str:
    if tag in text:
        return text.replace(tag, mark, 1)
    for found in _TAG.finditer(text):  # <at id="0">Name</at>, while the entity says <at>Name</at>
        if name and found[1] == name:
            return text[: found.start()] + mark + text[found.end() :]
    return text


def neutral(text: str) -> str:
    """User text that cannot be taken for a mention."""
    return text.replace("<@", "< @")


def command(text: str, root: str) -> tuple[str, str]:
    """The command and the words after it; no words at all ask for help.

    A slash and the root command are allowed in front, as people know them from Slack (``/ticket assign 42``).
    """
    first, said = _split(text)
    if first.removeprefix("/").lower() == root:
        first, said = _split(said)
    return first.removeprefix("/").lower()[:64] or "help", said


def without_root(text: str, root: str) -> str:
    """The words as they were said, without a root command in front."""
    first, said = _split(text)
    return said if first.removeprefix("/").lower() == root else text.strip()


def _split(text: str) -> tuple[str, str]:
    first, *rest = text.split(maxsplit=1) or [""]
    return first, "".join(rest).strip()
