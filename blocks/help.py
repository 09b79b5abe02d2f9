"""What can be asked for: one line per command, and what was probably meant by a wrong word."""

from __future__ import annotations

from blocks import rich
from blocks.rendered import Block, Rendered, rendered
from blocks.text import inert, one_line, plain
from core.i18n import Words
from core.views import Help

_ENTRIES_LIMIT = 24
_USAGE_LIMIT = 60


def help_page(view: Help, words: Words) -> Rendered:
    heading = words.text("help.title")
    blocks: list[Block] = []
    summary = [heading]
    if view.wrong is not None:
        told = _unknown(view.wrong, view.nearest, words)
        blocks.append(rich.block([rich.section([rich.leaf(told)])]))
        summary.insert(0, told)
    blocks.append({"type": "header", "text": plain(heading, 150)})
    intro = rich.section(rich.sentence(words, "help.intro", {"command": view.command}, code=("command",)))
    blocks.append(rich.block([intro, *_entries(view, words)]))
    return rendered(inert(" ".join(summary)), blocks)


def _unknown(wrong: str, nearest: str | None, words: Words) -> str:
    word = one_line(wrong, 80) or "–"
    if nearest is None:
        return words.text("help.unknown_only", wrong=word)
    return words.text("help.unknown", wrong=word, nearest=one_line(nearest, 80) or "–")


def _entries(view: Help, words: Words) -> list[Block]:
    items = [
        [rich.leaf(one_line(entry.usage, _USAGE_LIMIT) or "–", code=True), rich.leaf(f"  {words.text(entry.help_key)}")]
        for entry in view.entries[:_ENTRIES_LIMIT]
    ]
    return [rich.bullets(items)] if items else []
