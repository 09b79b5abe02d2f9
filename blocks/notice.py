"""News about a ticket: a line of its thread, or a message of its own that names the ticket and offers what to do."""

from __future__ import annotations

import re

from blocks import facts, rich
from blocks.actions import action_row
from blocks.rendered import Block, Rendered, rendered
from blocks.text import inert, one_line, paragraph, title
from core.i18n import Words
from core.views import Notice

_SLACK_USER = re.compile(r"[UW][A-Z0-9]{1,30}")
_MENTIONS_LIMIT = 20
_TEXT_LIMIT = 2500
_BODY_LIMIT = 1500


def notice(view: Notice, words: Words, *, in_thread: bool = False) -> Rendered:
    """``in_thread`` leaves out which ticket it is about: the card above says so, unless the notice answers another
    message.

    ``mention`` calls those that are Slack user ids (``U…``, ``W…``) and ignores every other name.
    """
    in_thread = in_thread and not view.answers
    elements = [rich.section([*_mentions(view), *news(view, words)])]
    body = paragraph(view.body or "", _BODY_LIMIT)
    if body:
        elements.append(rich.quote(body))
    if not in_thread:
        elements.append(rich.section(_about(view, words)))
    if view.redirected is not None:
        elements.append(rich.section([rich.leaf(redirected(view.redirected, words))]))
    link = None if in_thread else view.link
    row = action_row(view.ticket_id, view.version, view.actions, words, link=link, primary="expert_accept")
    return rendered(_summary(view, words, body), [rich.block(elements), *row])


def redirected(why: tuple[str, str], words: Words) -> str:
    """Why a message came here: the place that was meant, and the platform's word."""
    return words.text("notice.redirected", place=one_line(why[0], 100), why=one_line(why[1], 100))


def news(view: Notice, words: Words) -> list[Block]:
    """What happened, as leaves of rich text."""
    return [rich.leaf("🚨 "), *_said(view, words)] if view.urgent else _said(view, words)


def _said(view: Notice, words: Words) -> list[Block]:
    if view.text is not None:
        return [rich.leaf(paragraph(view.text, _TEXT_LIMIT) or title(view.title), bold=view.urgent)]
    return rich.sentence(words, view.key, view.facts, bold=view.urgent)


def _mentions(view: Notice) -> list[Block]:
    called = [name for name in dict.fromkeys(view.mention) if _SLACK_USER.fullmatch(name)][:_MENTIONS_LIMIT]
    return [leaf for name in called for leaf in (rich.user(name), rich.leaf(" "))]


def _about(view: Notice, words: Words) -> list[Block]:
    heading, address = words.text("card.heading", id=view.ticket_id), facts.web_address(view.link)
    parts = [rich.link(address, heading) if address else rich.leaf(heading)]
    if view.priority is not None:
        parts.append(rich.leaf(f" · {facts.priority(view.priority, words)}"))
    named = one_line(view.title, 250)
    return [*parts, rich.leaf(f" · {named}")] if named else parts


def _summary(view: Notice, words: Words, body: str) -> str:
    told = one_line(f"{rich.spoken(_said(view, words))} {body}", 2000)
    key = "notice.summary_urgent" if view.urgent else "notice.summary"
    return words.text(key, id=view.ticket_id, title=inert(title(view.title)), news=inert(told))
