"""``show``: the card of one ticket, the same for all who look at it; ``show_mine`` with what the asker may do alone."""

from __future__ import annotations

from msgspec.structs import replace

from bot.commands import reading
from bot.commands.call import Call
from bot.commands.registry import command
from core.desk.desk import Desk
from core.desk.show import allowed
from core.views import View


@command("show", "show 42")
async def show(desk: Desk, call: Call) -> View:
    ticket_id, _ = reading.ticket_and_rest(call)
    return await desk.card(ticket_id)


@command("show_mine", "show_mine 42", hidden=True)
async def show_mine(desk: Desk, call: Call) -> View:
    """For places where each reader has a view of their own."""
    ticket_id, _ = reading.ticket_and_rest(call)
    card, ticket = await desk.card(ticket_id), await desk.ticket(ticket_id)
    return replace(card, actions=allowed(card.actions, call.by, ticket, desk.settings.access.agents))
