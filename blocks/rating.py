"""The question how it went, with the answers as buttons ``rate_1`` to ``rate_5``; afterwards, thanks.

Below the thanks stands what was said, or the button ``rate`` that opens the form with the score and a comment.
"""

from __future__ import annotations

from blocks import rich
from blocks.actions import button
from blocks.notice import redirected
from blocks.rendered import Block, Rendered, rendered
from blocks.text import inert, paragraph, plain, title
from core.i18n import Words
from core.views import RatingRequest

_SCORES = range(5, 0, -1)
_COMMENT_LIMIT = 1500


def rating_request(view: RatingRequest, words: Words) -> Rendered:
    named = title(view.title)
    if view.score is not None:
        thanks = words.text("rating.thanks", id=view.ticket_id, score=view.score)
        return rendered(thanks, [{"type": "section", "text": plain(thanks)}, *_comment(view, words)])
    question: Block = rich.block(
        [
            rich.section([rich.leaf(words.text("rating.ask"), bold=True)]),
            rich.section([rich.leaf(words.text("rating.explain", id=view.ticket_id))]),
            rich.quote(named),
            *([rich.section([rich.leaf(redirected(view.redirected, words))])] if view.redirected else []),
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


def _comment(view: RatingRequest, words: Words) -> list[Block]:
    said = paragraph(view.comment or "", _COMMENT_LIMIT)
    if said:
        return [rich.block([rich.quote(said)])]
    spoken = words.text("card.heading", id=view.ticket_id)
    ask = button("rate", words.text("rating.add_comment"), {"ticket": view.ticket_id}, spoken=spoken)
    return [{"type": "actions", "elements": [ask]}]
