"""Many new tickets in one message that is edited in place: the counts, and the newest with their buttons."""

from __future__ import annotations

from blocks import rich
from blocks.actions import button
from blocks.facts import web_address
from blocks.rendered import Block, Rendered, rendered
from blocks.text import inert, one_line, plain
from blocks.ticket_list import line
from core.i18n import Words
from core.views import Digest


def digest(view: Digest, words: Words) -> Rendered:
    heading = words.text("digest.heading", n=words.number(view.total))
    counted = [[rich.leaf(text)] for text in counts(view, words)]
    blocks: list[Block] = [
        {"type": "header", "text": plain(heading, 150)},
        rich.block([rich.section([rich.leaf(words.text("digest.explain"))]), rich.bullets(counted)]),
        *(line(ticket, words) for ticket in view.newest),
    ]
    hidden = view.total - len(view.newest)
    if hidden > 0:
        blocks.append({"type": "context", "elements": [plain(words.text("digest.more", n=words.number(hidden)))]})
    address = web_address(view.link)
    if address:
        opener = {**button("open_ticket", words.text("digest.open_list"), None), "url": address}
        blocks.append({"type": "actions", "elements": [opener]})
    return rendered(inert(heading), blocks)


def counts(view: Digest, words: Words) -> list[str]:
    """Lines: since when and how many are open, by priority, by system."""
    number = words.number
    lines = [words.text("digest.since", since=words.moment(view.since), open=number(view.open))]
    priorities = ", ".join(f"{words.name(priority)} {number(n)}" for priority, n in view.priorities)
    systems = ", ".join(f"{one_line(system, 80)} {number(n)}" for system, n in view.systems)
    if priorities:
        lines.append(words.text("digest.priorities", counts=priorities))
    if systems:
        lines.append(words.text("digest.systems", counts=systems))
    return lines
