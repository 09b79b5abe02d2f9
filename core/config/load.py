"""One YAML file and the environment -> ``Settings``, or everything that is wrong with them.

Order of precedence: environment variables, the file, the defaults of ``Settings``. An empty variable counts as unset.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

import msgspec
from pydantic import ValidationError

from core.config.document import MAX_BYTES, Document, Lines, has_surrogates, parse
from core.config.problems import ConfigError, ConfigProblem, Path
from core.config.sentences import sentence
from core.config.settings import Settings

__all__ = ["VARIABLES", "ConfigError", "ConfigProblem", "Loaded", "build", "load", "load_with_lines"]

DEFAULT_FILE = "deskbell.yaml"

# What a problem of an environment variable gives as its file.
ENVIRONMENT = "environment"

VARIABLES: Mapping[str, Path] = {
    "DESKBELL_DATABASE_URL": ("database", "url"),
    "DESKBELL_API_TOKEN": ("api_token",),
    "DESKBELL_WEBHOOK_TOKEN": ("webhook_token",),
    "DESKBELL_SECRET_KEY": ("secret_key",),
    "DESKBELL_BASE_URL": ("base_url",),
    "DESKBELL_LOG": ("log",),
    "SLACK_BOT_TOKEN": ("slack", "bot_token"),
    "SLACK_SIGNING_SECRET": ("slack", "signing_secret"),
    "SLACK_APP_TOKEN": ("slack", "app_token"),
    "SLACK_CLIENT_ID": ("slack", "client_id"),
    "SLACK_CLIENT_SECRET": ("slack", "client_secret"),
    "SLACK_API_URL": ("slack", "api_url"),
    "MICROSOFT_APP_ID": ("msteams", "app_id"),
    "MICROSOFT_APP_PASSWORD": ("msteams", "app_password"),
    "MICROSOFT_APP_CERTIFICATE": ("msteams", "app_certificate"),
    "MICROSOFT_APP_TYPE": ("msteams", "app_type"),
    "MICROSOFT_APP_TENANT_ID": ("msteams", "tenant_id"),
}


class Loaded(msgspec.Struct, frozen=True):
    """``lines`` says where in the file each key stands; ``variables`` which keys came from the environment."""

    settings: Settings
    lines: Lines
    variables: Mapping[Path, str]


def load(path: FilePath | None, environ: Mapping[str, str]) -> Settings:
    """The settings of ``path`` (None: ./deskbell.yaml, or no file at all where there is none) and the environment.

    Raises ``ConfigError`` with every problem found.
    """
    return load_with_lines(path, environ).settings


def load_with_lines(path: FilePath | None, environ: Mapping[str, str]) -> Loaded:
    """As ``load``, for ``check``, which says in which line a problem is."""
    if path is None:
        path = FilePath(DEFAULT_FILE)
        if not path.exists():
            return build("", b"", environ)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError((ConfigProblem(str(path), None, "", "cannot be read", error.strerror),)) from error
    return build(str(path), raw, environ)


def build(file: str, raw: bytes, environ: Mapping[str, str]) -> Loaded:
    """The pure part of ``load``: the text of ``file`` (shown in problems) and the environment."""
    document = parse(file, raw, environ)
    values: dict[str, Any] = dict(document.values)
    variables: dict[Path, str] = {}
    for name, path in VARIABLES.items():
        value = environ.get(name, "").strip()
        if value and _put(values, path, value):
            variables[path] = name
    problems = [*document.problems, *_not_unicode(variables, environ)]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += _problems(error, document, variables)
    else:
        if not problems:
            return Loaded(settings, document.lines, variables)
    raise ConfigError(problems)


def _put(values: dict[str, Any], path: Path, value: str) -> bool:
    """Sets the value at ``path`` unless the file has something else than a map on the way, which is a problem then."""
    *above, last = map(str, path)
    for key in above:
        inside = values.get(key)
        if inside is not None and not isinstance(inside, dict):
            return False
        values[key] = dict(inside or {})
        values = values[key]
    values[last] = value
    return True


def _not_unicode(variables: Mapping[Path, str], environ: Mapping[str, str]) -> list[ConfigProblem]:
    names = [name for name in variables.values() if has_surrogates(environ[name])]
    return [ConfigProblem(ENVIRONMENT, None, name, "not valid Unicode") for name in names]


def _problems(error: ValidationError, document: Document, variables: Mapping[Path, str]) -> list[ConfigProblem]:
    found: list[ConfigProblem] = []
    for details in error.errors(include_url=False):
        path, message, hint = sentence(details, Settings)
        if path in variables:
            found.append(ConfigProblem(ENVIRONMENT, None, variables[path], message, hint))
        elif not any(path[:length] in document.unread for length in range(len(path) + 1)):
            found.append(document.lines.problem(path, message, hint))
    return found
