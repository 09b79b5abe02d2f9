"""User text on its way into a card: cleaned, clipped, and unable to format, link or expand.

Where text can go decides how it is made safe:

* ``RichTextBlock`` and choices know no Markdown, so text stands there as it is. All running text goes there: clients
  disagree about backslashes (Teams on a phone has shown them, https://github.com/microsoft/AdaptiveCards/issues/5590).
* ``TextBlock`` and ``Fact`` are Markdown. ``markdown`` escapes what would act there, and nothing else, so that a name
  like ``db-01.example`` or a date like ``2026. 11. 23.`` looks right even where backslashes are shown.
* ``{{DATE(...)}}`` and ``{{TIME(...)}}`` are expanded in both; ``plain`` and ``markdown`` break the double brace.

Limits are UTF-16 code units: the wire takes at most 6 bytes for each, as the Bot Framework sends ``\\uXXXX``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import msgspec

from core.i18n import Words

NOTHING = "—"
ELLIPSIS = "…"

_NEWLINES = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"\n\s*\n\s*")
# Invisible, but not of the category "Cf": joiners, Hangul fillers, Khmer and Mongolian separators, tags.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\U000e0000-\U000e0fff]")
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})

_ACTIVE = re.compile(
    r"""
      \\ (?= [!-/:-@\[-`{-~] | $ )      # a backslash that would escape something
    | [`*\[\]<~]                        # code, emphasis, links, HTML, strikethrough
    | (?<! [^\W_] ) _ | _ (?! [^\W_] )  # an underscore at the edge of a word
    | (?<= \] ) \(                      # the target of a link
    | (?<= [{$] ) \{                    # {{DATE(...)}} and ${...}
    | & (?= \#? \w+ ; )                 # an HTML entity
    | ^ >                               # a quotation
    | ^ \# (?= \#{0,5} (?: [ ] | $ ) )  # a heading
    | ^ [+-] (?= -* $ )                 # an empty list, a rule
    """,
    re.VERBOSE,
)
_LIST = re.compile(r"^([+-]|\d+[.)]) ")
_EMPTY_LIST = re.compile(r"^(\d+)([.)])$")


def clean(text: str) -> str:
    """``text`` without control, bidirectional, zero-width and broken characters; line ends are ``\\n``."""
    text = _INVISIBLE.sub("", _NEWLINES.sub("\n", text)).replace("\t", " ")
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in _UNSEEN_CATEGORIES)


def clip(text: str, limit: int) -> str:
    """``text`` of at most ``limit`` UTF-16 code units, ending in an ellipsis if something was cut."""
    units = len(text.encode("utf-16-le", "replace")) // 2
    if units <= limit:
        return text
    kept: list[str] = []
    left = limit - 1
    for character in text:
        left -= 2 if ord(character) > 0xFFFF else 1
        if left < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + ELLIPSIS


def line(text: str, limit: int) -> str:
    """Clean text on one line; runs of white space become one space."""
    return clip(" ".join(clean(text[: 8 * limit]).split()), limit)


def block(text: str, limit: int, *, lines: int = 30) -> str:
    """Clean text that keeps its lines, at most ``lines`` of them and never two blank ones in a row."""
    rows = _BLANK_LINES.sub("\n\n", clean(text[: 8 * limit]).strip()).split("\n")
    whole = "\n".join(row.rstrip() for row in rows[:lines])
    return clip(whole if len(rows) <= lines else f"{whole}\n{ELLIPSIS}", limit)


def plain(text: str) -> str:
    """For elements without Markdown: nothing expands. The thin spaces of dates become plain ones."""
    return re.sub(r"(?<=\{)(?=\{)", " ", text.replace("\N{NARROW NO-BREAK SPACE}", " "))


def markdown(text: str) -> str:
    """For ``TextBlock`` and ``Fact``: one line of text that shows literally."""
    escaped = _ACTIVE.sub(lambda match: "\\" + match[0], " ".join(text.split()))
    return _EMPTY_LIST.sub(r"\1\\\2", _LIST.sub("\\1\N{NO-BREAK SPACE}", escaped))


def capital(word: str) -> str:
    """A word of the catalogue that stands alone: ``high`` -> ``High``."""
    return word[:1].upper() + word[1:]


class Room(msgspec.Struct, frozen=True):
    """How much of every limit a card may use, in (0, 1]; less than 1 only for a card that would grow too large."""

    share: float = 1.0

    def line(self, text: str, limit: int) -> str:
        return line(text, max(8, int(limit * self.share)))

    def block(self, text: str, limit: int) -> str:
        return block(text, max(8, int(limit * self.share)), lines=max(2, int(30 * self.share)))

    def rows(self, count: int) -> int:
        return max(1, int(count * self.share))

    def say(self, words: Words, key: str, facts: Mapping[str, Any], *, limit: int = 600) -> str:
        """The catalogue's sentence with its facts, each of at most 250 units, as text without markup."""
        told = {name: str(value) if name == "id" else value for name, value in facts.items()}
        return self.line(words.say(key, told, lambda text: self.line(text, 250)), limit)
