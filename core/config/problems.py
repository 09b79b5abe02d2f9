"""What is wrong with a configuration: where, what, and how to mend it.

A problem never repeats a value of the file, since any value may be a secret in the wrong place; it names keys, words
that would be right, and names that one part of the file gives and another uses.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from typing import Literal

import msgspec

# Where a value stands: keys of maps and indices of lists, from the top.
Path = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


class ConfigProblem(msgspec.Struct, frozen=True):
    """``line`` counts from 1; ``key`` is a key path, the name of a variable, or empty for the file itself."""

    file: str | None
    line: int | None
    key: str
    message: str
    hint: str | None = None
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        said = f"{self.message}; {self.hint}" if self.hint else self.message
        level = "warning" if self.level == "warning" else None
        return ": ".join(part for part in (place, level, self.key, said) if part)


class ConfigError(ValueError):
    """The configuration cannot be used. ``problems`` are all that were found, in the order of the file."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = in_file_order(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def in_file_order(problems: Iterable[ConfigProblem]) -> list[ConfigProblem]:
    """Those with a line first, by line; the others as they came."""
    return sorted(problems, key=lambda problem: problem.line or 1 << 30)


def key_path(path: Path) -> str:
    """``("sla", "targets", 0, "calendar")`` -> ``sla.targets[0].calendar``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step if len(step) <= 64 else step[:63] + '…')}]"
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that was probably meant by ``word``."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word[:64].lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """``did you mean resolution?``, or the known names where none is near and they are few."""
    names = list(known)
    meant = nearest(word, names)
    if meant is not None:
        return f"did you mean {meant}?"
    if 0 < len(names) <= 12:
        return f"known here: {', '.join(names)}"
    return None
