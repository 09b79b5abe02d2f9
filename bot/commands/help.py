"""``help``, and the answer to a word that is no command."""

from __future__ import annotations

from bot.commands import registry, request
from bot.commands.call import Call
from bot.commands.registry import COMMANDS, command
from core.desk.desk import Desk
from core.views import Help, HelpEntry, View


@command("help", "help")
async def help_(desk: Desk, call: Call) -> View:
    entries = tuple(HelpEntry(entry.usage, f"help.{entry.name}") for entry in COMMANDS.values() if not entry.hidden)
    wrong = call.text.strip().split(" ", 1)[0] if not call.name and call.text.strip() else None
    root = f"/{desk.settings.slack.commands.root}" if call.origin == "slack" else ""
    return Help(root, entries, wrong, (request.nearest(call.text) or registry.nearest(wrong)) if wrong else None)
