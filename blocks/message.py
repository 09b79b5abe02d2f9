"""A short answer to one person: done, or why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blocks import rich
from blocks.rendered import Rendered, rendered
from blocks.text import inert
from core.i18n import Words
from core.views import Message


def message(view: Message, words: Words) -> Rendered:
    said = rich.sentence(words, view.key, named(view.facts, words) if view.is_error else view.facts)
    shown = [rich.leaf("⚠️ "), *said] if view.is_error else said
    return rendered(inert(rich.spoken(said)), [rich.block([rich.section(shown)])])


def named(facts: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """The facts of a ``DeskError`` with verbs, fields, things and reasons as words instead of names of the program."""
    said = dict(facts)
    for name, prefix in (("verb", "verb"), ("field", "field"), ("what", "what")):
        if name in said:
            said[name] = _word(f"{prefix}.{said[name]}", words)
    if "legal" in said:
        said["legal"] = [_word(f"verb.{verb}", words) for verb in said["legal"]]
    if "why" in said and words.has(f"error.field.{said['why']}"):
        said["why"] = words.say(f"error.field.{said['why']}", facts, str)
    if "id" in said:
        said["id"] = str(said["id"])
    return said


def _word(key: str, words: Words) -> str:
    return words.text(key) if words.has(key) else key.partition(".")[2]
