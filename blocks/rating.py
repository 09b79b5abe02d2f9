"""The question how it went, with the answers as buttons ``rate_1`` to ``rate_5``; afterwards, thanks."""

from __future__ import annotations

from blocks import rich
from blocks.actions import button
from blocks.rendered import Block, Rendered, rendered
from blocks.text import inert, plain, title
from core.i18n import Words
from core.views import RatingRequest

_SCORES = range(5, 0, -1)


def rating_request(view: RatingRequest, words: Words) -> Rendered:
    named = title(view.title)
    if view.score is not None:
        thanks = words.text("rating.thanks", id=view.ticket_id, score=view.score)
        return rendered(thanks, [{"type": "section", "text": plain(thanks)}])
    question: Block = rich.block(
        [
            rich.section([rich.leaf(words.text("rating.ask"), bold=True)]),
            rich.section([rich.leaf(words.text("rating.explain", id=view.ticket_id))]),
            rich.quote(named),
        ]
    )
    buttons = [
        button(
            f"rate_{score}",
            words.text(f"rating.{score}"),
            {"ticket": view.ticket_id, "score": score},
            spoken=words.text("card.heading", id=view.ticket_id),
        )
        for score in _SCORES
    ]
    summary = words.text("rating.summary", id=view.ticket_id, title=inert(named))
    return rendered(summary, [question, {"type": "actions", "elements": buttons}])
