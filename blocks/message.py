"""A short answer to one person: done, or why not."""

from __future__ import annotations

from blocks import rich
from blocks.rendered import Rendered, rendered
from blocks.text import inert
from core.i18n import Words
from core.views import Message


def message(view: Message, words: Words) -> Rendered:
    said = rich.sentence(words, view.key, words.refusal(view.facts) if view.is_error else view.facts)
    shown = [rich.leaf("⚠️ "), *said] if view.is_error else said
    return rendered(inert(rich.spoken(said)), [rich.block([rich.section(shown)])])
