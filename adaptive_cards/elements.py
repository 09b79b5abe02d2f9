"""The few elements of which all cards are made, and nothing else of Adaptive Cards 1.4.

Whatever is given here is text without markup; each element makes it safe in its own way (``adaptive_cards.text``), so
no caller can forget to. Own words that head something are ``TextBlock``; every running text is ``RichTextBlock``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from adaptive_cards.text import NOTHING, line, markdown, plain
from core.model import Priority, Severity

Element = dict[str, Any]

PRIORITY_COLORS = {
    Priority.LOW: "default",
    Priority.MEDIUM: "accent",
    Priority.HIGH: "warning",
    Priority.CRITICAL: "attention",
}
SEVERITY_COLORS = {
    Severity.INFO: "default",
    Severity.WARNING: "warning",
    Severity.HIGH: "warning",
    Severity.CRITICAL: "attention",
}


def heading(text: str, **style: Any) -> Element:
    """Own words above something; ``style`` as of ``TextBlock`` (size, color, spacing ...)."""
    return {"type": "TextBlock", "text": markdown(text), "wrap": True, "weight": "bolder", **style}


def run(text: str, **style: Any) -> Element:
    """A piece of a paragraph; ``style`` as of ``TextRun`` (weight, color, isSubtle, fontType ...)."""
    return {"type": "TextRun", "text": plain(text) or NOTHING, **style}


def paragraph(*pieces: str | Element, **style: Any) -> Element:
    """Text that shows as it is, whoever wrote it; ``style`` as of ``RichTextBlock`` (spacing, separator ...)."""
    return {
        "type": "RichTextBlock",
        "inlines": [run(piece) if isinstance(piece, str) else piece for piece in pieces],
        **style,
    }


def remark(text: str, **style: Any) -> Element:
    """A paragraph of lesser weight."""
    return paragraph(run(text, isSubtle=True, size="small"), **style)


def facts(pairs: Iterable[tuple[str, str]], **style: Any) -> Element:
    return {
        "type": "FactSet",
        "facts": [{"title": markdown(title), "value": markdown(value) or NOTHING} for title, value in pairs],
        **style,
    }


def container(items: Sequence[Element], **style: Any) -> Element:
    return {"type": "Container", "items": list(items), **style}


def columns(*cells: tuple[str, Sequence[Element]], **style: Any) -> Element:
    """Cells side by side, each its width (``stretch``, ``auto``) and its elements."""
    return {
        "type": "ColumnSet",
        "columns": [
            {"type": "Column", "width": width, "verticalContentAlignment": "center", "items": list(items)}
            for width, items in cells
        ],
        **style,
    }


def action_set(actions: Sequence[Element], **style: Any) -> Element:
    return {"type": "ActionSet", "actions": list(actions), **style}


def choice(title: str, value: str) -> Element:
    return {"title": plain(line(title, 100)) or NOTHING, "value": value}


def priority_mark(priority: Priority, word: str) -> Element:
    """The priority as a word; the colour only repeats it."""
    return run(word, weight="bolder", color=PRIORITY_COLORS[priority])
