"""``merge``: this ticket is part of another one."""

from __future__ import annotations

from bot.commands import reading
from bot.commands.call import Call
from bot.commands.registry import command
from core import commands as c
from core.desk.desk import Desk
from core.errors import BadField
from core.views import Message, View


@command("merge", "merge 43 42")
async def merge(desk: Desk, call: Call) -> View:
    ticket_id, rest = reading.ticket_and_rest(call)
    target = (call.fields.get("into") or rest).strip().removeprefix("into").strip().lstrip("#")
    if not target.isdigit():
        raise BadField(field="into", why="unknown_ticket", id=target)
    await desk.work.execute(ticket_id, c.Merge(int(target)), call.by, call.origin)
    return Message("message.merged", {"ticket_id": ticket_id, "into_id": int(target)}, ticket_id=ticket_id)
