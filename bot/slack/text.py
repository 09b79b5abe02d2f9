"""Slack's markup of incoming text -> the plain words of a call.

Slack escapes ``& < >`` and wraps what it recognised in angle brackets: people, channels, groups, links.
https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"<([^<>]*)>")
_PERSON = re.compile(r"@([UW][A-Z0-9]+)")
_WEB = ("http://", "https://", "mailto:", "tel:")


def mentioned(text: str) -> dict[str, str | None]:
    """The Slack users that are mentioned, in order, with the name that Slack shows for each, if it says so."""
    users: dict[str, str | None] = {}
    for body, name in map(_parts, _TOKEN.findall(text)):
        person = _PERSON.fullmatch(body)
        if person:
            users.setdefault(person[1], name)
    return users


def words_of(text: str, people: Mapping[str, str]) -> str:
    """The text as it was meant: ``people`` gives for a Slack user id the Deskbell id that ``<@...>`` shall hold."""
    written: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        written += [_unescape(text[end : token.start()]), _meaning(token[1], people)]
        end = token.end()
    return "".join([*written, _unescape(text[end:])]).strip()


def prose(text: str, names: Mapping[str, str]) -> str:
    """The text as people read it: ``names`` gives for a Slack user id the name that stands for ``<@...>``."""
    written: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        person = _PERSON.fullmatch(_parts(token[1])[0])
        meant = f"@{names[person[1]]}" if person and person[1] in names else _meaning(token[1], {})
        written += [_unescape(text[end : token.start()]), meant]
        end = token.end()
    return "".join([*written, _unescape(text[end:])]).strip()


def first_mentioned(text: str) -> str | None:
    """The Slack user whom the text begins with."""
    token = _TOKEN.match(text.lstrip())
    person = _PERSON.fullmatch(_parts(token[1])[0]) if token else None
    return person[1] if person else None


def without_mention(text: str, bot_user: str | None) -> str:
    """What was said to the bot: without its first mention, wherever that stands.

    Without a known ``bot_user`` the first mention of anybody is taken for the bot's.
    """
    for token in _TOKEN.finditer(text):
        person = _PERSON.fullmatch(_parts(token[1])[0])
        if person and bot_user in (None, person[1]):
            said = text[token.end() :].strip()
            return said or text[: token.start()].strip()
    return text.strip()


def _meaning(token: str, people: Mapping[str, str]) -> str:
    body, label = _parts(token)
    if body.startswith("@"):
        person = people.get(body[1:])
        return f"<@{person}>" if person else f"@{label or body[1:]}"
    if body.startswith("#"):
        return f"#{label or body[1:]}"
    if body.startswith("!"):
        return label or f"@{body[1:].partition('^')[0]}"
    return _link(_unescape(body), label)


def _link(address: str, label: str | None) -> str:
    bare = address
    for scheme in _WEB:
        bare = bare.removeprefix(scheme)
    if label is None:
        return bare if address.startswith(("mailto:", "tel:")) else address
    return label if label.rstrip("/") in (address.rstrip("/"), bare.rstrip("/")) else f"{label} ({address})"


def _parts(token: str) -> tuple[str, str | None]:
    body, _, label = token.partition("|")
    return body, _unescape(label) or None


def _unescape(text: str) -> str:
    # Slack escapes these three and nothing else, so other entities were typed by the person.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
