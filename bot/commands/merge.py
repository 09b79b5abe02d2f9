"""``merge``: this ticket is part of another one."""

from __future__ import annotations

from bot.commands import reading
from bot.commands.call import Call
from bot.commands.registry import command
from core import commands as c
from core.desk.desk import Desk
from core.views import Message, View


@command("merge", "merge 43 42")
async def merge(desk: Desk, call: Call) -> View:
    ticket_id, rest = reading.ticket_and_rest(call)
    into = reading.ticket_number((call.fields.get("into") or rest).removeprefix("into ").strip(), "into")
    await desk.work.execute(ticket_id, c.Merge(into), call.by, call.origin, once=call.once)
    return Message("message.merged", {"ticket_id": ticket_id, "into_id": into}, ticket_id=ticket_id)
