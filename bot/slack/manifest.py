"""The Slack app's manifest, made from the command registry and the configured names.

It asks for the permissions and events that the door and the notifier use, and for no others.
https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import bot.commands  # noqa: F401 -- registers the commands
from bot.commands.registry import COMMANDS
from bot.slack.http_transport import PATH
from bot.slack.shortcuts import CREATE, CREATE_FROM_MESSAGE
from core.config.settings import Settings
from core.config.vocabulary import SLACK_RESERVED
from core.i18n import Words

# What each is for: answers and notices; commands; mentions; what is said below cards, messages that become tickets, and
# the search for a message whose fate is unknown (history, and the ids of channels that are known by name); direct
# messages; links to tickets; the emoji that makes a ticket; the language and address of people.
BOT_SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "links:read",
    "links:write",
    "mpim:history",
    "reactions:read",
    "users:read",
    "users:read.email",
)
# What is nice to have: the names of a note's author above it, the addresses of files.
BOT_OPTIONAL_SCOPES = ("chat:write.customize", "files:read")
BOT_EVENTS = (
    "app_home_opened",
    "app_mention",
    "link_shared",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
)
OF_INSTALLATIONS = ("app_uninstalled", "tokens_revoked")
REDIRECT_PATH = "/slack/oauth_redirect"
_FOR_THE_EMOJI = frozenset({"reactions:read", "reaction_added"})
_FOR_LINKS = frozenset({"links:read", "links:write", "link_shared"})

_NAME = re.compile(r"/[a-z0-9_-]{1,31}")
_COMMANDS_LIMIT = 50
_SHORTCUT_NAME_LIMIT = 24
_ROOT_HINT = "create | list | show 42 | assign 42 @name | resolve 42 | help"


def manifest(settings: Settings, base_url: str | None, words: Words) -> dict[str, Any]:
    """The manifest in ``words``. Slack calls us at ``base_url`` if it can, else we open a socket (Socket Mode)."""
    address = _address(settings, base_url)
    called = {"request_url": address} if address else {}
    domains = _unfurl_domains(base_url)
    unused = _unused(settings, domains)
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "Deskbell",
            "description": words.text("slack.manifest.description"),
            "background_color": "#1f2d3d",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "deskbell", "always_online": True},
            "shortcuts": _shortcuts(words),
            "slash_commands": _slash_commands(settings, address, words),
            **({"unfurl_domains": domains} if domains else {}),
        },
        "oauth_config": {
            **_redirect(settings, base_url),
            "scopes": {"bot": list(_scopes(unused)), "bot_optional": list(BOT_OPTIONAL_SCOPES)},
        },
        "settings": {
            "event_subscriptions": {**called, "bot_events": _events(settings, unused)},
            "interactivity": {"is_enabled": True, **called},
            "org_deploy_enabled": settings.slack.has_workspaces,
            "socket_mode_enabled": address is None,
            # Cannot be switched off again, and gains nothing for one workspace.
            "token_rotation_enabled": settings.slack.has_workspaces and settings.slack.token_rotation,
        },
    }


def scopes(settings: Settings) -> tuple[str, ...]:
    """The permissions that a workspace is asked for when it installs the app: those of the manifest."""
    return _scopes(_unused(settings, _unfurl_domains(settings.base_url)))


def _scopes(unused: frozenset[str]) -> tuple[str, ...]:
    return tuple(scope for scope in BOT_SCOPES if scope not in unused)


def _events(settings: Settings, unused: frozenset[str]) -> list[str]:
    wanted = BOT_EVENTS + (OF_INSTALLATIONS if settings.slack.has_workspaces else ())
    return sorted(event for event in wanted if event not in unused)


def _redirect(settings: Settings, base_url: str | None) -> dict[str, list[str]]:
    """Where Slack sends the browser after an installation; it takes https alone."""
    usable = settings.slack.has_workspaces and base_url is not None and base_url.startswith("https://")
    return {"redirect_urls": [f"{(base_url or '').rstrip('/')}{REDIRECT_PATH}"]} if usable else {}


def lint(made: dict[str, Any], settings: Settings, words: Words) -> list[str]:
    """What Slack would refuse, or what would not work, though the schema allows it; sentences for the operator."""
    wrong: list[str] = []
    names = [str(command["command"]) for command in made["features"]["slash_commands"]]
    for name in dict.fromkeys(names):
        if not _NAME.fullmatch(name):
            wrong.append(words.text("slack.lint.name", name=name))
        elif name[1:] in SLACK_RESERVED:
            wrong.append(words.text("slack.lint.reserved", name=name))
        if names.count(name) > 1:
            wrong.append(words.text("slack.lint.twice", name=name))
    for shortcut in made["features"].get("shortcuts", []):
        if len(shortcut["name"]) > _SHORTCUT_NAME_LIMIT:
            wrong.append(words.text("slack.lint.shortcut", name=shortcut["name"], limit=_SHORTCUT_NAME_LIMIT))
    if len(names) > _COMMANDS_LIMIT:
        wrong.append(words.text("slack.lint.too_many", limit=_COMMANDS_LIMIT))
    for alias, meant in settings.slack.commands.aliases.items():
        if meant not in COMMANDS:
            wrong.append(words.text("slack.lint.unknown", name=f"/{alias}", command=meant))
    return wrong


def _address(settings: Settings, base_url: str | None) -> str | None:
    """None for Socket Mode: Slack calls https alone, and a configuration may have chosen the socket."""
    chosen = settings.slack.app_token is not None and settings.slack.signing_secret is None
    if chosen or base_url is None or not base_url.startswith("https://"):
        return None
    return f"{base_url.rstrip('/')}{PATH}"


def _unused(settings: Settings, domains: list[str]) -> frozenset[str]:
    """Permissions and events of what is switched off."""
    off: frozenset[str] = frozenset()
    if not settings.slack.reaction:
        off |= _FOR_THE_EMOJI
    return off if domains else off | _FOR_LINKS


def _unfurl_domains(base_url: str | None) -> list[str]:
    """Slack knows of links by their domain alone. Those to a page that others cannot open are not worth showing."""
    host = urlsplit(base_url or "").hostname if (base_url or "").startswith("https://") else None
    return [host] if host else []


def _shortcuts(words: Words) -> list[dict[str, str]]:
    made = ((CREATE_FROM_MESSAGE, "message"), (CREATE, "global"))
    return [
        {
            "name": words.text(f"slack.shortcut_{kind}"),
            "type": kind,
            "callback_id": callback,
            "description": words.text(f"slack.shortcut_{kind}_help"),
        }
        for callback, kind in made
    ]


def _slash_commands(settings: Settings, address: str | None, words: Words) -> list[dict[str, Any]]:
    commands = settings.slack.commands
    made = [_slash_command(commands.root, words.text("slack.manifest.description"), _ROOT_HINT, address)]
    for alias, meant in commands.aliases.items():
        known = COMMANDS.get(meant)
        usage = known.usage.removeprefix(meant).strip() if known else ""
        key = f"help.{meant}"
        made.append(_slash_command(alias, words.text(key) if words.has(key) else meant, usage, address))
    return made


def _slash_command(name: str, description: str, hint: str, address: str | None) -> dict[str, Any]:
    """``should_escape`` makes Slack send people and channels as ids instead of as they were typed."""
    made: dict[str, Any] = {"command": f"/{name}", "description": description, "should_escape": True}
    if hint:
        made["usage_hint"] = hint
    return {**made, "url": address} if address else made
