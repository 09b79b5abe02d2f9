"""The App Home: several lists of tickets below each other, for one person."""

from __future__ import annotations

from collections.abc import Sequence

from blocks import ticket_list
from blocks.actions import button
from blocks.rendered import Block
from blocks.text import plain
from core.i18n import Words
from core.views import TicketList

_BLOCKS_IN_HOME = 96
_CHARACTERS_IN_HOME = 60_000


def home(parts: Sequence[tuple[str, TicketList]], words: Words) -> Block:
    """A view of type home; each part is the key of its heading (``list.mine``) and its tickets.

    Slack takes 100 blocks and 250 KB in a view; each part gets its share.
    """
    new = button("create", words.text("action.create"), {})
    blocks: list[Block] = [{"type": "actions", "elements": [{**new, "style": "primary"}]}]
    share = max(len(parts), 1)
    for heading, page in parts:
        blocks.append({"type": "header", "text": plain(words.text(heading), 150)})
        room, count = _CHARACTERS_IN_HOME // share, (_BLOCKS_IN_HOME - 2) // share - 2
        shown = ticket_list.lines(page, words, room, count)
        empty: Block = {"type": "context", "elements": [plain(words.text("list.empty"))]}
        blocks += shown or [empty]
    return {"type": "home", "blocks": blocks}
