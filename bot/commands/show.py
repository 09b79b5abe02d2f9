"""``show``: the card of one ticket."""

from __future__ import annotations

from bot.commands import reading
from bot.commands.call import Call
from bot.commands.registry import command
from core.desk.desk import Desk
from core.views import View


@command("show", "show 42")
async def show(desk: Desk, call: Call) -> View:
    ticket_id, _ = reading.ticket_and_rest(call)
    return await desk.card(ticket_id)
