"""Notes that are posted below a card in their authors' own names, where Slack allows it.

https://docs.slack.dev/reference/methods/chat.postMessage#authorship: it needs chat:write.customize, and an edit keeps
what was set.
"""

from __future__ import annotations

from msgspec.structs import replace

from blocks.text import one_line
from core.ports import Outbound
from core.views import Notice, View

_NAME_LIMIT = 80


def signature(message: Outbound) -> dict[str, str]:
    """The arguments that name the author of a note below a card; none for everything else."""
    author, view = message.author, message.view
    if author is None or message.thread is None or not isinstance(view, Notice) or not view.body or view.text:
        return {}
    name = one_line(author.name, _NAME_LIMIT)
    if not name:
        return {}
    if author.origin == "teams":
        name = message.words.text("slack.author_teams", name=name)
    return {"username": name, **({"icon_url": author.picture} if author.picture else {})}


def said_by_author(view: View) -> View:
    """What the author wrote, and no more: the name stands above it."""
    if isinstance(view, Notice) and view.body and not view.text:
        return replace(view, text=view.body, body=None)
    return view
