"""Conditions and texts of the configuration, compiled once and evaluated often.

A source that cannot be right is refused when it is compiled: ``ConditionError`` says where and what was probably meant.
What still goes wrong at run time (a text compared with a number) is a ``ConditionError`` too, with the rule's name.
"""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

from core.config.facts import Facts, ticket_facts
from core.config.grammar import Fault
from core.config.language import TEXT_LIMIT, Names, clipped
from core.config.parsing import RESULT, ConditionError, compiled_expression, compiled_text, expression, text

__all__ = ["Condition", "ConditionError", "Facts", "Fault", "Template", "ticket_facts"]


class Condition:
    """An expression that holds or does not: ``ticket.priority >= "high"``."""

    def __init__(self, source: str, rule: str = "") -> None:
        """Raises ``ConditionError``."""
        self.source, self.rule = source, rule
        tree = expression(source, rule)
        self._constant = bool(tree.value) if isinstance(tree, nodes.Const) else None
        self._template = compiled_expression(tree, rule) if self._constant is None else None

    def holds(self, facts: Facts) -> bool:
        """Raises ``ConditionError``."""
        if self._template is None:
            return bool(self._constant)
        try:
            context = Names(facts)
            for _ in self._template.root_render_func(context):
                pass
            return bool(context.vars[RESULT])
        except Exception as error:
            raise _failed(self.rule, error) from error


class Template:
    """A text with facts in it: ``#{{ ticket.id }}: {{ ticket.title }}``. What is filled in is never read as template
    or markup; the renderer of each platform escapes the whole."""

    def __init__(self, source: str, rule: str = "") -> None:
        """Raises ``ConditionError``."""
        self.source, self.rule = source, rule
        self._template = compiled_text(text(source, rule), rule)

    def render(self, facts: Facts) -> str:
        """At most 20,000 characters; longer is cut and ends in an ellipsis. Raises ``ConditionError``."""
        try:
            return clipped("".join(self._pieces(facts)))
        except Exception as error:
            raise _failed(self.rule, error) from error

    def _pieces(self, facts: Facts) -> Iterator[str]:
        length = 0
        for piece in self._template.root_render_func(Names(facts)):
            yield piece
            length += len(piece)
            if length > TEXT_LIMIT:
                return


def _failed(rule: str, error: Exception) -> ConditionError:
    """Python's words for a wrong operation hold no data; those for other errors may."""
    why = str(error) if isinstance(error, (TypeError, ZeroDivisionError)) else type(error).__name__
    return ConditionError(rule, (Fault("failed on this ticket", why),))
