"""Which names somebody may mean who has typed a part of one: beginnings first, then beginnings of words, then others.

Korean is compared letter by letter, so that a syllable that is still being typed fits (``겨`` and ``결ㅈ`` fit
``결제``), and so do the first consonants alone (``ㄱㅈ``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_FIRST_CONSONANTS = re.compile("[\u1100-\u1112]+")
_NOT_FIRST = re.compile("[^\u1100-\u1112]+")
_WORD_START = re.compile(r"[\s\-_./:]+")


def suggest(names: Iterable[str], typed: str, limit: int) -> list[str]:
    """At most ``limit`` of ``names`` that fit what was typed, best first; nothing typed fits them all, in order."""
    wanted = _letters(typed)
    if not wanted:
        return list(names)[:limit]
    ranked = [(rank, number, name) for number, name in enumerate(names) if (rank := _rank(name, wanted)) is not None]
    return [name for _, _, name in sorted(ranked)[:limit]]


def _rank(name: str, wanted: str) -> int | None:
    """0 for a beginning, 1 for the beginning of a word, 2 for a place within, 3 for first consonants."""
    letters = _letters(name)
    if letters.startswith(wanted):
        return 0
    if any(word.startswith(wanted) for word in _WORD_START.split(letters)):
        return 1
    if wanted in letters:
        return 2
    if _FIRST_CONSONANTS.fullmatch(wanted) and wanted in _NOT_FIRST.sub("", letters):
        return 3
    return None


def _letters(text: str) -> str:
    return unicodedata.normalize("NFKD", " ".join(text.split()).casefold())
