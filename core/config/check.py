"""Is this configuration what its author meant? Everything that can be found without opening a connection.

``load`` has seen to it that each key has a value of its type; here the parts are held against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from core.config.checks import Finding, directory, doors, oncall, promises, sources, telling
from core.config.document import Lines
from core.config.load import ENVIRONMENT
from core.config.problems import ConfigProblem, Path, in_file_order
from core.config.schema import schema
from core.config.settings import Settings

__all__ = ["check", "schema"]

_CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    doors.links,
    doors.tokens,
    doors.slack,
    doors.workspaces,
    doors.commands,
    doors.microsoft,
    directory.people,
    directory.teams,
    oncall.schedules,
    oncall.experts,
    directory.systems,
    directory.customers,
    directory.desk,
    directory.access,
    promises.calendars,
    promises.targets,
    sources.sources,
    telling.audiences,
    telling.rules,
    telling.templates,
)


def check(
    settings: Settings, lines: Lines | None = None, variables: Mapping[Path, str] | None = None
) -> list[ConfigProblem]:
    """Errors and warnings, in the order of the file.

    ``lines`` and ``variables`` as ``load_with_lines`` gives them; without them problems have no line.
    """
    lines, variables = lines or Lines(), variables or {}
    found = (_problem(finding, lines, variables) for find in _CHECKS for finding in find(settings))
    return in_file_order(dict.fromkeys(found))


def _problem(finding: Finding, lines: Lines, variables: Mapping[Path, str]) -> ConfigProblem:
    if finding.path in variables:
        name = variables[finding.path]
        return ConfigProblem(ENVIRONMENT, None, name, finding.message, finding.hint, finding.level)
    if finding.path in lines.filled:
        return lines.problem(finding.path, "not acceptable with what the environment gives", level=finding.level)
    return lines.problem(finding.path, finding.message, finding.hint, finding.level)
