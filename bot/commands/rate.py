"""``rate``: how the requester found it, 1 to 5."""

from __future__ import annotations

from bot.commands import reading
from bot.commands.call import Call
from bot.commands.registry import command
from core import commands as c
from core.desk.desk import Desk
from core.views import RatingRequest, View


@command("rate", "rate 42 5 [comment]")
async def rate(desk: Desk, call: Call) -> View:
    ticket_id, rest = reading.ticket_and_rest(call)
    first, _, comment = rest.partition(" ")
    score = reading.whole_number(call.fields.get("score") or first, "score", 1, 5)
    ticket = await desk.work.execute(
        ticket_id, c.Rate(score, call.fields.get("comment") or comment), call.by, call.origin, once=call.once
    )
    return RatingRequest(ticket.id, ticket.title, ticket.satisfaction)
