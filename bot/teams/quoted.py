"""A message that somebody turns into a ticket: its text without HTML, who wrote it, where it stands.

https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/action-commands/define-action-command
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import msgspec

from bot.teams.incoming import Malformed
from core.commands import TEXT_LIMIT

_BREAKS = frozenset({"p", "div", "br", "li", "tr", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6"})
_UNSEEN = frozenset({"script", "style", "attachment"})
LINKS = ("https://teams.microsoft.com/", "https://teams.microsoft.us/", "https://gov.teams.microsoft.us/")


class QuotedMessage(msgspec.Struct, frozen=True):
    """``user`` is the Entra object id of the author, where there is one."""

    text: str
    author: str | None = None
    link: str | None = None
    id: str | None = None
    user: str | None = None


class _Body(msgspec.Struct, frozen=True):
    content: str | None = None


class _Somebody(msgspec.Struct, frozen=True, rename="camel"):
    id: str | None = None
    user_identity_type: str | None = None
    display_name: str | None = None


class _From(msgspec.Struct, frozen=True):
    user: _Somebody | None = None
    application: _Somebody | None = None


class _Payload(msgspec.Struct, frozen=True, rename="camel"):
    id: str | None = None
    body: _Body | None = None
    sender: _From | None = msgspec.field(name="from", default=None)
    link_to_message: str | None = None


def quoted(payload: Any) -> QuotedMessage:
    """``messagePayload`` of a message action. Raises Malformed."""
    try:
        message = msgspec.convert(payload, _Payload)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None
    sender = message.sender
    somebody = (sender.user or sender.application) if sender else None
    link = message.link_to_message
    return QuotedMessage(
        plain_text((message.body.content if message.body else None) or ""),
        somebody.display_name if somebody else None,
        link if link and link.startswith(LINKS) else None,
        message.id,
        _member(sender.user) if sender else None,
    )


def _member(somebody: _Somebody | None) -> str | None:
    """The Entra object id of a person of this or another tenant; guests without one, and bots, have none."""
    if somebody is None or somebody.user_identity_type not in (None, "aadUser"):
        return None
    return somebody.id


def plain_text(markup: str) -> str:
    """What a reader sees of a message's HTML, line by line, at most as long as a ticket's text may be."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.seen).replace("\xa0", " ").split("\n"))
    return "\n".join(line for line in lines if line)[:TEXT_LIMIT]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._hidden += 1
        elif tag in _BREAKS:
            self.seen.append("\n")
        elif tag in ("img", "emoji"):
            self.seen.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BREAKS:
            self.seen.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.seen.append(data)
