"""What a source may be, found before anything runs: the constructs of the language, its names, and their kinds.

A walk over Jinja2's syntax tree that knows what each expression is as far as ``core.config.facts`` tells, and finds
names that do not exist, words that a fact can never be, and comparisons that could never hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec
from jinja2 import nodes

from core.config.facts import ANYTHING, FLAG, NAMES, NUMBER, TEXT, TEXTS, TIME, Kind
from core.config.language import FILTERS, FUNCTIONS, LOOP_PARTS, TESTS, TEXT_METHODS
from core.config.problems import suggestion

_LOOP = Kind("loop", dict.fromkeys(LOOP_PARTS, ANYTHING))
_ORDERING = frozenset(("lt", "lteq", "gt", "gteq"))
_NUMBERS = frozenset(("length", "count", "int", "float", "round", "abs", "wordcount"))
_TEXTS = frozenset(("lower", "upper", "title", "capitalize", "trim", "truncate", "string", "join"))
_PASSIVE = (nodes.Add, nodes.Concat, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Slice, nodes.CondExpr)
_FOREIGN: Mapping[type[nodes.Node], str] = {
    nodes.Pow: "**",
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.FromImport: "from",
    nodes.FilterBlock: "filter",
    nodes.CallBlock: "call",
    nodes.Scope: "autoescape",
}
_LOGIC = (nodes.And, nodes.Or, nodes.Not)
_ARITHMETIC = (nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a source. ``line`` and ``column`` count from 1."""

    message: str
    hint: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


def faults(tree: nodes.Node, source: str) -> list[Fault]:
    """Everything that is wrong with a parsed expression or text, in the order of reading."""
    walk = _Walk(source)
    walk.kind(tree)
    return walk.faults


