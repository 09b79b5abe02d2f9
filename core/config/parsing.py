"""Source text -> a checked syntax tree -> a compiled Jinja2 template, with the place of what cannot be read."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import TypeVar

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser
from jinja2.visitor import NodeTransformer

from core.config.grammar import Fault, faults
from core.config.language import FUNCTIONS, LANGUAGE, LOOP_FILTER, TEXT_LIMIT
from core.config.problems import suggestion

CONDITION_LIMIT = 2000

# The name under which an expression leaves its value in the context.
RESULT = "result"

_Tree = TypeVar("_Tree", nodes.Expr, nodes.Template)
_TAGS = ("if", "elif", "else", "endif", "for", "endfor", "raw")
_HINTS = {"=": "write == to compare", "&": "write and", "!": "write not", "|": "write or"}


class ConditionError(ValueError):
    """A condition or a text that cannot be used, or that failed. ``rule`` is the name it was given, or empty."""

    def __init__(self, rule: str, found: tuple[Fault, ...]) -> None:
        self.rule, self.faults = rule, found
        said = " / ".join(map(str, found))
        super().__init__(f"{rule}: {said}" if rule else said)


def expression(source: str, rule: str) -> nodes.Expr:
    """The tree of a condition. Raises ``ConditionError`` with everything wrong in it."""
    return _parse(source, rule, CONDITION_LIMIT, "variable", _whole_expression)


def text(source: str, rule: str) -> nodes.Template:
    """The tree of a text. Raises ``ConditionError`` with everything wrong in it."""
    return _parse(source, rule, TEXT_LIMIT, None, Parser.parse)


def compiled_expression(tree: nodes.Expr, rule: str) -> Template:
    """Running it leaves the value in its context as ``RESULT``. Raises ``ConditionError``."""
    return _compiled([nodes.Assign(nodes.Name(RESULT, "store"), tree, lineno=1)], rule)


def compiled_text(tree: nodes.Template, rule: str) -> Template:
    """Raises ``ConditionError``."""
    return _compiled(tree.body, rule)


class _Cursor:
    """The tokens of a source, and the place of the one that was read last."""

    def __init__(self, source: str, state: str | None) -> None:
        self.source, self.state = source, state
        self.start = self.end = 0

    def __iter__(self) -> Iterator[tuple[int, str, str]]:
        try:
            for token in LANGUAGE.lexer.tokeniter(self.source, None, None, self.state):
                found = self.source.find(token[2], self.end)
                self.start = self.end if found < 0 else found
                self.end = self.start + len(token[2])
                yield token
        except TemplateSyntaxError:
            self.start = self.end
            raise
        self.start = self.end

    def fault(self, error: TemplateSyntaxError) -> Fault:
        """What Jinja2 stumbled over, at the place where it stands."""
        left = self.source[self.start :].lstrip()
        at = len(self.source) - len(left)
        line, column = self.source.count("\n", 0, at) + 1, at - (self.source.rfind("\n", 0, at) + 1) + 1
        message, hint = _said(error.message or "", left)
        if self.state == "variable" and self.source.lstrip().startswith("{{"):
            hint = "a condition stands without {{ }}"
        return Fault(message, hint, line, column)


def _said(message: str, left: str) -> tuple[str, str | None]:
    tag = re.search(r"unknown tag '(\w+)'", message)
    if tag and tag[1] in _TAGS:
        return f"{tag[1]} has no beginning", None
    if tag:
        return f"unknown tag {tag[1]}", suggestion(tag[1], _TAGS)
    if "end of comment" in message:
        return "a comment has no end", "write #}"
    if not left or "nexpected end of template" in message:
        open_block = re.search(r"needs to be closed is '(\w+)'", message)
        return "it ends too early", f"write {{% end{open_block[1]} %}}" if open_block else None
    if left[0] in "\"'" and "unexpected char" in message:
        return "a quoted text has no end", "close the quotes"
    word = re.match(r"\w{1,30}|[^\w\s]{1,2}|.", left, re.DOTALL)
    return f"{word.group() if word else left[0]} is not expected here", _HINTS.get(left[0])


def _parse(source: str, rule: str, limit: int, state: str | None, read: Callable[[Parser], _Tree]) -> _Tree:
    if len(source) > limit:
        raise ConditionError(rule, (Fault(f"longer than {limit} characters"),))
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    cursor = _Cursor(source, state)
    parser = Parser(LANGUAGE, "")
    try:
        with warnings.catch_warnings(action="ignore"):
            parser.stream = TokenStream(LANGUAGE.lexer.wrap(iter(cursor)), None, None)
            tree = read(parser)
        found = faults(tree, source)
    except TemplateSyntaxError as error:
        raise ConditionError(rule, (cursor.fault(error),)) from error
    except RecursionError as error:
        raise ConditionError(rule, (Fault("nested too deeply"),)) from error
    except ValueError as error:
        raise ConditionError(rule, (Fault("a number has too many digits"),)) from error
    if found:
        raise ConditionError(rule, tuple(found))
    return tree


class _Rewriting(NodeTransformer):
    """Loops get their limit; ``minutes(30)`` becomes its value."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        node.iter = nodes.Filter(node.iter, LOOP_FILTER, [], [], None, None, lineno=node.lineno)
        return self.generic_visit(node)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        if isinstance(node.node, nodes.Name) and len(node.args) == 1 and isinstance(node.args[0], nodes.Const):
            number = node.args[0].value
            if isinstance(number, (int, float)) and not node.kwargs:
                return nodes.Const(FUNCTIONS[node.node.name](number), lineno=node.lineno)
        return self.generic_visit(node)


def _whole_expression(parser: Parser) -> nodes.Expr:
    tree = parser.parse_expression()
    if not parser.stream.eos:
        raise TemplateSyntaxError("more than one expression", parser.stream.current.lineno)
    return tree


def _compiled(body: list[nodes.Node], rule: str) -> Template:
    try:
        tree = nodes.Template(body, lineno=1)
        tree = _Rewriting().visit(tree)
        tree.set_environment(LANGUAGE)
        with warnings.catch_warnings(action="ignore"):
            return LANGUAGE.from_string(tree)
    except TemplateSyntaxError as error:
        raise ConditionError(rule, (Fault(str(error.message).rstrip("."), None, error.lineno),)) from error
    except (SyntaxError, RecursionError, MemoryError, ValueError, OverflowError) as error:
        raise ConditionError(rule, (Fault("nested too deeply"),)) from error
