"""The text of a configuration file -> plain values, and the line of each.

YAML is read for its structure alone: maps, lists, and scalars that stay text until ``Settings`` knows what each key
wants. So ``on`` is a key and ``NO`` a country, as in YAML 1.2. Tags, merge keys and second documents are refused, keys
that stand twice too; aliases are followed as far as a file by a human hand would need.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NoReturn

import msgspec
import yaml

from core.config.problems import ConfigError, ConfigProblem, Path, key_path

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_REPEATS = 10_000

Value = str | list["Value"] | dict[str, "Value"] | None

_VARIABLE = re.compile(r"(\$?)\$\{([^}\n]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EMPTY = frozenset(("", "~", "null", "Null", "NULL"))
_SCALAR_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null"))
_STRUCTURE_TAGS = frozenset(("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"))


class Lines(msgspec.Struct, frozen=True):
    """Where the values of a file stand, and which of them hold something of the environment, not to be repeated."""

    file: str | None = None
    places: Mapping[Path, int] = {}
    filled: frozenset[Path] = frozenset()

    def at(self, path: Path) -> int | None:
        """The line of the value, or of what holds it; None when the file says nothing of it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return None

    def problem(
        self, path: Path, message: str, hint: str | None = None, level: Literal["error", "warning"] = "error"
    ) -> ConfigProblem:
        line = self.at(path)
        return ConfigProblem(self.file if line else None, line, key_path(path), message, hint, level)


class Document(msgspec.Struct, frozen=True):
    """The values of a file and what is wrong with its text. The values at the paths ``unread`` are None."""

    values: dict[str, Value]
    lines: Lines
    problems: tuple[ConfigProblem, ...] = ()
    unread: frozenset[Path] = frozenset()