class _Walk:
    def __init__(self, source: str) -> None:
        self.lines = source.split("\n")
        self.faults: list[Fault] = []
        self.names: list[Mapping[str, Kind]] = [NAMES]
        self.rules: Mapping[type[nodes.Node], Callable[..., Kind]] = {
            nodes.Template: self._body,
            nodes.Output: self._body,
            nodes.If: self._body,
            nodes.TemplateData: lambda node: TEXT,
            nodes.For: self._for,
            nodes.Name: self._name,
            nodes.Const: self._const,
            nodes.Getattr: lambda node: self._part(node, node.attr),
            nodes.Getitem: self._item,
            nodes.Call: self._call,
            nodes.Filter: self._filter,
            nodes.Test: self._test,
            nodes.Compare: self._compare,
            **dict.fromkeys(_PASSIVE, self._body),
            **dict.fromkeys(_ARITHMETIC, self._arithmetic),
            **dict.fromkeys(_LOGIC, self._logic),
        }

    def kind(self, node: nodes.Node) -> Kind:
        rule = self.rules.get(type(node))
        if rule is None:
            name = _FOREIGN.get(type(node), type(node).__name__.lower())
            self._fault(node, f"{name} is not part of the language", None, name)
            return ANYTHING
        return rule(node)

    def _fault(self, node: nodes.Node, message: str, hint: str | None = None, word: str = "") -> None:
        number = node.lineno or 1
        line = self.lines[number - 1]
        bound = r"(?<!\w){}(?!\w)" if word.isidentifier() else "{}"
        found = re.search(bound.format(re.escape(word)), line) if word else None
        self.faults.append(Fault(message, hint, number, found.start() + 1 if found else None))

    def _body(self, node: nodes.Node) -> Kind:
        for child in node.iter_child_nodes():
            self.kind(child)
        return ANYTHING

    def _logic(self, node: nodes.Node) -> Kind:
        self._body(node)
        return FLAG

    def _arithmetic(self, node: nodes.Node) -> Kind:
        kinds = [self.kind(child) for child in node.iter_child_nodes()]
        if any(kind is TEXT or kind.words or kind.shows for kind in kinds):
            self._fault(node, "only numbers can be calculated with", "texts are joined with ~")
        return ANYTHING

    def _for(self, node: nodes.For) -> Kind:
        if node.recursive or len(self.names) > 2:
            self._fault(node, "a loop can stand in one other loop, no deeper", word="for")
            return ANYTHING
        over = self.kind(node.iter)
        item = TEXT if over is TEXTS else ANYTHING
        targets = [node.target] if isinstance(node.target, nodes.Name) else list(node.target.find_all(nodes.Name))
        self.names.append({"loop": _LOOP, **{target.name: item for target in targets}})
        for child in [*([node.test] if node.test else []), *node.body]:
            self.kind(child)
        self.names.pop()
        for child in node.else_:
            self.kind(child)
        return ANYTHING

    def _name(self, node: nodes.Name) -> Kind:
        for names in reversed(self.names):
            if node.name in names:
                return names[node.name]
        if node.name in FUNCTIONS:
            self._fault(node, f"{node.name} is a function", f"write {node.name}(30)", node.name)
            return ANYTHING
        if node.name in _WORDS:
            hint: str | None = f'write "{node.name}" in quotes'
        else:
            hint = suggestion(node.name, [*(name for names in self.names for name in names), *FUNCTIONS])
        self._fault(node, f"unknown name {node.name}", hint, node.name)
        return ANYTHING

    def _const(self, node: nodes.Const) -> Kind:
        if isinstance(node.value, bool):
            return FLAG
        return TEXT if isinstance(node.value, str) else NUMBER if isinstance(node.value, (int, float)) else ANYTHING

    def _item(self, node: nodes.Getitem) -> Kind:
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            return self._part(node, node.arg.value)
        self.kind(node.arg)
        return TEXT if self.kind(node.node) in (TEXT, TEXTS) else ANYTHING

    def _part(self, node: nodes.Getattr | nodes.Getitem, name: str) -> Kind:
        of = self.kind(node.node)
        if of.parts is None:
            return ANYTHING
        if name in of.parts:
            return of.parts[name]
        if of.parts:
            self._fault(node, f"{of.name} has no {name}", suggestion(name, of.parts), name)
        elif name in TEXT_METHODS and (of is TEXT or of.words):
            self._fault(node, f"{name} is not called", f"write {name}()", name)
        elif of is not TEXT and not of.words:
            self._fault(node, f"a {of.name} has no {name}", None, name)
        else:
            self._fault(node, f"a text has no {name}", suggestion(name, TEXT_METHODS), name)
        return ANYTHING

    def _call(self, node: nodes.Call) -> Kind:
        self._arguments(node)
        callee = node.node
        if isinstance(callee, nodes.Name):
            if callee.name in FUNCTIONS:
                if len(node.args) + len(node.kwargs) != 1:
                    self._fault(node, f"{callee.name} takes one number", f"write {callee.name}(30)", callee.name)
                return NUMBER
            self._fault(node, f"unknown function {callee.name}", suggestion(callee.name, FUNCTIONS), callee.name)
        elif isinstance(callee, nodes.Getattr) and callee.attr in TEXT_METHODS:
            of = self.kind(callee.node)
            if of.parts is not None and of is not TEXT and not of.words:
                self._fault(node, f"a {of.name} has no {callee.attr}", None, callee.attr)
            return FLAG if callee.attr in ("startswith", "endswith") else TEXT
        else:
            word = callee.attr if isinstance(callee, nodes.Getattr) else ""
            self._fault(node, "only functions and methods of texts are called", f"known here: {_CALLABLE}", word)
        return ANYTHING

    def _filter(self, node: nodes.Filter) -> Kind:
        if node.node is not None:
            self.kind(node.node)
        self._arguments(node)
        if node.name not in FILTERS:
            self._fault(node, f"unknown filter {node.name}", suggestion(node.name, FILTERS), node.name)
        return NUMBER if node.name in _NUMBERS else TEXT if node.name in _TEXTS else ANYTHING

    def _test(self, node: nodes.Test) -> Kind:
        self.kind(node.node)
        self._arguments(node)
        if node.name not in TESTS:
            self._fault(node, f"unknown test {node.name}", suggestion(node.name, TESTS), node.name)
        return FLAG

    def _arguments(self, node: nodes.Call | nodes.Filter | nodes.Test) -> None:
        for argument in [*node.args, *(keyword.value for keyword in node.kwargs)]:
            self.kind(argument)
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self._fault(node, "* and ** are not part of the language")

    def _compare(self, node: nodes.Compare) -> Kind:
        left, left_kind = node.expr, self.kind(node.expr)
        for operand in node.ops:
            right, right_kind = operand.expr, self.kind(operand.expr)
            if operand.op in ("in", "notin"):
                for item in right.items if isinstance(right, (nodes.List, nodes.Tuple)) else []:
                    self._pair(left_kind, item, False)
            else:
                self._pair(left_kind, right, operand.op in _ORDERING)
                self._pair(right_kind, left, operand.op in _ORDERING)
                for kind in (left_kind, right_kind):
                    if kind.shows and operand.op in _ORDERING:
                        self._fault(node, f"{kind.name} has no order", f"name a part: {_parts(kind)}", kind.name)
            left, left_kind = right, right_kind
        return FLAG

    def _pair(self, kind: Kind, other: nodes.Expr, ordering: bool) -> None:
        """``kind`` beside a constant of the source that it can never fit."""
        if not isinstance(other, nodes.Const) or other.value is None:
            return
        value = other.value
        if kind.words:
            if ordering and not kind.ordered:
                self._fault(other, f"a {kind.name} has no order", "compare with == or in", str(value))
            elif value not in kind.words:
                hint = suggestion(str(value), kind.words)
                self._fault(other, f"{value} is not a {kind.name}", hint, str(value))
        elif kind is NUMBER and isinstance(value, str):
            self._fault(other, "a number is compared with a text", "write the number without quotes", value)
        elif kind is TEXT and ordering and not isinstance(value, str):
            self._fault(other, "a text is compared with a number", None, str(value))
        elif kind is FLAG and not isinstance(value, bool):
            self._fault(other, "true or false is compared with something else", "write true or false", str(value))
        elif kind is TIME:
            self._fault(other, "a time is compared with a constant", "compare two times, or time - time with hours(2)")
        elif kind.shows and not ordering:
            self._fault(other, f"a {kind.name} is compared with a constant", f"name a part: {_parts(kind)}", str(value))


def _words(kinds: Iterable[Kind]) -> frozenset[str]:
    found: set[str] = set()
    for kind in kinds:
        found.update(kind.words)
        found |= _words((kind.parts or {}).values())
    return frozenset(found)


def _parts(kind: Kind) -> str:
    return ", ".join(list(kind.parts or ())[:12])


_WORDS = _words(NAMES.values())
_CALLABLE = ", ".join((*FUNCTIONS, *TEXT_METHODS))
