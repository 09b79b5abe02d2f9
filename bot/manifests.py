"""``deskbell manifest``: what Slack and Teams have to be told of the app, written from the command registry."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import bot.commands  # noqa: F401 -- registers the commands
from bot.commands.registry import COMMANDS
from bot.process import FAILED, OK, load_or_explain
from core.config.settings import Settings
from core.i18n import Words
from core.views import HelpEntry

_FIXED = (1980, 1, 1, 0, 0, 0)  # The same input gives the same bytes.


def commands_shown() -> tuple[HelpEntry, ...]:
    """The commands as help shows them."""
    return tuple(HelpEntry(entry.usage, f"help.{entry.name}") for entry in COMMANDS.values() if not entry.hidden)


def manifests(settings: Settings, base_url: str | None) -> dict[str, bytes]:
    """The files of the folder ``manifest/`` by name."""
    from bot.slack.manifest import manifest as slack_manifest
    from bot.teams.manifest import package

    made = slack_manifest(settings, base_url, Words(settings.language))
    files = {"slack.json": (json.dumps(made, indent=2, ensure_ascii=False) + "\n").encode()}
    packed = package(settings.msteams, base_url, commands_shown())
    files |= {f"teams/{name}": data for name, data in packed.items()}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in packed.items():
            zipped.writestr(zipfile.ZipInfo(name, _FIXED), data)
    files["teams/deskbell-teams.zip"] = archive.getvalue()
    return files


def write_manifests(config: Path | None, base_url: str | None, output: Path) -> int:
    """Write the manifests below ``output``; problems that Slack would refuse are printed and fail."""
    settings = load_or_explain(config)
    if settings is None:
        return FAILED
    from bot.slack.manifest import lint

    address = base_url or settings.base_url
    files = manifests(settings, address)
    wrong = lint(json.loads(files["slack.json"]), settings, Words(settings.language))
    for problem in wrong:
        sys.stderr.write(f"{problem}\n")
    if wrong:
        return FAILED
    for name, data in files.items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        sys.stdout.write(f"{path}\n")
    if address is None:
        sys.stdout.write("no --base-url: Slack is set to Socket Mode; the Teams package has a placeholder\n")
    return OK
