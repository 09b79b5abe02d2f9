"""The doors to the outside: credentials that belong together and look like what they should be."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator
from typing import Literal

from pydantic import SecretStr

from core.config.checks import Finding
from core.config.problems import Path, suggestion
from core.config.settings import Settings
from core.config.vocabulary import SLACK_RESERVED, SUB_COMMANDS
from core.sealing import SHORTEST_KEY, keys_of

SHORTEST_TOKEN = 16
_GUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_WORKSPACE = re.compile(r"[TE][A-Z0-9]{2,}")
_NEW_KEY = "run openssl rand -hex 32"
_SLASH_COMMAND = re.compile(r"[a-z0-9_-]{1,31}")


def links(settings: Settings) -> Iterator[Finding]:
    if settings.base_url is None and (settings.slack.enabled or settings.msteams.enabled):
        yield Finding(("base_url",), "not set, so cards have no links", "set DESKBELL_BASE_URL", "warning")


def tokens(settings: Settings) -> Iterator[Finding]:
    given: dict[Path, SecretStr | None] = {
        ("api_token",): settings.api_token,
        ("webhook_token",): settings.webhook_token,
        **{("sources", name, "token"): source.token for name, source in settings.sources.items()},
    }
    for path, token in given.items():
        if token is not None and len(token.get_secret_value()) < SHORTEST_TOKEN:
            yield Finding(path, "short enough to be guessed", f"use {SHORTEST_TOKEN} characters or more", "warning")


def slack(settings: Settings) -> Iterator[Finding]:
    door = settings.slack
    # Another Slack than slack.com, an emulator for one, may give its tokens any form.
    level: Literal["error", "warning"] = "error" if "//slack.com/" in door.api_url else "warning"
    for field, prefix in (("bot_token", "xoxb-"), ("app_token", "xapp-")):
        token: SecretStr | None = getattr(door, field)
        if token is not None and not token.get_secret_value().startswith(prefix):
            yield Finding(("slack", field), f"does not begin with {prefix}", "copy it from the app's page", level)
    if door.bot_token is not None and not door.enabled:
        hint = "add slack.signing_secret for HTTP, or slack.app_token for Socket Mode"
        yield Finding(("slack", "bot_token"), "not enough, so Slack is off", hint, "warning")
    if (
        door.bot_token is None
        and door.client_id is None
        and (door.signing_secret is not None or door.app_token is not None)
    ):
        given = "signing_secret" if door.signing_secret is not None else "app_token"
        yield Finding(("slack", given), "not enough, so Slack is off", "add slack.bot_token", "warning")


def workspaces(settings: Settings) -> Iterator[Finding]:
    door = settings.slack
    keys = keys_of(settings.secret_key.get_secret_value()) if settings.secret_key else ()
    if any(len(key) < SHORTEST_KEY for key in keys):
        yield Finding(("secret_key",), f"a key is shorter than {SHORTEST_KEY} characters", _NEW_KEY)
    yield from _workspace_ids(settings)
    if door.client_id is None:
        return
    if door.client_secret is None:
        yield Finding(("slack", "client_id"), "not enough, so nobody can install", "add slack.client_secret")
    if not keys:
        yield Finding(("slack", "client_id"), "needs secret_key, to seal tokens with", _NEW_KEY)
    if settings.base_url is None:
        yield Finding(("slack", "client_id"), "needs base_url, where Slack sends browsers back to")
    if door.bot_token is not None:
        yield Finding(("slack", "bot_token"), "not used together with slack.client_id", "leave one out", "warning")
    if not door.workspaces:
        hint = "add the ids of the workspaces (T...) to slack.workspaces"
        yield Finding(("slack", "client_id"), "no workspace may install the app", hint, "warning")
    if not (door.signing_secret or door.app_token):
        hint = "add slack.signing_secret for HTTP, or slack.app_token for Socket Mode"
        yield Finding(("slack", "client_id"), "not enough, so Slack is off", hint, "warning")


def _workspace_ids(settings: Settings) -> Iterator[Finding]:
    named: dict[Path, str] = {("slack", "home"): settings.slack.home} if settings.slack.home else {}
    lists: dict[Path, tuple[str, ...]] = {
        ("slack", "workspaces"): settings.slack.workspaces,
        ("organisation", "slack_workspaces"): settings.organisation.slack_workspaces,
    }
    for path, names in lists.items():
        named |= {(*path, index): name for index, name in enumerate(names)}
    for path, name in named.items():
        if not _WORKSPACE.fullmatch(name) and (path[0], name) != ("slack", "*"):
            yield Finding(path, "not a Slack workspace", "write its id, T... or E..., from the address of Slack's page")


def commands(settings: Settings) -> Iterator[Finding]:
    names = settings.slack.commands
    if names.root in SLACK_RESERVED:
        yield Finding(("slack", "commands", "root"), f"Slack keeps /{names.root} for itself", "choose another name")
    for alias, meaning in names.aliases.items():
        path: Path = ("slack", "commands", "aliases", alias)
        if not _SLASH_COMMAND.fullmatch(alias):
            yield Finding(
                path, "not a slash command", "use 1 to 31 of the characters a-z, 0-9, _ and -, without the slash"
            )
        elif alias in SLACK_RESERVED:
            yield Finding(path, f"Slack keeps /{alias} for itself", f"write {names.root}-{alias}")
        elif alias == names.root:
            yield Finding(path, "the same as the root command", "choose another name")
        if meaning not in SUB_COMMANDS:
            yield Finding(path, f"no command is called {meaning}", suggestion(meaning, SUB_COMMANDS))


def microsoft(settings: Settings) -> Iterator[Finding]:
    door = settings.msteams
    if door.app_id is None:
        if door.app_password is not None:
            hint = "add msteams.app_id"
            yield Finding(("msteams", "app_password"), "not enough, so Teams is off", hint, "warning")
        return
    if not _GUID.fullmatch(door.app_id):
        yield Finding(("msteams", "app_id"), "not an app id", "it is a GUID, from the app's registration")
    if door.app_type != "UserAssignedMSI" and door.app_password is None and door.app_certificate is None:
        needed = "msteams.app_password or app_certificate"
        yield Finding(("msteams", "app_id"), f"a {door.app_type} app needs {needed}")
    if door.app_certificate is not None and not pathlib.Path(door.app_certificate).is_file():
        yield Finding(("msteams", "app_certificate"), "no such file", "a PEM file with certificate and private key")
    if door.app_type != "MultiTenant" and door.tenant_id is None:
        yield Finding(("msteams", "app_id"), f"a {door.app_type} app needs msteams.tenant_id")
