"""The story of a ticket, oldest first. When it is too long for one message, the newest part of it."""

from __future__ import annotations

from datetime import datetime

from blocks import rich
from blocks.notice import news
from blocks.rendered import MESSAGE_ROOM, Block, Rendered, rendered, size
from blocks.text import inert, paragraph, plain, title
from core.i18n import Words
from core.views import Notice, Timeline

_BODY_LIMIT = 300
_RESERVED = 500


def timeline(view: Timeline, words: Words) -> Rendered:
    named = title(view.title)
    head: list[Block] = [
        {"type": "header", "text": plain(words.text("timeline.title", id=view.ticket_id), 150)},
        rich.block([rich.section([rich.leaf(named, bold=True)])]),
    ]
    summary = words.text("timeline.summary", id=view.ticket_id, title=inert(named))
    if not view.entries:
        return rendered(summary, [*head, {"type": "section", "text": plain(words.text("timeline.empty"))}])
    shown = _newest(view, words, MESSAGE_ROOM - size(head) - _RESERVED)
    left_out = len(view.entries) - len(shown)
    if left_out:
        told = words.text("timeline.earlier", n=words.number(left_out))
        head.append({"type": "context", "elements": [plain(told)]})
    return rendered(summary, [*head, rich.block(element for entry in shown for element in entry)])


def _newest(view: Timeline, words: Words, room: int) -> list[list[Block]]:
    shown: list[list[Block]] = []
    for at, entry in reversed(view.entries):
        made = _entry(at, entry, words)
        room -= size(made)
        if room < 0:
            break
        shown.append(made)
    return shown[::-1]


def _entry(at: datetime, entry: Notice, words: Words) -> list[Block]:
    """Rich text knows no date markup of mrkdwn's kind; the time is the reader's, with its zone."""
    elements = [rich.section([rich.leaf(words.moment(at), code=True), rich.leaf("  "), *news(entry, words)])]
    body = paragraph(entry.body or "", _BODY_LIMIT, lines=6)
    return [*elements, rich.quote(body)] if body else elements
