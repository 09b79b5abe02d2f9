"""Who is on call, a line for each schedule."""

from __future__ import annotations

from blocks import rich
from blocks.rendered import Rendered, rendered
from blocks.text import inert
from core.i18n import Words
from core.views import OnCallList

_LIMIT = 40


def on_call(view: OnCallList, words: Words) -> Rendered:
    if not view.lines:
        said = rich.sentence(words, "oncall.none", {})
        return rendered(inert(rich.spoken(said)), [rich.block([rich.section(said)])])
    lines = [rich.sentence(words, line.key, line.facts) for line in view.lines[:_LIMIT]]
    head = rich.section([rich.leaf(words.text("home.on_call"), bold=True)])
    summary = "\n".join(rich.spoken(line) for line in lines)
    return rendered(inert(summary), [rich.block([head, *(rich.section(line) for line in lines)])])
