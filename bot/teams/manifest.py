"""The app package for Teams: its manifest, the Korean words for it, and the icons.

The commands offered while somebody writes are the literal ones in every language: picking one only writes it down.
https://learn.microsoft.com/microsoft-365/extensibility/schema/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from bot.teams import icons
from core.config.settings import TeamsSettings
from core.i18n import Words
from core.views import HelpEntry

SCHEMA_VERSION = "1.19"
VERSION = "1.1.0"
# Stand where an installation has no app or no public address yet.
NO_APP = "00000000-0000-0000-0000-000000000000"
NO_ADDRESS = "https://deskbell.example"

_SCOPES = ["personal", "team", "groupChat"]
_COMMANDS = 10
_TITLE, _DESCRIPTION = 32, 128
_FIRST = ("create", "overview", "list", "show", "assign", "status", "note", "escalate", "resolve", "help")
_KOREAN = "ko-kr.json"


def manifest(
    settings: TeamsSettings, base_url: str | None, commands: Sequence[HelpEntry], *, version: str = VERSION
) -> dict[str, Any]:
    """The manifest in English. ``base_url`` has to be https for Teams to take it; ``commands`` as help shows them."""
    words = Words("en")
    home = base_url if base_url and base_url.startswith("https://") else NO_ADDRESS
    app = settings.app_id or NO_APP
    return {
        "$schema": f"https://developer.microsoft.com/json-schemas/teams/v{SCHEMA_VERSION}/MicrosoftTeams.schema.json",
        "manifestVersion": SCHEMA_VERSION,
        "version": version,
        "id": app,
        "developer": {
            "name": words.text("teams.app.developer"),
            "websiteUrl": home,
            "privacyUrl": home,
            "termsOfUseUrl": home,
        },
        "name": _pair(words, "name"),
        "description": _pair(words, "description"),
        "icons": {"color": "color.png", "outline": "outline.png"},
        "accentColor": icons.ACCENT,
        "localizationInfo": {
            "defaultLanguageTag": "en-us",
            "additionalLanguages": [{"languageTag": "ko-kr", "file": _KOREAN}],
        },
        "bots": [
            {
                "botId": app,
                "scopes": _SCOPES,
                "isNotificationOnly": False,
                "supportsFiles": False,
                "commandLists": [{"scopes": _SCOPES, "commands": list(_commands(commands, words))}],
            }
        ],
        "composeExtensions": [_extension(app, home, words)],
        "permissions": ["identity", "messageTeamMembers"],
        "validDomains": [urlsplit(home).netloc],
        **(_reads_along(app) if settings.all_messages else {}),
    }


def korean(commands: Sequence[HelpEntry]) -> dict[str, str]:
    """The Korean words, by their path in the manifest."""
    words = Words("ko")
    texts = {
        "$schema": f"https://developer.microsoft.com/json-schemas/teams/v{SCHEMA_VERSION}/"
        "MicrosoftTeams.Localization.schema.json",
        **{f"{part}.{size}": text for part in ("name", "description") for size, text in _pair(words, part).items()},
    }
    for index, entry in enumerate(_commands(commands, words)):
        texts[f"bots[0].commandLists[0].commands[{index}].description"] = entry["description"]
    for index, entry in enumerate(_extension(NO_APP, NO_ADDRESS, words)["commands"]):
        path = f"composeExtensions[0].commands[{index}]"
        texts |= {f"{path}.title": entry["title"], f"{path}.description": entry["description"]}
        for number, parameter in enumerate(entry.get("parameters", ())):
            texts[f"{path}.parameters[{number}].title"] = parameter["title"]
    return texts


def package(
    settings: TeamsSettings, base_url: str | None, commands: Sequence[HelpEntry], *, version: str = VERSION
) -> dict[str, bytes]:
    """The files of the app package by name; zipped together they are what Teams takes."""
    return {
        "manifest.json": _json(manifest(settings, base_url, commands, version=version)),
        _KOREAN: _json(korean(commands)),
        "color.png": icons.color(),
        "outline.png": icons.outline(),
    }


def _extension(app: str, home: str, words: Words) -> dict[str, Any]:
    create = {
        "id": "createTicket",
        "type": "action",
        **_command(words, "create"),
        "context": ["compose", "message"],
        "fetchTask": True,
    }
    find = {
        "id": "findTicket",
        "type": "query",
        **_command(words, "find"),
        "context": ["compose", "commandBox"],
        "initialRun": True,
        "parameters": [{"name": "q", "title": words.text("teams.app.find.query"), "inputType": "text"}],
    }
    links = {"type": "link", "value": {"domains": [urlsplit(home).netloc]}}
    return {"botId": app, "commands": [create, find], "messageHandlers": [links]}


def _reads_along(app: str) -> dict[str, Any]:
    """The owners of a team or a chat let the bot hear what does not mention it, when they add the app.

    https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/channel-messages-with-rsc
    """
    names = ("ChannelMessage.Read.Group", "ChatMessage.Read.Chat")
    asked = [{"name": name, "type": "Application"} for name in names]
    return {
        "webApplicationInfo": {"id": app, "resource": "https://RscBasedStoreApp"},
        "authorization": {"permissions": {"resourceSpecific": asked}},
    }


def _command(words: Words, name: str) -> dict[str, str]:
    return {
        "title": words.text(f"teams.app.{name}.title")[:_TITLE],
        "description": words.text(f"teams.app.{name}.description")[:_DESCRIPTION],
    }


def _commands(commands: Sequence[HelpEntry], words: Words) -> Iterator[dict[str, str]]:
    """The ten that are asked for most, of those that there are."""
    by_name = {entry.usage.split(" ", 1)[0]: entry for entry in commands}
    names = [*(name for name in _FIRST if name in by_name), *(name for name in by_name if name not in _FIRST)]
    for name in names[:_COMMANDS]:
        yield {"title": name[:_TITLE], "description": words.text(by_name[name].help_key)[:_DESCRIPTION]}


def _pair(words: Words, part: str) -> dict[str, str]:
    return {size: words.text(f"teams.app.{part}.{size}") for size in ("short", "full")}


def _json(value: Any) -> bytes:
    return f"{json.dumps(value, ensure_ascii=False, indent=2)}\n".encode()
