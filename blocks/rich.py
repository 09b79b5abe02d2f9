"""Rich text: leaves in which Slack parses nothing, so that user text stays text."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from string import Formatter
from typing import Any

from blocks.rendered import Block
from blocks.text import one_line
from core.i18n import Words
from core.model import PersonRef

_FACT_LIMIT = 300


def leaf(text: str, *, bold: bool = False, code: bool = False) -> Block:
    style = {name: True for name, on in (("bold", bold), ("code", code)) if on}
    return {"type": "text", "text": text, "style": style} if style else {"type": "text", "text": text}


def link(url: str, text: str, *, bold: bool = False) -> Block:
    shown: Block = {"type": "link", "url": url, "text": text}
    return {**shown, "style": {"bold": True}} if bold else shown


def user(user_id: str) -> Block:
    return {"type": "user", "user_id": user_id}


def section(leaves: Iterable[Block]) -> Block:
    return {"type": "rich_text_section", "elements": list(leaves)}


def quote(text: str) -> Block:
    return {"type": "rich_text_quote", "elements": [leaf(text)]}


def bullets(items: Iterable[list[Block]]) -> Block:
    return {"type": "rich_text_list", "style": "bullet", "elements": [section(item) for item in items]}


def block(elements: Iterable[Block]) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def sentence(
    words: Words, key: str, facts: Mapping[str, Any], *, bold: bool = False, code: Container[str] = ()
) -> list[Block]:
    """The text of ``key`` as leaves, each fact a leaf of its own: people bold, those named in ``code`` as code.

    Raises KeyError for an unknown key and for a fact that the text names and ``facts`` lacks.
    """
    leaves: list[Block] = []
    for literal, name, _, _ in Formatter().parse(words.text(key)):
        if literal:
            leaves.append(leaf(literal, bold=bold))
        if name:
            said = one_line(words.fact(name, facts[name], str), _FACT_LIMIT) or "–"
            leaves.append(leaf(said, bold=bold or isinstance(facts[name], PersonRef), code=name in code))
    return leaves


def spoken(leaves: Iterable[Block]) -> str:
    """The leaves as one plain text."""
    return "".join(str(each["text"]) for each in leaves if "text" in each)