def parse(file: str, raw: bytes, environ: Mapping[str, str]) -> Document:
    """Raises ``ConfigError`` when the text cannot be read at all; an empty text is an empty map."""
    if len(raw) > MAX_BYTES:
        _refuse(file, None, f"larger than {MAX_BYTES // 1024} KiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(file, raw[: error.start].count(b"\n") + 1, "not UTF-8", "save the file as UTF-8")
    root = _compose(file, text)
    if root is None:
        return Document({}, Lines(file))
    reader = _Reader(file, environ)
    values = reader.value(root, (), 0)
    if values is not None and not isinstance(values, dict):
        _refuse(file, _line(root), "the file must be a map of keys", "write key: value")
    return Document(
        values or {},
        Lines(file, reader.places, frozenset(reader.filled)),
        tuple(reader.problems),
        frozenset(reader.unread),
    )


class _Loader(yaml.SafeLoader):
    """Every scalar is text."""

    yaml_implicit_resolvers = {}  # noqa: RUF012


class _Reader:
    def __init__(self, file: str, environ: Mapping[str, str]) -> None:
        self.file, self.environ = file, environ
        self.problems: list[ConfigProblem] = []
        self.places: dict[Path, int] = {}
        self.unread: set[Path] = set()
        self.filled: set[Path] = set()
        self._seen: set[int] = set()
        self._repeats = 0

    def value(self, node: yaml.Node, path: Path, depth: int) -> Value:
        self._bound(node, depth)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in _STRUCTURE_TAGS:
            self._add(node, path, "tags (!name) are not known here")
            return None
        if isinstance(node, yaml.SequenceNode):
            return self._list(node, path, depth)
        return self._map(node, path, depth)

    def _bound(self, node: yaml.Node, depth: int) -> None:
        if depth > MAX_DEPTH:
            _refuse(self.file, _line(node), f"nested deeper than {MAX_DEPTH} levels")
        self._repeats += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeats > MAX_REPEATS:
            _refuse(self.file, _line(node), f"aliases repeat more than {MAX_REPEATS} values")

    def _list(self, node: yaml.SequenceNode, path: Path, depth: int) -> Value:
        items: list[Value] = []
        for index, item in enumerate(node.value):
            self.places[(*path, index)] = _line(item)
            items.append(self.value(item, (*path, index), depth + 1))
        return items

    def _map(self, node: yaml.Node, path: Path, depth: int) -> Value:
        entries: dict[str, Value] = {}
        for key_node, item in node.value:
            key = self._key(key_node, path, entries)
            if key is not None:
                self.places[(*path, key)] = _line(key_node)
                entries[key] = self.value(item, (*path, key), depth + 1)
        return entries

    def _key(self, node: yaml.Node, path: Path, entries: Mapping[str, Value]) -> str | None:
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _SCALAR_TAGS or has_surrogates(node.value):
            self._add(node, path, "a key must be plain text", read=True)
            return None
        if node.value == "<<" and node.style is None:
            self._add(node, path, "merge keys (<<) are not known here", "repeat the keys", read=True)
            return None
        key = str(node.value)
        if key in entries:
            first = self.places[(*path, key)]
            self._add(node, (*path, key), f"the key stands twice, first in line {first}", read=True)
            return None
        return key

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> str | None:
        if node.tag not in _SCALAR_TAGS:
            self._add(node, path, "tags (!name) are not known here")
            return None
        if node.style is None and node.value in _EMPTY:
            return None
        text = _VARIABLE.sub(lambda match: self._variable(match, node, path), node.value)
        if has_surrogates(text):
            self._add(node, path, "not valid Unicode")
        return None if path in self.unread else text

    def _variable(self, match: re.Match[str], node: yaml.Node, path: Path) -> str:
        escape, name = match.groups()
        if escape:
            return match.group()[1:]
        value = self.environ.get(name, "")
        self.filled.add(path)
        if not _NAME.fullmatch(name):
            self._add(node, path, "${...} must hold the name of an environment variable", "write $${ for the text ${")
        elif not value.strip():
            self._add(node, path, f"the environment variable {name} is not set", "write $${ for the text ${")
        return value

    def _add(self, node: yaml.Node, path: Path, message: str, hint: str | None = None, read: bool = False) -> None:
        self.problems.append(ConfigProblem(self.file, _line(node), key_path(path), message, hint))
        if not read:
            self.unread.add(path)


def _compose(file: str, text: str) -> yaml.Node | None:
    loader = _loader(file, text)
    try:
        node: yaml.Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        line, message, hint = _translated(error, text)
        _refuse(file, line, message, hint)
    except RecursionError:
        _refuse(file, None, f"nested deeper than {MAX_DEPTH} levels")
    except (ValueError, OverflowError, yaml.YAMLError):
        _refuse(file, loader.line + 1, "not valid YAML")
    finally:
        loader.dispose()
    return node


def _loader(file: str, text: str) -> _Loader:
    try:
        return _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        _refuse(file, line, "a control character stands in the text", "remove it")


def _translated(error: yaml.MarkedYAMLError, text: str) -> tuple[int | None, str, str | None]:
    """Line, message and hint, without the words of the file that PyYAML quotes."""
    problem, mark = error.problem or "", error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    if "end of stream" in problem and error.context_mark:
        return error.context_mark.line + 1, "a quoted text has no end", "close the quotes"
    if "another document" in problem:
        return line, "a second document begins here", "keep everything in one"
    if "undefined alias" in problem:
        return line, "an alias (*name) without its anchor (&name)", "put a text that begins with * in quotes"
    if "duplicate anchor" in problem:
        return line, "the anchor (&name) stands twice", "put a text that begins with & in quotes"
    if "mapping values are not allowed" in problem:
        return line, "a colon that YAML does not expect here", "check the indentation, or put the text in quotes"
    if "cannot start any token" in problem and mark:
        if text[mark.index : mark.index + 1] == "\t":
            return line, "a tab stands where only spaces may", "indent with spaces"
        return line, "a character that cannot begin a text", "put the text in quotes"
    if "<stream end>" in problem:
        return line, "the file ends where something is still open", "close the brackets"
    if "expected ',' or" in problem and mark and "${" in _line_of(text, mark.index):
        return line, "not valid YAML", "put a text with ${...} in quotes when it stands between brackets"
    if "expected ',' or" in problem or "expected <block end>" in problem:
        return line, "not valid YAML", "check the indentation, and brackets and quotes that were not closed"
    return line, "not valid YAML", "check the indentation and the quotes"


def _line_of(text: str, index: int) -> str:
    return text[text.rfind("\n", 0, index) + 1 :].partition("\n")[0]


def has_surrogates(text: str) -> bool:
    """Half characters, which no UTF-8 can hold."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _refuse(file: str, line: int | None, message: str, hint: str | None = None) -> NoReturn:
    raise ConfigError((ConfigProblem(file, line, "", message, hint),))
