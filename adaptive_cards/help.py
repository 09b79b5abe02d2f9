"""What the bot understands, and what was probably meant."""

from __future__ import annotations

from adaptive_cards.card import Rendered, rendered
from adaptive_cards.elements import Element, paragraph, remark, run
from adaptive_cards.text import Room, line
from core.i18n import Words
from core.views import Help, HelpEntry

ENTRIES = 40


def render(view: Help, words: Words) -> Rendered:
    wrong = _wrong(view, words)
    return rendered(wrong or words.text("help.title"), lambda room: _body(view, words, room, wrong))


def _wrong(view: Help, words: Words) -> str | None:
    if view.wrong is None:
        return None
    said = line(view.wrong, 60)
    if view.nearest is None:
        return words.text("help.unknown_only", wrong=said)
    return words.text("help.unknown", wrong=said, nearest=line(view.nearest, 60))


def _body(view: Help, words: Words, room: Room, wrong: str | None) -> list[Element]:
    body = [paragraph(run(wrong, weight="bolder"))] if wrong else []
    body.append(paragraph(run(words.text("help.title"), size="large", weight="bolder")))
    body.append(paragraph(words.text("help.intro", command=room.line(view.command, 60))))
    shown = view.entries[: room.rows(ENTRIES)]
    for entry in shown:
        body += _entry(entry, words, room)
    hidden = len(view.entries) - len(shown)
    if hidden:
        body.append(remark(words.text("teams.more_rows", n=words.number(hidden))))
    return body


def _entry(entry: HelpEntry, words: Words, room: Room) -> list[Element]:
    return [
        paragraph(run(room.line(entry.usage, 120), fontType="monospace", weight="bolder")),
        remark(words.text(entry.help_key), spacing="none"),
    ]
